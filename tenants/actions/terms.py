"""Changing the terms on which a tenant's customers trade."""

from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from aurix import audit, standing
from aurix.actor import Actor
from aurix.tenancy import platform_scope
from tenants import locks
from tenants.models import Terms


@dataclass(frozen=True, slots=True)
class Fees:
    """Rates as shares of gross (0 ≤ rate < 1, at most 8 places); the minimum in cents."""

    buy_fee_rate: Decimal
    sell_fee_rate: Decimal
    min_fee_cents: int


DEFAULT_TERMS = Fees(buy_fee_rate=Decimal("0.005"), sell_fee_rate=Decimal("0.005"), min_fee_cents=50)


def set_fees(*, by: Actor, tenant_id: UUID, fees: Fees, now: datetime) -> None:
    """Put new fees in force with the commit; trades before keep theirs. For the platform's and the tenant's own admins.

    Raises: Forbidden, NotFound.
    """
    with platform_scope("set a tenant's fees"):
        standing.require_admin_of(actor=by, tenant_id=tenant_id)
        locks.tenant(tenant_id)
        write_terms(tenant_id=tenant_id, terms=fees, by=by.user_id, now=now)


def write_terms(*, tenant_id: UUID, terms: Fees, by: UUID | None, now: datetime) -> None:
    """Append a version of the terms and its audit event; the caller has locked the tenant."""
    last = Terms.objects.filter(tenant_id=tenant_id).order_by("-version").first()
    Terms(
        tenant_id=tenant_id, version=last.version + 1 if last else 1, set_by=by, created_at=now, **asdict(terms)
    ).save(force_insert=True)
    audit.record(
        action="terms.set",
        subject_id=tenant_id,
        tenant_id=tenant_id,
        by=by,
        now=now,
        before=_plain(last) if last else None,
        after=_plain(terms),
    )


def _plain(terms: Terms | Fees) -> dict[str, str | int]:
    return {
        "buy_fee_rate": f"{terms.buy_fee_rate:.8f}",
        "sell_fee_rate": f"{terms.sell_fee_rate:.8f}",
        "min_fee_cents": terms.min_fee_cents,
    }
