"""The ``Idempotency-Key`` header: reading it, and telling one request from another.

Remembering is the ledger's work. The key belongs to (tenant, user, operation), which the ledger adds.
"""

import hashlib
import re
from typing import Any

import orjson
from django.http import HttpRequest
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from aurix.errors import BadRequest

_KEY = re.compile(r"[\x21-\x7e]{1,128}")


class IdempotencyKeyRequired(BadRequest):
    code = "idempotency_key_required"
    message = "The header Idempotency-Key is required: any text of your own that names this one request."


class InvalidIdempotencyKey(BadRequest):
    code = "invalid_idempotency_key"
    message = "Idempotency-Key must be 1 to 128 visible ASCII characters."


def read_key(request: Request | HttpRequest) -> str:
    """The request's key. Raises: IdempotencyKeyRequired, InvalidIdempotencyKey."""
    key = request.META.get("HTTP_IDEMPOTENCY_KEY")
    if key is None:
        raise IdempotencyKeyRequired
    if not _KEY.fullmatch(key):
        raise InvalidIdempotencyKey
    return str(key)


def fingerprint(data: Any) -> bytes:
    """SHA-256 of what the client sent (``request.data``), whatever the order of its fields: 32 bytes."""
    return hashlib.sha256(orjson.dumps(data, option=orjson.OPT_SORT_KEYS)).digest()


HEADER = OpenApiParameter(
    name="Idempotency-Key",
    type=OpenApiTypes.STR,
    location=OpenApiParameter.HEADER,
    required=True,
    description=(
        "1 to 128 visible ASCII characters that name this one request. Sent again with the same body it returns "
        "the first answer, with `Idempotency-Replayed: true`."
    ),
)
"""For ``extend_schema(parameters=[idempotency.HEADER])``."""

REPLAYED_HEADER = "Idempotency-Replayed"
