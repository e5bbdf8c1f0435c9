"""The one exception handler: whatever goes wrong becomes the contract's error object.

Refusals of the platform itself live here; apps bring their own subclasses of ``aurix.errors.Refusal``. What nobody
foresaw is not rendered here but raised on, so that Django logs it with its traceback and tests see it; the answer is
then made by ``server_error``.
"""

from http import HTTPStatus
from typing import Any

import orjson
import structlog
from django.core import exceptions as django_errors
from django.db import DataError, InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, UnreadablePostError
from django.views import defaults
from rest_framework import exceptions as drf
from rest_framework.response import Response

from aurix.errors import BadRequest, Forbidden, NotFound, Refusal, ServiceUnavailable, Unauthorized

logger = structlog.get_logger(__name__)


class MethodNotAllowed(Refusal):
    status = 405
    code = "method_not_allowed"
    message = "This method is not allowed here."


class NotAcceptable(Refusal):
    status = 406
    code = "not_acceptable"
    message = "The answer is JSON (application/json); the Accept header does not allow it."


class PayloadTooLarge(Refusal):
    status = 413
    code = "payload_too_large"
    message = "The body is too large."


class UnsupportedMediaType(Refusal):
    status = 415
    code = "unsupported_media_type"
    message = "The body must be JSON, sent as application/json in UTF-8."


class InternalError(Refusal):
    status = 500
    code = "internal_error"
    message = "Something went wrong on our side. The request id identifies the incident."


def handle(exc: Exception, context: dict[str, Any]) -> Response:
    """DRF's exception handler. Raises ``exc`` itself when it is a defect of ours."""
    refusal = refusal_for(exc)
    if refusal is None:
        raise exc
    return Response(refusal.body(), status=refusal.status, headers=refusal.headers)


def refusal_for(exc: BaseException) -> Refusal | None:
    """What a client is told about ``exc``, or None for what it must not be told."""
    if isinstance(exc, Refusal):
        return exc
    if isinstance(exc, drf.APIException):
        return _from_drf(exc)
    if isinstance(exc, OperationalError | InterfaceError):
        logger.error("database_unavailable", exc_info=exc)
        refusal = ServiceUnavailable()
        refusal.headers["Retry-After"] = "1"
        return refusal
    if isinstance(exc, DataError):
        # A value that fits no column should have been refused when it was read. It is the client's, so the answer is
        # 400, and our omission, so it is logged as an error.
        logger.error("unchecked_value_reached_the_database", exc_info=exc)
        return BadRequest("A value is outside of what can be stored.")
    return _from_django(exc)


def _from_django(exc: BaseException) -> Refusal | None:
    if isinstance(exc, Http404):
        return NotFound()
    if isinstance(exc, django_errors.PermissionDenied):
        return Forbidden()
    if isinstance(exc, django_errors.RequestDataTooBig):
        return PayloadTooLarge()
    if isinstance(exc, UnreadablePostError):
        return BadRequest("The body could not be read to its end.")
    if isinstance(exc, django_errors.BadRequest | django_errors.SuspiciousOperation):
        return BadRequest()
    return None


_BY_STATUS: dict[int, type[Refusal]] = {
    kind.status: kind
    for kind in (
        BadRequest, Unauthorized, Forbidden, NotFound, MethodNotAllowed, NotAcceptable, PayloadTooLarge,
        UnsupportedMediaType, InternalError, ServiceUnavailable,
    )
}  # fmt: skip


_PHRASES = {status.value: status.phrase for status in HTTPStatus}


def for_status(status: int) -> Refusal:
    """The platform's refusal with HTTP ``status``; for one that has none of its own, one named after its phrase."""
    if kind := _BY_STATUS.get(status):
        return kind()
    phrase = _PHRASES.get(status, "Error")
    return _named(status, phrase.lower().replace(" ", "_").replace("-", "_").replace("'", ""), f"{phrase}.")


def _named(status: int, code: str, message: str) -> Refusal:
    refusal = Refusal(message)
    refusal.status, refusal.code = status, code  # type: ignore[misc]  # this one instance only
    return refusal


def _from_drf(exc: drf.APIException) -> Refusal:
    if isinstance(exc, drf.ValidationError):
        return _invalid(exc.detail)
    if isinstance(exc, drf.ParseError):
        return BadRequest("The body is not what this call reads.")
    if isinstance(exc, drf.NotAuthenticated | drf.AuthenticationFailed):
        return Unauthorized()  # DRF turns its own into 403 where a view has no authenticator; ours stays 401
    refusal = for_status(exc.status_code)
    if isinstance(exc, drf.Throttled):
        refusal = _named(429, "rate_limited", "Too many requests. Please wait.")
        refusal.details["retry_after_seconds"] = max(1, int(getattr(exc, "wait", None) or 1))
        refusal.headers["Retry-After"] = str(refusal.details["retry_after_seconds"])
    return refusal


def _invalid(detail: Any) -> BadRequest:
    """A serializer's errors, flattened: ``{"a.0.b": "reason"}``."""
    fields: dict[str, str] = {}

    def walk(path: str, node: Any) -> None:
        if isinstance(node, dict):
            for name, child in node.items():
                walk(f"{path}.{name}" if path else str(name), child)
        elif isinstance(node, list) and any(isinstance(child, dict | list) for child in node):
            for index, child in enumerate(node):
                walk(f"{path}.{index}" if path else str(index), child)
        elif node:
            fields[path] = " ".join(str(text) for text in node) if isinstance(node, list) else str(node)

    walk("", detail)
    general = fields.pop("", "") or fields.pop("non_field_errors", "")
    message = general or "; ".join(f"{name}: {reason}" for name, reason in fields.items())
    return BadRequest(message, details={"fields": fields} if fields else None)


# --- Where no API view was reached: Django's own error handlers -------------------------------------------------------


def is_page(request: HttpRequest) -> bool:
    """Whether people look at pages here, to whom an error is a page as well."""
    return request.path.startswith("/backoffice/")


def render(refusal: Refusal) -> HttpResponse:
    """The refusal as a plain Django response, always JSON."""
    return HttpResponse(
        orjson.dumps(refusal.body()),
        status=refusal.status,
        content_type="application/json",
        headers=refusal.headers,
    )


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's ``handler400``."""
    if is_page(request):
        return defaults.bad_request(request, exception)
    return render(refusal_for(exception) or BadRequest())


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's ``handler403``."""
    return defaults.permission_denied(request, exception) if is_page(request) else render(Forbidden())


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's ``handler404``: also for a path that does not exist."""
    return defaults.page_not_found(request, exception) if is_page(request) else render(NotFound())


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's ``handler500``; Django has logged the traceback. Says nothing of what happened inside."""
    return defaults.server_error(request) if is_page(request) else render(InternalError())
