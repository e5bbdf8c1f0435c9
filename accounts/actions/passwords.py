"""Changing a password."""

from datetime import datetime

from accounts import locks, passwords, sessions
from accounts.errors import InvalidCredentials, PasswordUnchanged
from accounts.models import Session, User
from aurix import audit, outbox, standing
from aurix.actor import Actor
from aurix.errors import Unauthorized
from aurix.tenancy import tenant_scope


def change(*, by: Actor, current_password: str, new_password: str, now: datetime) -> None:
    """Set a new password and end every session of the user, the asking one included.

    First the current password is proved: who cannot, learns nothing else. Then the new one is looked at. All of it is
    looked at again under the user's lock, because hashing takes long enough for another change to come first.
    Raises, in this order: InvalidCredentials, PasswordUnchanged, InvalidPassword; Unauthorized, TokenRevoked,
    AccountDisabled or TenantInactive when the bearer's standing ends meanwhile.
    """
    with tenant_scope(by.tenant_id):
        user = User.objects.filter(tenant_id=by.tenant_id, id=by.user_id).first()
    if user is None:
        raise Unauthorized
    attempt = passwords.attempt(email=user.email, password=current_password)
    if not attempt.fits(stored=user.password):
        raise InvalidCredentials("The current password is wrong.")
    if new_password == current_password:
        raise PasswordUnchanged
    passwords.check_rule(password=new_password)
    encoded = passwords.attempt(email=user.email, password=new_password).encoded
    with tenant_scope(by.tenant_id):
        _replace(by=by, proved={user.password, attempt.encoded}, encoded=encoded, now=now)


def prove(*, by: Actor, password: str) -> None:
    """Pass when ``password`` is the actor's, for what wants it asked again. Raises: InvalidCredentials."""
    with tenant_scope(by.tenant_id):
        user = User.objects.filter(tenant_id=by.tenant_id, id=by.user_id).first()
    if user is None:
        raise Unauthorized
    if not passwords.attempt(email=user.email, password=password).fits(stored=user.password):
        raise InvalidCredentials("The password is wrong.")


def _replace(*, by: Actor, proved: set[str], encoded: str, now: datetime) -> None:
    """``proved`` are the hashes that the current password was found to fit."""
    user = locks.user(tenant_id=by.tenant_id, user_id=by.user_id)
    state, _ = sessions.standing_and_role(tenant_id=by.tenant_id, user_id=by.user_id, session_id=by.session_id)
    standing.check(state)
    if user is None or user.password not in proved:
        raise InvalidCredentials("The current password is wrong.")
    user.password, user.password_changed_at = encoded, now
    user.save(update_fields=["password", "password_changed_at"])
    ended = sessions.end_all(
        tenant_id=user.tenant_id, user_id=user.id, reason=Session.EndReason.PASSWORD_CHANGED, now=now
    )
    event, payload = "account.password_changed", {"user_id": str(user.id)}
    outbox.emit(tenant_id=user.tenant_id, subject_id=user.id, event=event, payload=payload, now=now)
    audit.record(
        action=event,
        subject_id=user.id,
        tenant_id=user.tenant_id,
        by=user.id,
        now=now,
        after={"sessions_ended": ended},
    )
