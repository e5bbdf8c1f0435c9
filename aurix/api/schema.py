"""The OpenAPI document and the page that shows it, both without access to the internet."""

import functools
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiJsonRenderer2
from drf_spectacular.utils import OpenApiResponse
from rest_framework import serializers


class _ErrorOutput(serializers.Serializer[Any]):
    code = serializers.CharField(help_text="for programs: fixed, in snake_case")
    message = serializers.CharField(help_text="for a person")
    details = serializers.DictField(help_text="such as `fields`, which names each wrong field with its reason")

    class Meta:
        ref_name = "Error"


class ErrorEnvelope(serializers.Serializer[Any]):
    """Every answer that is not 2xx."""

    error = _ErrorOutput()


def errors(*statuses: int) -> dict[int, OpenApiResponse]:
    """For ``extend_schema(responses={200: ..., **errors(400, 401)})``."""
    return {status: OpenApiResponse(ErrorEnvelope, HTTPStatus(status).phrase) for status in statuses}


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # its __init_subclass__
    """Tells drf-spectacular what our authentication is called; it finds this class by itself."""

    target_class = "accounts.api.authentication.BearerAuthentication"
    name = "bearer"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """The security scheme."""
        return {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}


class BackOfficeScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # likewise
    """The back-office's session, with which a person browses the API."""

    target_class = "accounts.api.authentication.BackOfficeSessionAuthentication"
    name = "backoffice"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """The security scheme."""
        return {"type": "apiKey", "in": "cookie", "name": settings.SESSION_COOKIE_NAME}


@require_safe
def swagger(request: HttpRequest) -> HttpResponse:
    """``GET /swagger``: Swagger UI."""
    return render(request, "aurix/swagger.html")


@require_safe
def spec(request: HttpRequest) -> HttpResponse:
    """``GET /swagger/spec``: the OpenAPI 3 document."""
    return HttpResponse(_document(settings.ROOT_URLCONF), content_type="application/json")


@functools.cache
def _document(urlconf: str) -> bytes:
    # It depends on nothing but the code, and takes long enough to make that anybody could keep a server busy with it.
    generator: Any = SchemaGenerator
    document: bytes = OpenApiJsonRenderer2().render(
        generator(urlconf=urlconf).get_schema(public=True), renderer_context={}
    )
    return document
