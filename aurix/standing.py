"""Whether an actor is still welcome, and with which role: asked of the database, never believed from a token.

The accounts app owns users and sessions and installs two SQL functions, ``actor_standing(tenant, user, session)`` and
``actor_role(tenant, user)``. Lower apps call them inside their own queries, so that a logout, a closed account or a
deactivated tenant counts at once, costs no extra round trip and needs no cache.
"""

from django.db import connection

from aurix.actor import Actor
from aurix.errors import AccountDisabled, Forbidden, NotFound, Refusal, TenantInactive, TokenRevoked, Unauthorized

_REFUSALS: dict[str, type[Refusal]] = {
    refusal.code: refusal for refusal in (Unauthorized, TokenRevoked, AccountDisabled, TenantInactive)
}


def check(standing: str) -> None:
    """Pass when ``standing``, as ``actor_standing`` returned it, is empty.

    Raises: Unauthorized, TokenRevoked, AccountDisabled, TenantInactive.
    """
    if standing:
        raise _REFUSALS[standing]


def in_administration(*, state: str, role: str) -> str:
    """``state`` as it counts for logging in and administering.

    The platform's admins stay welcome there while their own tenant is deactivated, or nobody could undo it.
    """
    return "" if state == TenantInactive.code and role == "admin" else state


def require_platform_admin(*, actor: Actor) -> None:
    """Pass for the platform's admins. Raises: Forbidden."""
    if _role(actor) != "admin":
        raise Forbidden


def require_admin_of(*, actor: Actor, tenant_id: object) -> None:
    """Pass for the platform's admins and for the tenant's own. Raises: Forbidden; NotFound for another tenant."""
    role = _role(actor)
    if role == "admin":
        return
    if role != "tenant_admin":
        raise Forbidden
    if actor.tenant_id != tenant_id:
        raise NotFound


def role_of_staff(*, actor: Actor) -> str:
    """``admin`` or ``tenant_admin``. Raises: Forbidden for everyone else."""
    role = _role(actor)
    if role not in {"admin", "tenant_admin"}:
        raise Forbidden
    return role


def _role(actor: Actor) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT actor_role(%s, %s)", [actor.tenant_id, actor.user_id])
        (role,) = cursor.fetchone() or (None,)
    return str(role or "")
