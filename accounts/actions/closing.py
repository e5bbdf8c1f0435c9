"""Closing an account."""

from datetime import datetime
from uuid import UUID

from accounts import locks, sessions
from accounts.models import Session
from aurix import audit, outbox
from aurix.errors import NotFound
from aurix.tenancy import tenant_scope


def close(*, tenant_id: UUID, user_id: UUID, by: UUID | None, now: datetime) -> None:
    """Close an account to login and trade, from the commit on; closing it again changes nothing.

    ``by`` is who does it: the person, an admin, or None for the command line. Raises: NotFound.
    """
    with tenant_scope(tenant_id):
        user = locks.user(tenant_id=tenant_id, user_id=user_id)
        if user is None:
            raise NotFound
        if user.closed_at is not None:
            return
        user.closed_at = now
        user.save(update_fields=["closed_at"])
        ended = sessions.end_all(tenant_id=tenant_id, user_id=user_id, reason=Session.EndReason.ACCOUNT_CLOSED, now=now)
        event, payload = "account.closed", {"user_id": str(user_id)}
        outbox.emit(tenant_id=tenant_id, subject_id=user_id, event=event, payload=payload, now=now)
        audit.record(
            action=event, subject_id=user_id, tenant_id=tenant_id, by=by, now=now, after={"sessions_ended": ended}
        )
