"""The rows that sign-in locks. Order: a user, then sessions; whoever ends several sessions holds their user.

A login and a change of password meet at the user; a refresh and whatever ends its session meet at the session. Locks
leave the key alone (``no_key``), so that inserting a session or a wallet for the user does not wait.
"""

from uuid import UUID

from accounts.models import RefreshToken, Session, User


def user(*, tenant_id: UUID, user_id: UUID) -> User | None:
    """The user, locked; None when there is none."""
    return User.objects.select_for_update(of=("self",), no_key=True).filter(tenant_id=tenant_id, id=user_id).first()


def session_of_token(*, tenant_id: UUID, token_hash: bytes) -> Session | None:
    """The session that a refresh token belongs to, locked; None when the token is not known.

    Read the token itself afterwards: only then is what it says true for as long as the lock is held.
    """
    token = RefreshToken.objects.filter(tenant_id=tenant_id, token_hash=token_hash)
    return (
        Session.objects.select_for_update(of=("self",), no_key=True)
        .filter(tenant_id=tenant_id, id__in=token.values("session_id"))
        .first()
    )
