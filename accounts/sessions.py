"""Rows of sessions and refresh tokens, written inside an action's transaction and its tenant's scope."""

from datetime import datetime
from typing import cast
from uuid import UUID

from django.db import connection

from accounts import tokens
from accounts.models import RefreshToken, Session, User
from aurix.actor import Actor, Role
from aurix.standing import in_administration


def start(*, user: User, now: datetime) -> tokens.Tokens:
    """Open a session with its first tokens. The caller has just made the user, or holds its lock."""
    session = Session(
        tenant_id=user.tenant_id, user_id=user.id, created_at=now, expires_at=now + tokens.refresh_lifetime()
    )
    session.save(force_insert=True)
    return _mint(session=session, role=user.role, now=now)


def rotate(*, session: Session, token: RefreshToken, role: str, now: datetime) -> tokens.Tokens:
    """Use ``token`` up and issue the next one. The caller holds the session's lock and has checked both."""
    token.used_at = now
    token.save(update_fields=["used_at"])
    session.expires_at = now + tokens.refresh_lifetime()
    session.save(update_fields=["expires_at"])
    return _mint(session=session, role=role, now=now)


def end_all(*, tenant_id: UUID, user_id: UUID, reason: Session.EndReason, now: datetime) -> int:
    """End every open session of a user, whose lock the caller holds; returns how many there were."""
    return Session.objects.filter(tenant_id=tenant_id, user_id=user_id).end(reason=reason, now=now)


def standing_and_role(*, tenant_id: UUID, user_id: UUID, session_id: UUID | None) -> tuple[str, str]:
    """Standing (as it counts for logging in) and role as of now; under the user's lock it holds until commit."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT actor_standing(%s, %s, %s), actor_role(%s, %s)",
            [tenant_id, user_id, session_id, tenant_id, user_id],
        )
        state, role = cursor.fetchone()
    return in_administration(state=state, role=role or ""), role or ""


def _mint(*, session: Session, role: str, now: datetime) -> tokens.Tokens:
    refresh_token = tokens.new_refresh_token(tenant_id=session.tenant_id)
    RefreshToken(
        tenant_id=session.tenant_id,
        session_id=session.id,
        token_hash=tokens.digest(refresh_token=refresh_token),
        issued_at=now,
        expires_at=session.expires_at,
    ).save(force_insert=True)
    actor = Actor(tenant_id=session.tenant_id, user_id=session.user_id, session_id=session.id, role=cast("Role", role))
    return tokens.Tokens(
        access_token=tokens.issue(actor=actor, now=now),
        refresh_token=refresh_token,
        expires_in=tokens.access_seconds(),
    )
