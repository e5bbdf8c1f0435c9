"""Signatures as Standard Webhooks 1.0 has them: https://www.standardwebhooks.com

Three lines by hand; the project's own library, which wants secrets as text and times without a zone, verifies them in
the tests.
"""

import base64
import hmac
import secrets
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from aurix import seals

PREFIX = "whsec_"
_PURPOSE = "webhook secret"
_BYTES = 32


def new_secret() -> bytes:
    """A random key."""
    return secrets.token_bytes(_BYTES)


def shown(secret: bytes) -> str:
    """As its owner gets to see it, once."""
    return PREFIX + base64.b64encode(secret).decode("ascii")


def sealed(secret: bytes) -> str:
    """As we keep it."""
    return seals.seal(secret, purpose=_PURPOSE)


def opened(kept: str) -> bytes:
    """The key again. Raises: seals.BrokenSealError."""
    return seals.unseal(kept, purpose=_PURPOSE)


def headers(*, event_id: UUID, body: bytes, keys: Sequence[bytes], now: datetime) -> dict[str, str]:
    """What a receiver verifies with any of ``keys``: while a key is being replaced there are two."""
    moment = str(int(now.timestamp()))
    signed = f"{event_id}.{moment}.".encode() + body
    signatures = (base64.b64encode(hmac.digest(key, signed, "sha256")).decode("ascii") for key in keys)
    return {
        "webhook-id": str(event_id),
        "webhook-timestamp": moment,
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
    }
