"""The audit trail: one row for each change of terms, standing or access, in the change's own transaction."""

from datetime import datetime
from typing import Any
from uuid import UUID

from aurix import context
from aurix.models import AuditEvent


def record(
    *,
    action: str,
    subject_id: UUID | str,
    tenant_id: UUID | None,
    by: UUID | None,
    now: datetime,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    """Write that ``by`` (None: the command line) did ``action``. Ids and settings only, no personal data."""
    AuditEvent(
        tenant_id=tenant_id,
        actor_id=by,
        action=action,
        subject_id=str(subject_id),
        before=before,
        after=after,
        request_id=context.request_id(),
        created_at=now,
    ).save(force_insert=True)
