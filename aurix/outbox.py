"""Events for the world outside, written with the change they tell of. ``aurix.relay`` sends them.

``docs/events/`` describes each type. A payload holds ids and amounts, no personal data."""

from datetime import datetime
from typing import Any
from uuid import UUID

from aurix.models import OutboxEvent


def emit(*, tenant_id: UUID, subject_id: UUID, event: str, payload: dict[str, Any], now: datetime) -> None:
    """Write an event in the caller's transaction: it exists exactly when the change does.

    The caller holds the lock of the subject, so that its events are numbered in the order in which they happen.
    """
    OutboxEvent(tenant_id=tenant_id, subject_id=subject_id, type=event, payload=payload, created_at=now).save(
        force_insert=True
    )
