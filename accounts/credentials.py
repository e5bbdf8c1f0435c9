"""Who may be meant by an email and a password. Reads only; whoever opens a session checks again under a lock."""

from dataclasses import dataclass, field
from uuid import UUID

from django.db import connection

from accounts import emails, passwords
from accounts.models import User
from aurix.tenancy import platform_scope, tenant_scope

_SEARCH = """
SELECT u.tenant_id, t.code, t.status = 'active', u.id, u.role, u.password, u.closed_at IS NOT NULL
  FROM accounts_user u
  JOIN tenants_tenant t ON t.id = u.tenant_id
 WHERE u.email_folded = %s AND (%s::uuid IS NULL OR u.tenant_id = %s)
"""


@dataclass(frozen=True, slots=True)
class Candidate:
    """An account that has the email somebody typed."""

    tenant_id: UUID
    tenant_code: str
    tenant_active: bool
    user_id: UUID
    role: str
    password: str = field(repr=False)
    closed: bool

    @property
    def welcome(self) -> bool:
        """Whether a fitting password opens a session."""
        return (self.tenant_active or self.role == User.Role.ADMIN) and not self.closed


def fitting(*, email: str, password: str, tenant_id: UUID | None) -> tuple[passwords.Attempt, list[Candidate]]:
    """The accounts, by tenant code, whose email and password these are; in one tenant, or (None) in all of them.

    Takes one read and one hash whatever the answer is, and holds no transaction while it hashes.
    """
    candidates = _search(email=emails.folded(email=email), tenant_id=tenant_id)
    attempt = passwords.attempt(email=email, password=password)
    # A list, not a generator: all hashes are compared, in no order that time could tell.
    fits = [attempt.fits(stored=candidate.password) for candidate in candidates]
    chosen = [candidate for candidate, fit in zip(candidates, fits, strict=True) if fit]
    return attempt, sorted(chosen, key=lambda candidate: candidate.tenant_code)


def _search(*, email: str, tenant_id: UUID | None) -> list[Candidate]:
    scope = tenant_scope(tenant_id) if tenant_id else platform_scope("login without a tenant")
    with scope, connection.cursor() as cursor:
        cursor.execute(_SEARCH, [email, tenant_id, tenant_id])
        return [Candidate(*row) for row in cursor.fetchall()]
