"""Email addresses: which are valid, and which are the same."""

import unicodedata

from django.core.exceptions import ValidationError
from django.core.validators import EmailValidator

MAX_LENGTH = 254
"""RFC 5321, section 4.5.3.1.3: a path of 256 octets, less its angle brackets."""

_validate = EmailValidator()


def is_valid(*, email: str) -> bool:
    """Whether ``email`` is an address that an account can have. Nothing is trimmed: what is typed is what counts."""
    if len(email) > MAX_LENGTH or not email.isprintable() or " " in email:
        return False
    try:
        _validate(email)
    except ValidationError:
        return False
    return True


def folded(*, email: str) -> str:
    """What two addresses that differ only in case have in common; empty for what no account can have.

    Unicode's canonical caseless matching (The Unicode Standard, section 3.13, D145), composed.
    """
    if not is_valid(email=email):
        return ""
    decomposed = unicodedata.normalize("NFD", email).casefold()
    return unicodedata.normalize("NFC", decomposed)
