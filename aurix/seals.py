"""Secrets that have to be read again, kept encrypted: whoever sees the database alone cannot use them.

AES-128-CBC with HMAC-SHA256 (Fernet), under a key derived from ``SECRET_KEY`` for each purpose. After a change of
``SECRET_KEY`` the old one in ``SECRET_KEY_FALLBACKS`` still opens what it sealed.
"""

import base64

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings


class BrokenSealError(Exception):
    """Nothing that we know opens it: ``SECRET_KEY`` has changed without a fallback, or the value was changed."""


def seal(value: bytes, *, purpose: str) -> str:
    """``value`` encrypted; only the same ``purpose`` opens it."""
    return _keys(purpose).encrypt(value).decode("ascii")


def unseal(sealed: str, *, purpose: str) -> bytes:
    """What was sealed. Raises: BrokenSealError."""
    try:
        return _keys(purpose).decrypt(sealed)
    except InvalidToken as problem:
        raise BrokenSealError(purpose) from problem


def _keys(purpose: str) -> MultiFernet:
    return MultiFernet([_key(secret, purpose) for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)])


def _key(secret: str, purpose: str) -> Fernet:
    derived = HKDF(SHA256(), length=32, salt=None, info=f"aurix/{purpose}".encode()).derive(secret.encode())
    return Fernet(base64.urlsafe_b64encode(derived))
