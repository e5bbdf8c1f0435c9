"""Reading bank statements from a request's body."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import IO, Any

from django.conf import settings
from rest_framework.parsers import BaseParser

from aurix.api.errors import PayloadTooLarge
from aurix.errors import BadRequest
from wallet.bankfiles import camt053, table
from wallet.bankfiles.lines import Line, StatementError


@dataclass(frozen=True, slots=True)
class Statement:
    """The bytes that came, and what they say."""

    raw: bytes
    lines: list[Line]


class _StatementParser(BaseParser):
    def lines_of(self, raw: bytes) -> list[Line]:
        """What the format's reader finds. Raises: StatementError."""
        raise NotImplementedError

    def parse(  # type: ignore[override]  # DRF hands over whatever a parser makes
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Statement:
        """Raises: BadRequest, PayloadTooLarge."""
        raw: bytes = stream.read(settings.MAX_BODY_BYTES + 1)
        if len(raw) > settings.MAX_BODY_BYTES:
            raise PayloadTooLarge
        try:
            return Statement(raw, self.lines_of(raw))
        except StatementError as problem:
            raise BadRequest(str(problem)) from problem


class CamtParser(_StatementParser):
    """CAMT.053."""

    media_type = "application/xml"

    def lines_of(self, raw: bytes) -> list[Line]:
        """The booked entries."""
        return camt053.read(raw)


class CamtTextParser(CamtParser):
    """The same under XML's other name."""

    media_type = "text/xml"


class CsvParser(_StatementParser):
    """Our CSV columns."""

    media_type = "text/csv"

    def lines_of(self, raw: bytes) -> list[Line]:
        """The lines after the header."""
        return table.read(raw)
