"""Events for the world outside, written with the change they tell of. The relay (a later issue) sends them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from aurix.models import OutboxEvent


def emit(*, tenant_id: UUID, subject_id: UUID, event: str, payload: dict[str, Any], now: datetime) -> None:
    """Write an event in the caller's transaction: it exists exactly when the change does."""
    OutboxEvent(tenant_id=tenant_id, subject_id=subject_id, type=event, payload=payload, created_at=now).save(
        force_insert=True
    )
