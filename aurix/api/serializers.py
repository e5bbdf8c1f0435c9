"""Input that is what it says: no unknown field, no coercion from one JSON type to another.

Errors are 400 ``bad_request``; ``details.fields`` names each field with its reason.
"""

import functools
import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from drf_spectacular.extensions import OpenApiSerializerFieldExtension
from rest_framework import serializers
from rest_framework.request import Request

from aurix.errors import BadRequest, Refusal
from aurix.money import AmountError, parse_decimal

_UNKNOWN = "is not a field of this call"
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


class StrictSerializer(serializers.Serializer[Any]):
    """A serializer for input that refuses fields it does not know."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping):
            unknown = [name for name in data if name not in self.fields]
            if unknown:
                raise serializers.ValidationError({name[:64]: [_UNKNOWN] for name in unknown[:20]})
        return super().to_internal_value(data)


_MESSAGES = {"required": "is required", "null": "must not be null"}


class StrictChar(serializers.Field[str, Any, str, Any]):
    """A JSON string, taken as it is: not trimmed, not made from a number."""

    default_error_messages = {
        **_MESSAGES,
        "invalid": "must be a string",
        "blank": "must not be empty",
        "max_length": "must have at most {max_length} characters",
    }

    def __init__(self, *, max_length: int = 1024, allow_blank: bool = False, **options: Any) -> None:
        super().__init__(**options)
        self.max_length, self.allow_blank = max_length, allow_blank

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        if not data and not self.allow_blank:
            self.fail("blank")
        if len(data) > self.max_length:
            self.fail("max_length", max_length=self.max_length)
        return data

    def to_representation(self, value: str) -> str:
        return value


class StrictUUID(serializers.Field[UUID, Any, str, Any]):
    """A JSON string with a UUID in its usual form (8-4-4-4-12)."""

    default_error_messages = {**_MESSAGES, "invalid": "must be a UUID string"}

    def to_internal_value(self, data: Any) -> UUID:
        if not isinstance(data, str) or not _UUID.fullmatch(data):
            self.fail("invalid")
        return UUID(data)

    def to_representation(self, value: UUID) -> str:
        return str(value)


class StrictInteger(serializers.Field[int, Any, int, Any]):
    """A JSON number without a fraction, from ``low`` to ``high``; neither a string nor true."""

    default_error_messages = {
        **_MESSAGES,
        "invalid": "must be a whole number",
        "range": "must be from {low} to {high}",
    }

    def __init__(self, *, low: int, high: int, **options: Any) -> None:
        super().__init__(**options)
        self.low, self.high = low, high

    def to_internal_value(self, data: Any) -> int:
        if not isinstance(data, int) or isinstance(data, bool):
            self.fail("invalid")
        if not self.low <= data <= self.high:
            self.fail("range", low=self.low, high=self.high)
        return data

    def to_representation(self, value: int) -> int:
        return value


class StrictChoice(StrictChar):
    """One of a few words."""

    default_error_messages = {"choice": "must be one of {options}"}

    def __init__(self, *, options: Sequence[str], **rest: Any) -> None:
        super().__init__(**rest)
        self.options = list(options)

    def to_internal_value(self, data: Any) -> str:
        word = super().to_internal_value(data)
        if word not in self.options:
            self.fail("choice", options=", ".join(self.options))
        return word


class DecimalString(serializers.Field[Decimal, Any, str, Any]):
    """A decimal number in a JSON string, such as ``"81.25"``, with at most ``places`` decimals.

    A JSON number is refused: as a float it has already lost digits. ``otherwise`` is the refusal for a string that is
    no such number, when the call has a code of its own for it; else it is ``bad_request``.
    """

    default_error_messages = {
        **_MESSAGES,
        "number": 'must be a decimal string such as "12.50", not a JSON number',
        "invalid": "must be a decimal string",
        "amount": "{reason}",
    }

    def __init__(self, *, places: int, otherwise: type[Refusal] | None = None, **options: Any) -> None:
        super().__init__(**options)
        self.places, self.otherwise = places, otherwise

    def to_internal_value(self, data: Any) -> Decimal:
        if isinstance(data, int | float) and not isinstance(data, bool):
            self.fail("number")
        if not isinstance(data, str):
            self.fail("invalid")
        try:
            return parse_decimal(data, places=self.places)
        except AmountError as problem:
            if self.otherwise:
                raise self._refusal(str(problem)) from problem
            self.fail("amount", reason=str(problem))

    def _refusal(self, reason: str) -> Refusal:
        kind, name = self.otherwise or BadRequest, self.field_name or ""
        return kind(f"{name} {reason}.", details={"fields": {name: reason}})

    def to_representation(self, value: Decimal) -> str:
        return f"{value:.{self.places}f}"


def read(serializer: type[serializers.Serializer[Any]], *, request: Request) -> dict[str, Any]:
    """The request's body as ``serializer`` understands it. Raises: BadRequest and other refusals of the fields."""
    values: dict[str, Any] = _reader(serializer).run_validation(request.data)
    return values


@functools.cache
def _reader(serializer: type[serializers.Serializer[Any]]) -> serializers.Serializer[Any]:
    """One instance for all requests: validating keeps no state in it, and copying its fields each time is slow."""
    reader = serializer()
    list(reader.fields.values())
    return reader


def _describe(field: type[serializers.Field[Any, Any, Any, Any]], schema: Callable[[Any], dict[str, Any]]) -> None:
    """Tell drf-spectacular what ``field`` looks like on the wire."""

    class Extension(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]  # its __init_subclass__
        target_class = field

        def map_serializer_field(self, auto_schema: Any, direction: Any) -> dict[str, Any]:
            return schema(self.target)


_describe(StrictChar, lambda field: {"type": "string", "maxLength": field.max_length})
_describe(StrictUUID, lambda field: {"type": "string", "format": "uuid"})
_describe(StrictInteger, lambda field: {"type": "integer", "minimum": field.low, "maximum": field.high})
_describe(StrictChoice, lambda field: {"type": "string", "enum": field.options})
_describe(
    DecimalString,
    lambda field: {
        "type": "string",
        "pattern": rf"^[0-9]{{1,40}}(\.[0-9]{{1,{field.places}}})?$",
        "examples": [f"{1.25:.{min(field.places, 2)}f}"],
    },
)
