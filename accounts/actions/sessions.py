"""Logging in, staying logged in, logging out."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from accounts import credentials, locks, sessions, tokens
from accounts.credentials import Candidate
from accounts.errors import InvalidCredentials, InvalidTenant, TenantSelectionRequired
from accounts.models import RefreshToken, Session
from accounts.passwords import Attempt
from accounts.tokens import Tokens
from aurix import audit, standing
from aurix.actor import Actor
from aurix.errors import AccountDisabled, TenantInactive, TokenExpired, TokenRevoked, Unauthorized
from aurix.tenancy import tenant_scope
from tenants import queries as tenants


def login(*, email: str, password: str, tenant_code: str | None, now: datetime) -> Tokens:
    """Open a session where the password fits. Without a tenant code every tenant is looked at.

    Until the password fits, every answer is InvalidCredentials, after the same work. Then closed accounts and inactive
    tenants are named, and tenants to choose from are those in which a session could be opened.
    Raises: InvalidTenant (no tenant has this code), InvalidCredentials, AccountDisabled, TenantInactive,
    TenantSelectionRequired.
    """
    attempt, fitting = credentials.fitting(email=email, password=password, tenant_id=_tenant_id(tenant_code))
    return _open_session(_choose(fitting), attempt, now=now)


def _tenant_id(code: str | None) -> UUID | None:
    if code is None:
        return None
    tenant = tenants.by_code(code)
    if tenant is None:
        raise InvalidTenant
    return tenant.id


def _choose(fitting: Sequence[Candidate]) -> Candidate:
    if not fitting:
        raise InvalidCredentials
    welcome = [candidate for candidate in fitting if candidate.welcome]
    if len(welcome) > 1:
        raise TenantSelectionRequired(codes=[candidate.tenant_code for candidate in welcome])
    if welcome:
        return welcome[0]
    raise AccountDisabled if any(candidate.tenant_active for candidate in fitting) else TenantInactive


def _open_session(chosen: Candidate, attempt: Attempt, *, now: datetime) -> Tokens:
    """What was found without a lock is looked at again with it: a password changed meanwhile does not fit."""
    with tenant_scope(chosen.tenant_id):
        user = locks.user(tenant_id=chosen.tenant_id, user_id=chosen.user_id)
        # It is either the hash that fitted, or that hash renewed by another login at the same moment.
        if user is None or user.password not in {chosen.password, attempt.encoded}:
            raise InvalidCredentials
        state, _ = sessions.standing_and_role(tenant_id=user.tenant_id, user_id=user.id, session_id=None)
        standing.check(state)
        if user.password != attempt.encoded:  # made with an older key or a lower cost
            user.password = attempt.encoded
            user.save(update_fields=["password"])
        return sessions.start(user=user, now=now)


def refresh(*, refresh_token: str, now: datetime) -> Tokens:
    """Exchange a refresh token for the next tokens of its session; each is good for one exchange.

    A token that comes back after its use was copied by somebody: its whole session ends, the latest tokens included.
    This also holds for the losers of a race of a client with itself, since nobody can tell the two apart.
    Raises: Unauthorized (not one of ours), TenantInactive, AccountDisabled, TokenRevoked, TokenExpired.
    """
    tenant_id = tokens.tenant_of(refresh_token=refresh_token)
    with tenant_scope(tenant_id):
        state, issued = _exchange(tenant_id, tokens.digest(refresh_token=refresh_token), now=now)
    # Refused only now: inside, it would roll back the end of a session whose token came back.
    standing.check(state)
    if issued is None:
        raise TokenRevoked
    return issued


def _exchange(tenant_id: UUID, token_hash: bytes, *, now: datetime) -> tuple[str, Tokens | None]:
    """The session's standing after the exchange, and the next tokens when there are any."""
    session = locks.session_of_token(tenant_id=tenant_id, token_hash=token_hash)
    if session is None:
        raise Unauthorized("This refresh token is not valid.")
    token = RefreshToken.objects.get(tenant_id=tenant_id, token_hash=token_hash)
    if token.used_at is not None and session.ended_at is None:
        _end_copied(session, now=now)
    state, role = sessions.standing_and_role(tenant_id=tenant_id, user_id=session.user_id, session_id=session.id)
    if state:
        return state, None
    if token.expires_at <= now:
        raise TokenExpired("The refresh token has expired. Please log in again.")
    return state, sessions.rotate(session=session, token=token, role=role, now=now)


def _end_copied(session: Session, *, now: datetime) -> None:
    Session.objects.filter(tenant_id=session.tenant_id, id=session.id).end(
        reason=Session.EndReason.TOKEN_REUSED, now=now
    )
    audit.record(
        action="session.token_reused",
        subject_id=session.id,
        tenant_id=session.tenant_id,
        by=session.user_id,
        now=now,
    )


def logout(*, by: Actor, refresh_token: str, now: datetime) -> None:
    """End the session that the refresh token belongs to, and the one that asks, should it be another.

    After a logout nothing that was presented is good for anything. A used or expired refresh token will do: it still
    names its session. Raises: Unauthorized when the token is not one of this user's.
    """
    if tokens.tenant_of(refresh_token=refresh_token) != by.tenant_id:
        raise Unauthorized("This refresh token is not valid.")
    token_hash = tokens.digest(refresh_token=refresh_token)
    with tenant_scope(by.tenant_id):
        locks.user(tenant_id=by.tenant_id, user_id=by.user_id)
        own = Session.objects.filter(tenant_id=by.tenant_id, user_id=by.user_id)
        named = RefreshToken.objects.filter(tenant_id=by.tenant_id, token_hash=token_hash).values("session_id")
        session = own.filter(id__in=named).first()
        if session is None:
            raise Unauthorized("This refresh token is not valid.")
        own.filter(id__in=[session.id, by.session_id]).end(reason=Session.EndReason.LOGOUT, now=now)
