"""The deliveries of an endpoint as staff see them, and deciding on the dead ones."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Q, QuerySet

from aurix import audit
from aurix.actor import Actor
from aurix.models import WebhookDelivery
from aurix.webhooks import endpoints

STATES = {
    "pending": Q(delivered_at=None, attempts=0),
    "failing": Q(delivered_at=None, attempts__gt=0, dead=False),
    "dead": Q(delivered_at=None, dead=True),
    "delivered": Q(delivered_at__isnull=False),
}


@dataclass(frozen=True, slots=True)
class DeliveryView:
    """``status`` is HTTP's of the last attempt, None when there was no answer."""

    id: UUID
    event_id: UUID
    subject_id: UUID
    type: str
    attempts: int
    dead: bool
    status: int | None
    error: str
    retry_at: datetime
    delivered_at: datetime | None
    created_at: datetime

    @property
    def state(self) -> str:
        """One of ``STATES``."""
        if self.delivered_at:
            return "delivered"
        if self.dead:
            return "dead"
        return "failing" if self.attempts else "pending"


_FIELDS = tuple(DeliveryView.__dataclass_fields__)


def of_endpoint(
    *, by: Actor, tenant_id: UUID, endpoint_id: UUID, state: str, after: tuple[datetime, UUID] | None, most: int
) -> list[DeliveryView]:
    """At most ``most`` deliveries, newest first, older than ``after``; of one of ``STATES``, or of all when empty.

    Raises: Forbidden, NotFound.
    """
    with endpoints.staff(by, tenant_id, "webhooks: list deliveries"):
        endpoints.locked(tenant_id, endpoint_id)
        rows = WebhookDelivery.objects.filter(tenant_id=tenant_id, endpoint_id=endpoint_id)
        if state:
            rows = rows.filter(STATES[state])
        if after:
            rows = rows.filter(Q(created_at__lt=after[0]) | Q(created_at=after[0], id__lt=after[1]))
        return [DeliveryView(*row) for row in rows.order_by("-created_at", "-id").values_list(*_FIELDS)[:most]]


def requeue(*, by: Actor, tenant_id: UUID, endpoint_id: UUID, event_id: UUID, now: datetime) -> int:
    """Try a failing or dead event again at once, from the first attempt on. Returns how many.

    Raises: Forbidden, NotFound.
    """
    with endpoints.staff(by, tenant_id, "webhooks: requeue"):
        rows = _failing(tenant_id, endpoint_id, event_id)
        done = rows.update(attempts=0, dead=False, failing_since=None, retry_at=now)
        _note("requeued", tenant_id, endpoint_id, event_id, by, now, done)
    return done


def discard(*, by: Actor, tenant_id: UUID, endpoint_id: UUID, event_id: UUID, now: datetime) -> int:
    """Give a failing or dead event up for good, so that what waits behind it leaves. Returns how many.

    Raises: Forbidden, NotFound.
    """
    with endpoints.staff(by, tenant_id, "webhooks: discard"):
        done, _ = _failing(tenant_id, endpoint_id, event_id).delete()
        _note("discarded", tenant_id, endpoint_id, event_id, by, now, done)
    return done


def _failing(tenant_id: UUID, endpoint_id: UUID, event_id: UUID) -> QuerySet[WebhookDelivery]:
    endpoints.locked(tenant_id, endpoint_id)
    return WebhookDelivery.objects.filter(
        tenant_id=tenant_id, endpoint_id=endpoint_id, event_id=event_id, delivered_at=None, attempts__gt=0
    )


def _note(what: str, tenant_id: UUID, endpoint_id: UUID, event_id: UUID, by: Actor, now: datetime, done: int) -> None:
    if done:
        audit.record(action=f"webhook.{what}", subject_id=event_id, tenant_id=tenant_id, by=by.user_id, now=now,
                     after={"endpoint_id": str(endpoint_id)})  # fmt: skip
