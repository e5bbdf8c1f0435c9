"""Opening an account."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import IntegrityError
from psycopg.errors import UniqueViolation

from accounts import emails, passwords, sessions
from accounts.errors import EmailTaken, InvalidTenant
from accounts.models import User
from accounts.tokens import Tokens
from aurix import audit, outbox, standing
from aurix.actor import Role
from aurix.errors import TenantInactive
from aurix.tenancy import platform_scope, tenant_scope
from tenants import queries as tenants
from wallet.actions.wallets import open_wallet


@dataclass(frozen=True, slots=True)
class Registration:
    """A new account, already logged in."""

    user_id: UUID
    email: str
    tenant_id: UUID
    wallet_id: UUID
    created_at: datetime
    tokens: Tokens


def register(*, tenant_code: str, email: str, password: str, now: datetime) -> Registration:
    """Open an account with its wallet and a first session, all or nothing.

    Raises, in this order: InvalidTenant, InvalidEmail, InvalidPassword, TenantInactive, EmailTaken.
    """
    tenant = tenants.by_code(tenant_code)
    if tenant is None:
        raise InvalidTenant
    emails.check(email=email)
    passwords.check_rule(password=password)
    if not tenant.is_active:
        raise TenantInactive  # said now, before a hash is paid for
    encoded = passwords.attempt(email=email, password=password).encoded
    user = _draft(tenant_id=tenant.id, email=email, encoded=encoded, role="user", now=now)
    with tenant_scope(tenant.id):
        wallet_id = _open(user, now=now)
        state, _ = sessions.standing_and_role(tenant_id=tenant.id, user_id=user.id, session_id=None)
        standing.check(state)  # the tenant may have been deactivated while we hashed
        issued = sessions.start(user=user, now=now)
    return Registration(
        user_id=user.id,
        email=user.email,
        tenant_id=tenant.id,
        wallet_id=wallet_id,
        created_at=user.created_at,
        tokens=issued,
    )


def open_demo_account(*, tenant_id: UUID, email: str, password: str, role: Role, now: datetime) -> bool:
    """Open an account without the password rule and with any role: for the demo's seed only.

    An account that has the email already stays as it is. Returns whether one was opened. Raises: InvalidEmail.
    """
    emails.check(email=email)
    encoded = passwords.attempt(email=email, password=password).encoded
    try:
        with platform_scope("open a demo account"):  # only the platform may give a role above user
            _open(_draft(tenant_id=tenant_id, email=email, encoded=encoded, role=role, now=now), now=now)
    except EmailTaken:
        return False
    return True


def _draft(*, tenant_id: UUID, email: str, encoded: str, role: Role, now: datetime) -> User:
    return User(
        tenant_id=tenant_id,
        email=email,
        email_folded=emails.folded(email=email),
        password=encoded,
        role=role,
        created_at=now,
        password_changed_at=now,
    )


def _open(user: User, *, now: datetime) -> UUID:
    """Write user, wallet, event and audit; returns the wallet's id. Raises: EmailTaken."""
    try:
        user.save(force_insert=True)
    except IntegrityError as problem:
        # Of two registrations at once the second waits here for the first one's commit.
        if not _is_taken(problem):
            raise
        raise EmailTaken from problem
    wallet_id = open_wallet(tenant_id=user.tenant_id, user_id=user.id, now=now)
    outbox.emit(
        tenant_id=user.tenant_id,
        subject_id=user.id,
        event="account.registered",
        payload={"user_id": str(user.id), "wallet_id": str(wallet_id)},
        now=now,
    )
    audit.record(
        action="account.registered",
        subject_id=user.id,
        tenant_id=user.tenant_id,
        by=user.id,
        now=now,
        after={"role": user.role},
    )
    return wallet_id


def _is_taken(problem: IntegrityError) -> bool:
    cause = problem.__cause__
    return isinstance(cause, UniqueViolation) and cause.diag.constraint_name == "user_email"
