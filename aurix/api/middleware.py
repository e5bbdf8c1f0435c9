"""The outermost middleware: what holds for every request, whichever view it reaches or misses."""

import re
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote_to_bytes

import orjson
import structlog
from django.conf import settings
from django.core.handlers.exception import convert_exception_to_response
from django.http import HttpRequest, HttpResponsePermanentRedirect
from django.http.response import HttpResponseBase
from django.middleware.common import CommonMiddleware

from aurix import logs
from aurix.api import errors, ratelimits, shortcut
from aurix.api.intake import OVERLOADED
from aurix.api.renderers import BrowsableRenderer
from aurix.errors import BadRequest, Refusal, ServiceUnavailable
from aurix.ids import uuid7

_REQUEST_ID = re.compile(r"[\x21-\x7e]{1,128}")
_LENGTH = re.compile(r"[0-9]{1,18}")


class RequestMiddleware:
    """Names the request, bounds it, logs it in one line, and sees to it that every error is the contract's JSON."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response
        self.shortcut: Any = convert_exception_to_response(shortcut.answer)

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Serve ``request``."""
        started = time.perf_counter()
        request_id = _request_id(request)
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        response = self._answer(request)
        response.headers["X-Request-Id"] = request_id
        for name, value in ratelimits.headers_of(request).items():
            response.headers[name] = value
        _log(request, response, seconds=time.perf_counter() - started)
        if not response.streaming:
            structlog.contextvars.clear_contextvars()  # a stream is still being written; the next request clears
        return response

    def _answer(self, request: HttpRequest) -> HttpResponseBase:
        refusal = _refused_unseen(request)
        if refusal is not None:
            return errors.render(refusal)
        response = (self.shortcut if shortcut.is_open(request) else self.get_response)(request)
        if response.status_code < 400 or errors.is_page(request):
            return response
        return _in_json(response)


def _request_id(request: HttpRequest) -> str:
    given: str = request.META.get("HTTP_X_REQUEST_ID", "")
    return given if _REQUEST_ID.fullmatch(given) else str(uuid7())


def _refused_unseen(request: HttpRequest) -> Refusal | None:
    """Why the request is refused before anybody looks at what it asks."""
    if OVERLOADED in request.META:
        refusal = ServiceUnavailable("Too much is going on right now. Please try again.")
        refusal.headers["Retry-After"] = "1"
        return refusal
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not _LENGTH.fullmatch(length):
        return BadRequest("Content-Length must be a whole number.")
    if int(length) > settings.MAX_BODY_BYTES and not errors.is_page(request):
        return errors.PayloadTooLarge(f"The body is larger than {settings.MAX_BODY_BYTES} bytes.")
    if "\0" in request.path_info:
        return BadRequest("The path holds a NUL character.")
    if not _is_text(request.META.get("QUERY_STRING", "")):
        return BadRequest("The query string is not UTF-8 text, or holds a NUL character.")
    return None


def _is_text(query: str) -> bool:
    try:
        # WSGI hands bytes over as text, one character each (PEP 3333).
        return "\0" not in unquote_to_bytes(query.encode("latin-1")).decode("utf-8")
    except UnicodeError:
        return False


def _in_json(response: HttpResponseBase) -> HttpResponseBase:
    """The error as the contract has it. A browser may have it within the browsable API's page."""
    if response.headers.get("Content-Type") == "application/json":
        return response
    if isinstance(getattr(response, "accepted_renderer", None), BrowsableRenderer):
        return response
    rendered = errors.render(errors.for_status(response.status_code))
    data = getattr(response, "data", None)
    if isinstance(data, dict) and "error" in data:  # of a view that answers in another format
        rendered.content = orjson.dumps(data)
    for name, value in response.headers.items():
        if not name.lower().startswith("content-"):
            rendered.headers[name] = value
    rendered.cookies = response.cookies
    response.close()
    return rendered


def _log(request: HttpRequest, response: HttpResponseBase, *, seconds: float) -> None:
    """The access log. Of the address only the path: query strings may hold what nobody should read."""
    logs.access(
        method=request.method or "",
        path=request.path[:500],
        status=response.status_code,
        duration_ms=round(seconds * 1000, 2),
    )


class HostMiddleware(CommonMiddleware):
    """Django's, which refuses hosts that are not in ``ALLOWED_HOSTS``; a load balancer probes health by address."""

    def process_request(self, request: HttpRequest) -> HttpResponsePermanentRedirect | None:
        """Raises: DisallowedHost."""
        return None if request.path == "/health" else super().process_request(request)
