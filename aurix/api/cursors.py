"""Lists in pages: opaque keyset cursors that nobody can forge, nor carry to another list.

A cursor holds where the page before ended, as the sort key of its last row, so rows that arrive meanwhile neither
repeat nor hide others. Its signature covers the list's name, whose list it is and the filters, which therefore have
to be the same on every page.
"""

import base64
import binascii
import hmac
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import orjson
from django.utils.crypto import salted_hmac
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from aurix.errors import BadRequest

Row = TypeVar("Row")
Position = list[str | int]
"""The sort key of a row: JSON values that the list's query understands."""

_SALT = "aurix.api.cursors"
_MAC_BYTES = 16


def page(
    request: Request,
    *,
    name: str,
    scope: str,
    filters: dict[str, Any],
    default: int,
    high: int,
    fetch: Callable[[Position | None, int], Sequence[Row]],
    position: Callable[[Row], Position],
    render: Callable[[Row], dict[str, Any]],
) -> dict[str, Any]:
    """One page, as the contract has it: ``{"items": [...], "next_cursor": ...}``.

    ``name`` is the list, ``scope`` whose it is (``f"{tenant_id}/{user_id}"``), ``filters`` what narrows it (JSON
    values). ``fetch(after, count)`` returns at most ``count`` rows that follow the position ``after``; None is the
    start. ``position(row)`` is the row's sort key. Raises: BadRequest.
    """
    limit = read_limit(request, default=default, high=high)
    binding = _binding(name, scope, filters)
    cursor = single(request, "cursor")
    rows = fetch(None if cursor is None else _decode(cursor, binding), limit + 1)
    shown = rows[:limit]
    more = len(rows) > limit
    return {
        "items": [render(row) for row in shown],
        "next_cursor": _encode(position(shown[-1]), binding) if more else None,
    }


def read_limit(request: Request, *, default: int, high: int) -> int:
    """The query parameter ``limit``, from 1 to ``high``. Raises: BadRequest."""
    raw = single(request, "limit")
    if raw is None:
        return default
    if not (raw.isascii() and raw.isdecimal() and len(raw) <= 9 and 1 <= int(raw) <= high):
        raise _bad("limit", f"must be a whole number from 1 to {high}")
    return int(raw)


def single(request: Request, name: str) -> str | None:
    """The one value of query parameter ``name``, or None when it is absent. Raises: BadRequest when it is repeated."""
    values = request.query_params.getlist(name)
    if len(values) > 1:
        raise _bad(name, "must be given once")
    return values[0] if values else None


def _bad(name: str, reason: str) -> BadRequest:
    return BadRequest(f"{name} {reason}.", details={"fields": {name: reason}})


def _binding(name: str, scope: str, filters: dict[str, Any]) -> bytes:
    return orjson.dumps([name, scope, filters], option=orjson.OPT_SORT_KEYS, default=str)


def _mac(payload: bytes, binding: bytes) -> bytes:
    # The binding is JSON and the payload follows a byte that JSON never holds, so no two pairs sign alike.
    return salted_hmac(_SALT, binding + b"\x00" + payload, algorithm="sha256").digest()[:_MAC_BYTES]


def _encode(position: Position, binding: bytes) -> str:
    payload = orjson.dumps(position)
    return _text(_mac(payload, binding) + payload)


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def _decode(cursor: str, binding: bytes) -> Position:
    try:
        raw = base64.b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except (UnicodeEncodeError, binascii.Error):
        raw = b""
    mac, payload = raw[:_MAC_BYTES], raw[_MAC_BYTES:]
    genuine = hmac.compare_digest(mac, _mac(payload, binding))
    if not genuine or _text(raw) != cursor:  # the same bytes written in another way
        raise _bad("cursor", "was not issued for this list")
    position: Position = orjson.loads(payload)
    return position


def parameters(*, default: int, high: int) -> list[OpenApiParameter]:
    """``cursor`` and ``limit`` for ``extend_schema(parameters=[*cursors.parameters(default=20, high=100)])``."""
    limit = {"type": "integer", "minimum": 1, "maximum": high, "default": default}
    return [
        OpenApiParameter("cursor", OpenApiTypes.STR, description="`next_cursor` of the page before, as it came."),
        OpenApiParameter("limit", limit, description="How many items a page holds at most."),
    ]
