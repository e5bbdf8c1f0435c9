"""What staff do with a tenant's endpoints. Each verb is an outermost transaction and writes to the audit trail.

All are for the platform's admins and the tenant's own, and raise Forbidden, or NotFound for what is not theirs.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection

from aurix import audit, standing
from aurix.actor import Actor
from aurix.errors import BadRequest, NotFound
from aurix.models import WebhookDelivery, WebhookEndpoint
from aurix.relay import envelope
from aurix.tenancy import platform_scope
from aurix.webhooks import deliveries, signatures

MOST = 20
"""Endpoints of a tenant: each event is kept once for each."""
_TEST = "webhook.test"


@dataclass(frozen=True, slots=True)
class EndpointView:
    """An endpoint as staff see it: without its secrets."""

    id: UUID
    url: str
    types: list[str]
    failures: int
    succeeded_at: datetime | None
    disabled_at: datetime | None
    disabled_reason: str
    created_at: datetime


_FIELDS = tuple(EndpointView.__dataclass_fields__)


def of_tenant(*, by: Actor, tenant_id: UUID, after: str = "", most: int = MOST) -> list[EndpointView]:
    """At most ``most`` endpoints, oldest first, behind the id ``after``."""
    with staff(by, tenant_id, "webhooks: list endpoints"):
        rows = WebhookEndpoint.objects.filter(tenant_id=tenant_id).order_by("id")
        if after:
            rows = rows.filter(id__gt=after)
        return [EndpointView(*row) for row in rows.values_list(*_FIELDS)[:most]]


def create(*, by: Actor, tenant_id: UUID, url: str, types: list[str], now: datetime) -> tuple[EndpointView, str]:
    """A new endpoint, which gets what happens from now on, and its secret, to be shown once. Raises: BadRequest."""
    secret = signatures.new_secret()
    with staff(by, tenant_id, "webhooks: create an endpoint"):
        with connection.cursor() as cursor:  # two at once count each other
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('webhooks/' || %s, 0))", [str(tenant_id)])
        if WebhookEndpoint.objects.filter(tenant_id=tenant_id).count() >= MOST:
            raise BadRequest(f"A tenant has at most {MOST} webhooks.")
        row = WebhookEndpoint(
            tenant_id=tenant_id, url=url, types=types, secret=signatures.sealed(secret), retry_at=now, created_at=now
        )
        row.save(force_insert=True)
        _note("created", row, by, now, after={"url": url, "types": types})
    return _view(row), signatures.shown(secret)


def change(*, by: Actor, tenant_id: UUID, endpoint_id: UUID, given: dict[str, Any], now: datetime) -> EndpointView:
    """Give it another ``url`` or other ``types``, for what happens from now on and, the URL, what still waits."""
    with staff(by, tenant_id, "webhooks: change an endpoint"):
        row = locked(tenant_id, endpoint_id)
        before = {name: getattr(row, name) for name in given}
        if given and before != given:
            for name, value in given.items():
                setattr(row, name, value)
            row.save(update_fields=list(given))
            _note("changed", row, by, now, before=before, after=given)
    return _view(row)


def remove(*, by: Actor, tenant_id: UUID, endpoint_id: UUID, now: datetime) -> None:
    """Away with it and with all that waits for it."""
    with staff(by, tenant_id, "webhooks: remove an endpoint"):
        row = locked(tenant_id, endpoint_id)
        WebhookDelivery.objects.filter(tenant_id=tenant_id, endpoint_id=endpoint_id).delete()
        _note("removed", row, by, now, before={"url": row.url, "types": row.types})
        WebhookEndpoint.objects.filter(tenant_id=tenant_id, id=endpoint_id).delete()


def rotate_secret(*, by: Actor, tenant_id: UUID, endpoint_id: UUID, now: datetime) -> tuple[str, datetime]:
    """A new secret, to be shown once, and until when the old one signs too. One before the old one ends at once."""
    secret, until = signatures.new_secret(), now + timedelta(hours=settings.WEBHOOK_OLD_SECRET_HOURS)
    with staff(by, tenant_id, "webhooks: rotate a secret"):
        row = locked(tenant_id, endpoint_id)
        row.previous_secret, row.previous_until = row.secret, until
        row.secret = signatures.sealed(secret)
        row.save(update_fields=["secret", "previous_secret", "previous_until"])
        _note("secret_rotated", row, by, now)
    return signatures.shown(secret), until


def enable(*, by: Actor, tenant_id: UUID, endpoint_id: UUID, now: datetime) -> EndpointView:
    """Try it again at once: what waits for it leaves, in order. Doing it again only ends a pause."""
    with staff(by, tenant_id, "webhooks: enable an endpoint"):
        row = locked(tenant_id, endpoint_id)
        if row.disabled_at:
            _note("enabled", row, by, now)
        row.disabled_at, row.disabled_reason, row.failures, row.retry_at = None, "", 0, now
        row.save(update_fields=["disabled_at", "disabled_reason", "failures", "retry_at"])
        WebhookDelivery.objects.filter(
            tenant_id=tenant_id, endpoint_id=endpoint_id, delivered_at=None, dead=False, attempts__gt=0
        ).update(retry_at=now)
    return _view(row)


def test(*, by: Actor, tenant_id: UUID, endpoint_id: UUID, now: datetime) -> UUID:
    """Queue an event ``org.aurix.webhook.test`` for this endpoint alone; its id is what the deliveries list it by."""
    with staff(by, tenant_id, "webhooks: test an endpoint"):
        row = locked(tenant_id, endpoint_id)
        made = envelope.test(tenant_id=tenant_id, subject_id=endpoint_id, kind=_TEST, now=now)
        deliveries.again(endpoint_id=row.id, events=[made])
        _note("tested", row, by, now)
    return made.id


@contextmanager
def staff(by: Actor, tenant_id: UUID, why: str) -> Iterator[None]:
    """A transaction of a member of the tenant's staff, or of the platform's. Raises: Forbidden, NotFound."""
    with platform_scope(why):
        standing.require_admin_of(actor=by, tenant_id=tenant_id)
        yield


def locked(tenant_id: UUID, endpoint_id: UUID) -> WebhookEndpoint:
    """The endpoint, locked until the caller's transaction ends. Raises: NotFound."""
    # In SQL: Django's own way belongs to each app's locks, and this row is on no wallet's path.
    found = WebhookEndpoint.objects.raw(
        "SELECT * FROM aurix_webhook_endpoint WHERE tenant_id = %s AND id = %s FOR UPDATE", [tenant_id, endpoint_id]
    )
    for row in found:
        return row
    raise NotFound


def _view(row: WebhookEndpoint) -> EndpointView:
    return EndpointView(*(getattr(row, name) for name in _FIELDS))


def _note(
    what: str,
    row: WebhookEndpoint,
    by: Actor,
    now: datetime,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    audit.record(
        action=f"webhook.{what}",
        subject_id=row.id,
        tenant_id=row.tenant_id,
        by=by.user_id,
        now=now,
        before=before,
        after=after,
    )
