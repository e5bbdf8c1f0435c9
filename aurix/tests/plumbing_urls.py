"""A URLconf of probes: views that do nothing but use one piece of the API's plumbing each.

``Authorization: Test TENANT/USER`` signs in as that actor.
"""

import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any, NoReturn, cast
from uuid import UUID

from django.core import exceptions as django_errors
from django.db import DataError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import exceptions as drf
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request
from rest_framework.response import Response

from aurix.actor import Actor
from aurix.api import cursors, errors, idempotency, schema
from aurix.api.permissions import SignedIn
from aurix.api.ratelimits import Limit
from aurix.api.serializers import (
    DecimalString,
    StrictChar,
    StrictChoice,
    StrictInteger,
    StrictSerializer,
    StrictUUID,
    read,
)
from aurix.api.views import ApiViewSet
from aurix.errors import Refusal, TokenExpired
from aurix.health import HealthViewSet

KNOWN_TENANT = UUID("a0000000-0000-0000-0000-000000000001")


class TestAuthentication(BaseAuthentication):
    """Believes whoever says who they are."""

    def authenticate(self, request: Request) -> tuple[Any, None] | None:
        scheme, _, name = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
        if scheme != "Test":
            return None
        tenant_id, _, user_id = name.partition("/")
        return Actor(UUID(tenant_id), UUID(user_id), None, "user"), None

    def authenticate_header(self, request: Request) -> str:
        return "Test"


class Unprocessable(Refusal):
    """A code of the call's own."""

    status = 422
    code = "invalid_amount"
    message = "The amount is not valid."


class Everything(StrictSerializer):
    """One field of each kind."""

    grams = DecimalString(places=8, required=False)
    eur = DecimalString(places=2, otherwise=Unprocessable, required=False)
    text = StrictChar(max_length=10, required=False)
    maybe = StrictChar(allow_blank=True, allow_null=True, required=False)
    count = StrictInteger(low=0, high=1000, required=False)
    side = StrictChoice(options=["buy", "sell"], required=False)
    quote_id = StrictUUID(required=False)


class Needed(StrictSerializer):
    """A field that has to be there."""

    name = StrictChar()


class Probe(ApiViewSet):
    """Signed in."""

    authentication_classes = (TestAuthentication,)
    permission_classes = (SignedIn,)
    rate_limits = {"limited": Limit("buy"), "limited_failure": Limit("buy")}

    @extend_schema(exclude=True)
    def echo(self, request: Request) -> Response:
        """What was read, and the fingerprint."""
        values = read(Everything, request=request)
        return Response({name: str(value) for name, value in values.items()})

    @extend_schema(exclude=True)
    def limited(self, request: Request) -> Response:
        """Counted for each user."""
        return Response({"name": read(Needed, request=request)["name"]})

    @extend_schema(exclude=True)
    def limited_failure(self, request: Request) -> Response:
        """Counted, then a defect."""
        raise RuntimeError("a defect")

    @extend_schema(exclude=True)
    def pay(self, request: Request) -> Response:
        """Wants an idempotency key."""
        return Response({"key": idempotency.read_key(request), "print": idempotency.fingerprint(request.data).hex()})

    @extend_schema(exclude=True)
    def rows(self, request: Request, name: str = "rows") -> Response:
        """A list of numbers that grows at its beginning, newest first."""
        actor = cast("Actor", request.user)
        below = cursors.single(request, "below")

        def fetch(after: cursors.Position | None, most: int) -> list[int]:
            start = int(after[0]) if after else 10**9
            return [number for number in ROWS if number < start][:most]

        page = cursors.page(
            request,
            name=name,
            scope=f"{actor.tenant_id}/{actor.user_id}",
            filters={"below": below},
            default=3,
            high=10,
            fetch=fetch,
            position=lambda number: [number],
            render=lambda number: {"number": number},
        )
        return Response(page)


ROWS: list[int] = []
"""What ``rows`` lists."""


def tenant_of(code: str) -> UUID | None:
    """Knows one tenant."""
    return KNOWN_TENANT if code == "aurix-demo" else None


class OpenProbe(ApiViewSet):
    """For everybody."""

    authentication_classes = ()
    permission_classes = ()
    rate_limits = {"login": Limit("login", tenant_of=tenant_of)}

    @extend_schema(exclude=True)
    def login(self, request: Request) -> Response:
        """Counted for each address and tenant."""
        return Response(request.data)

    @extend_schema(exclude=True)
    def read(self, request: Request) -> Response:
        """Whatever JSON object came."""
        return Response({"read": request.data})

    @extend_schema(exclude=True)
    def fail(self, request: Request, kind: str) -> NoReturn:
        """Raise one of ``FAILURES``."""
        raise failure(kind)


FAILURES: dict[str, Callable[[], Exception]] = {
    "refusal": TokenExpired,
    "own_code": lambda: Unprocessable(details={"required": "81.75", "available": "0.00"}),
    "validation": lambda: drf.ValidationError({"a": {"b": ["wrong"]}, "list": [{}, {"c": ["worse"]}]}),
    "parse": drf.ParseError,
    "not_authenticated": drf.NotAuthenticated,
    "authentication_failed": drf.AuthenticationFailed,
    "permission": drf.PermissionDenied,
    "django_permission": django_errors.PermissionDenied,
    "not_found": drf.NotFound,
    "http404": lambda: Http404("secret"),
    "method": lambda: drf.MethodNotAllowed("PUT"),
    "throttled": lambda: drf.Throttled(wait=7),
    "suspicious": lambda: django_errors.SuspiciousOperation("secret"),
    "too_big": django_errors.RequestDataTooBig,
    "database": lambda: OperationalError("connection to secret failed"),
    "data": lambda: DataError("numeric field overflow secret"),
    "conflict": lambda: type("Conflict", (drf.APIException,), {"status_code": 409})(),
    "defect": lambda: RuntimeError("secret"),
    "decimal": lambda: TypeError(Decimal(1)),
}


def failure(kind: str) -> Exception:
    """One of ``FAILURES``, made afresh."""
    return FAILURES[kind]()


def plain_failure(request: HttpRequest, kind: str) -> NoReturn:
    """Raise one of ``FAILURES`` in a view that is not DRF's."""
    raise failure(kind)


def status(request: HttpRequest, code: int) -> HttpResponse:
    """An error page of HTML."""
    return HttpResponse("<h1>secret</h1>", status=code, headers={"X-Kept": "yes"})


def stream(request: HttpRequest) -> StreamingHttpResponse:
    """A megabyte in pieces."""
    return StreamingHttpResponse((b"x" * 1024 for _ in range(1024)), content_type="text/plain")


def sleep(request: HttpRequest) -> HttpResponse:
    """Half a second of work."""
    time.sleep(0.5)
    return HttpResponse(b"{}", content_type="application/json")


open_requests = {"count": 0}
"""Requests that Django has begun and not finished, where ``plumbing_wsgi`` counts them."""


def count_open(request: HttpRequest) -> HttpResponse:
    """How many requests are open besides this one."""
    return HttpResponse(str(open_requests["count"] - 1), content_type="application/json")


urlpatterns = [
    path("echo", Probe.as_view({"post": "echo"})),
    path("limited", Probe.as_view({"post": "limited"})),
    path("limited-failure", Probe.as_view({"post": "limited_failure"})),
    path("pay", Probe.as_view({"post": "pay"})),
    path("rows", Probe.as_view({"get": "rows"})),
    path("other-rows", Probe.as_view({"get": "rows"}), {"name": "other"}),
    path("login", OpenProbe.as_view({"post": "login"})),
    path("read", OpenProbe.as_view({"post": "read", "get": "read"})),
    path("fail/<str:kind>", OpenProbe.as_view({"get": "fail"})),
    path("plain-fail/<str:kind>", plain_failure),
    path("status/<int:code>", status),
    path("backoffice/status/<int:code>", status),
    path("stream", stream),
    path("sleep", sleep),
    path("open", count_open),
    path("health", HealthViewSet.as_view({"get": "retrieve"})),
    path("swagger", schema.swagger, name="swagger"),
    path("swagger/spec", schema.spec, name="spec"),
]

handler400 = errors.bad_request
handler403 = errors.permission_denied
handler404 = errors.page_not_found
handler500 = errors.server_error
