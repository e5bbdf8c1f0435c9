"""Reads of accounts that other apps, and every protected call, may use."""

from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from accounts.models import User
from aurix import standing as standings
from aurix import tenancy
from aurix.actor import Actor
from aurix.errors import NotFound

_ACCESS = "SELECT standing, role FROM actor_access(%s, %s, %s)"


@dataclass(frozen=True, slots=True)
class Profile:
    """What an account says about its owner; the email as it was typed."""

    email: str
    created_at: datetime


def profile(actor: Actor) -> Profile:
    """The actor's own. Raises: NotFound."""
    with tenancy.tenant_scope(actor.tenant_id):
        rows = User.objects.filter(tenant_id=actor.tenant_id, id=actor.user_id)
        row = rows.values_list("email", "created_at").first()
    if row is None:
        raise NotFound
    return Profile(*row)


def standing(actor: Actor, *, administering: bool = False) -> str:
    """Whether ``actor`` is still welcome: empty, or the contract's error code. One round trip, no cache."""
    state, current = _access(actor)
    return standings.in_administration(state=state, role=current) if administering else state


def role(actor: Actor) -> str:
    """The role that ``actor`` has now, whatever the token says; empty for a closed or unknown account."""
    return _access(actor)[1]


def role_in_good_standing(actor: Actor) -> str:
    """Both questions in one round trip: the current role of an actor who is welcome.

    Raises: Unauthorized, TokenRevoked, AccountDisabled, TenantInactive.
    """
    state, current = _access(actor)
    standings.check(state)
    return current


def _access(actor: Actor) -> tuple[str, str]:
    with connection.cursor() as cursor:
        cursor.execute(_ACCESS, [actor.tenant_id, actor.user_id, actor.session_id])
        state, current = cursor.fetchone()
    return state, current or ""
