"""Email addresses of accounts."""

from accounts.errors import InvalidEmail
from aurix.emails import MAX_LENGTH, folded, is_valid

__all__ = ["MAX_LENGTH", "check", "folded", "is_valid"]


def check(*, email: str) -> None:
    """Pass when an account can have ``email``. Raises: InvalidEmail."""
    if not is_valid(email=email):
        raise InvalidEmail
