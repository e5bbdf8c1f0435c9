"""Everything in this app that locks. A step's order: its tenant (shared), its wallets' progress, watermark, part."""

from uuid import UUID

from django.db import connection

from insights.models import Watermark

_TENANT = "SELECT pg_advisory_xact_lock{}(hashtextextended('insights/' || %s, 0))"

# Whoever holds a wallet's progress makes its snapshots. After a wait the row is read again: what the one before has
# seen is no longer new.
_FRESH = """
SELECT p.wallet_id
  FROM insights_progress p
  JOIN wallet_heads w ON w.tenant_id = p.tenant_id AND w.wallet_id = p.wallet_id
 WHERE p.tenant_id = %s AND p.wallet_id > %s AND w.number > p.number
 ORDER BY p.wallet_id
 LIMIT %s
   FOR UPDATE OF p {}
"""


def tenant_with_others(tenant_id: UUID) -> None:
    """Keep ``tenant_alone`` out until the transaction ends; others may work on the tenant meanwhile."""
    with connection.cursor() as cursor:
        cursor.execute(_TENANT.format("_shared"), [str(tenant_id)])


def tenant_alone(tenant_id: UUID) -> None:
    """Wait for all who work on the tenant, and keep them out until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute(_TENANT.format(""), [str(tenant_id)])


def fresh_wallets(*, tenant_id: UUID, after: UUID, most: int, wait: bool) -> list[UUID]:
    """At most ``most`` wallets behind ``after`` that have entries which were not seen, locked.

    Those that others hold are passed over, or waited for where ``wait`` says so.
    """
    with connection.cursor() as cursor:
        cursor.execute(_FRESH.format("" if wait else "SKIP LOCKED"), [tenant_id, after, most])
        return [wallet_id for (wallet_id,) in cursor.fetchall()]


def watermark(tenant_id: UUID) -> Watermark:
    """The tenant's watermark, locked and as it was left by whoever held it before."""
    return Watermark.objects.select_for_update(of=("self",)).get(tenant_id=tenant_id)
