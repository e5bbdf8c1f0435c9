"""Sending an endpoint again what was written since some time, or one event, as far as the outbox retains it."""

from datetime import datetime
from uuid import UUID

import orjson
from django.db import connection

from aurix import audit
from aurix.actor import Actor
from aurix.errors import NotFound
from aurix.relay.envelope import TYPE_PREFIX, Event, event
from aurix.tenancy import platform_scope
from aurix.webhooks import deliveries, endpoints

_STEP = 10_000
_COLUMNS = "id, tenant_id, subject_id, sequence, type, payload::text, created_at"


def since(*, by: Actor, tenant_id: UUID, endpoint_id: UUID, moment: datetime, now: datetime) -> None:
    """Have the relay queue everything that was written since ``moment`` and that the endpoint wants.

    Raises: Forbidden, NotFound.
    """
    with endpoints.staff(by, tenant_id, "webhooks: replay"):
        row = endpoints.locked(tenant_id, endpoint_id)
        row.replay_from, row.replay_after = moment, 0
        row.save(update_fields=["replay_from", "replay_after"])
        _note(row.id, tenant_id, by, now, {"from": moment.isoformat()})


def one(*, by: Actor, tenant_id: UUID, endpoint_id: UUID, event_id: UUID, now: datetime) -> None:
    """Queue one event, wanted or not. Raises: Forbidden; NotFound also for an event that is no longer retained."""
    with endpoints.staff(by, tenant_id, "webhooks: replay"):
        endpoints.locked(tenant_id, endpoint_id)
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT {_COLUMNS} FROM aurix_outbox WHERE tenant_id = %s AND id = %s",  # noqa: S608  constants
                [tenant_id, event_id],
            )
            row = cursor.fetchone()
        if row is None:
            raise NotFound
        deliveries.again(endpoint_id=endpoint_id, events=[event(*row)])
        _note(endpoint_id, tenant_id, by, now, {"event_id": str(event_id)})


def step() -> bool:
    """Queue some thousand events of one replay that was asked for. Returns whether there was any.

    What it has queued and how far it came are written together: after a crash it goes on from there.
    """
    with platform_scope("webhooks: replay"), connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, tenant_id, types::text, replay_from, replay_after FROM aurix_webhook_endpoint "
            "WHERE replay_from IS NOT NULL ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED"
        )
        row = cursor.fetchone()
        if row is None:
            return False
        endpoint_id, tenant_id, wanted_types, moment, after = row
        found, types = _next(tenant_id, moment, after), orjson.loads(wanted_types)
        deliveries.again(endpoint_id=endpoint_id, events=[e for e in found if wanted(e.type, types)])
        cursor.execute(
            "UPDATE aurix_webhook_endpoint SET replay_after = %s, replay_from = %s WHERE tenant_id = %s AND id = %s",
            [found[-1].sequence if found else 0, moment if len(found) == _STEP else None, tenant_id, endpoint_id],
        )
    return True


def wanted(kind: str, types: list[str]) -> bool:
    """Whether an endpoint with these ``types`` gets events of ``kind``: as ``deliveries.spread`` has it in SQL."""
    return not types or kind in types or f"{kind.rpartition('.')[0]}.*" in types


def known(pattern: str) -> bool:
    """Whether ``pattern`` may be among an endpoint's types: ``org.aurix.wallet.buy`` or ``org.aurix.wallet.*``."""
    family, _, kind = pattern.removeprefix(TYPE_PREFIX).partition(".")
    plain = family.isascii() and family.isalpha() and family.islower()
    return pattern.startswith(TYPE_PREFIX) and plain and (kind == "*" or kind.replace("_", "").isalpha())


def _next(tenant_id: UUID, moment: datetime, after: int) -> list[Event]:
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {_COLUMNS} FROM aurix_outbox WHERE tenant_id = %s AND created_at >= %s AND sequence > %s "  # noqa: S608  constants
            "ORDER BY sequence LIMIT %s",
            [tenant_id, moment, after, _STEP],
        )
        return [event(*row) for row in cursor.fetchall()]


def _note(endpoint_id: UUID, tenant_id: UUID, by: Actor, now: datetime, after: dict[str, str]) -> None:
    audit.record(
        action="webhook.replayed", subject_id=endpoint_id, tenant_id=tenant_id, by=by.user_id, now=now, after=after
    )
