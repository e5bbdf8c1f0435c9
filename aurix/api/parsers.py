"""Reading a request's body: a JSON object in UTF-8, or a clear refusal."""

import json
from collections.abc import Mapping
from typing import IO, Any

import orjson
from django.conf import settings
from django.utils.http import parse_header_parameters
from rest_framework.parsers import BaseParser

from aurix.api.errors import PayloadTooLarge, UnsupportedMediaType
from aurix.errors import BadRequest

_DEEPEST = 32
"""No call takes more than a few levels; a bound of our own leaves nobody's recursion to luck."""


class StrictJSONParser(BaseParser):
    """A JSON object, at most ``MAX_BODY_BYTES`` long, that means the same to every reader.

    Refused besides broken JSON: NUL characters and lone surrogates, which PostgreSQL cannot store; NaN and infinity;
    a name given twice in one object, of which readers take different ones; nesting that no call needs.
    """

    media_type = "application/json"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Raises: BadRequest, PayloadTooLarge, UnsupportedMediaType."""
        charset = parse_header_parameters(media_type or "")[1].get("charset", "utf-8")
        if charset.lower() not in {"utf-8", "utf8"}:
            raise UnsupportedMediaType
        return read_object(_read(stream))


def read_object(raw: bytes) -> dict[str, Any]:
    """The JSON object in ``raw``. Raises: BadRequest."""
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError as problem:
        raise BadRequest(f"The body is not valid JSON: {problem.msg}, at character {problem.pos}.") from None
    if not isinstance(value, dict):
        raise BadRequest("The body must be a JSON object.")
    _check(value)
    if raw.count(b":") != len(value):  # as many names as colons: then none is given twice
        json.loads(raw, object_pairs_hook=_refuse_twins, parse_int=str, parse_float=str)
    return value


def _read(stream: IO[Any]) -> bytes:
    raw: bytes = stream.read(settings.MAX_BODY_BYTES + 1)
    if len(raw) > settings.MAX_BODY_BYTES:
        raise PayloadTooLarge
    return raw  # of a client that hung up maybe less than all; but no beginning of a JSON object is one


def _check(value: dict[str, Any]) -> None:
    level: list[Any] = [value]
    for _ in range(_DEEPEST):
        below: list[Any] = []
        for node in level:
            if isinstance(node, dict):
                below += [*node, *node.values()]
            elif isinstance(node, list):
                below += node
            elif isinstance(node, str) and "\0" in node:
                raise BadRequest("The body holds a NUL character.")
        if not below:
            return
        level = below
    raise BadRequest("The body is nested too deeply.")


def _refuse_twins(pairs: list[tuple[str, Any]]) -> None:
    names = [name for name, _ in pairs]
    if len(set(names)) < len(names):
        twin = next(name for index, name in enumerate(names) if name in names[:index])
        raise BadRequest(f"The field {twin[:64]!r} is given twice.", details={"fields": {twin[:64]: "is given twice"}})
