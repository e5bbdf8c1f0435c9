"""Writing answers: JSON for programs, a page for a person's browser."""

from collections.abc import Iterable, Mapping
from typing import Any

import orjson
from django.utils.functional import Promise
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer, BrowsableAPIRenderer
from rest_framework.request import Request


class JSONRenderer(BaseRenderer):
    """JSON in UTF-8. Takes what JSON has, UUIDs and lazy texts; a Decimal is a defect, since money goes as strings."""

    media_type = "application/json"
    format = "json"
    charset = None  # application/json has no such parameter (RFC 8259, section 11)

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        return dump(data)


def dump(data: Any) -> bytes:
    """``data`` as JSON; nothing for None."""
    return b"" if data is None else orjson.dumps(data, default=_lazy_text)


def _lazy_text(value: object) -> str:
    if isinstance(value, Promise):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no place in an answer")


class BrowsableRenderer(BrowsableAPIRenderer):
    """DRF's browsable API for reading. A browser sends no access token, so forms for writing would only mislead."""

    def get_default_renderer(self, view: Any) -> BaseRenderer:
        return _PrettyJSONRenderer()

    def show_form_for_method(self, view: Any, method: str, request: Request, obj: Any) -> bool:
        return False

    def get_rendered_html_form(self, data: Any, view: Any, method: str, request: Request) -> Any:
        return None

    def get_raw_data_form(self, data: Any, view: Any, method: str, request: Request) -> Any:
        return None

    def get_filter_form(self, data: Any, view: Any, request: Request) -> Any:
        return None


class _PrettyJSONRenderer(JSONRenderer):
    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        return b"" if data is None else orjson.dumps(data, default=_lazy_text, option=orjson.OPT_INDENT_2)


class Negotiation(DefaultContentNegotiation):
    """The Accept header alone decides: no ``?format=``, no suffix. Without one, or with an empty one, it is JSON."""

    def get_accept_list(self, request: Request) -> list[str]:
        return super().get_accept_list(request) if request.headers.get("Accept", "").strip() else ["*/*"]

    def select_parser(self, request: Request, parsers: Iterable[BaseParser]) -> BaseParser | None:
        """By the media type alone, exactly: ``*/*`` names none."""
        kind = request.content_type.partition(";")[0].strip().lower()
        return next((parser for parser in parsers if parser.media_type == kind), None)

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        """Raises: NotAcceptable."""
        offered = list(renderers)
        accepts = self.get_accept_list(request)
        if "*/*" in accepts and not any(token.partition(";")[0] in _PAGES for token in accepts):
            return offered[0], str(offered[0].media_type)
        chosen: tuple[BaseRenderer, str] = super().select_renderer(request, offered, None)
        return chosen


_PAGES = frozenset({"text/html", "application/xhtml+xml"})
