"""The short way of API calls: past the middleware of pages, straight to the view.

Of what that middleware does, a call needs its host checked and a few headers that are always the same. Whatever is
not certain here (a path with an argument, a page or a person, a call from another origin, plain HTTP that is to be
redirected) goes the whole way.
"""

import functools
from collections.abc import Callable, Iterator, Mapping
from io import BytesIO
from typing import Any

from django.conf import settings
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.clickjacking import XFrameOptionsMiddleware
from django.middleware.security import SecurityMiddleware
from django.urls import URLPattern, URLResolver, get_resolver

from aurix.api.views import ApiViewSet, from_a_program

View = Callable[[HttpRequest], HttpResponseBase]


def is_open(request: HttpRequest) -> bool:
    """Whether the request is a program's call, and its view known by its path alone."""
    return (
        request.path_info in _calls(get_resolver())
        and from_a_program(request)
        and "HTTP_ORIGIN" not in request.META
        and (not settings.SECURE_SSL_REDIRECT or request.is_secure())
    )


def answer(request: HttpRequest) -> HttpResponseBase:
    """What the view answers. Raises: DisallowedHost."""
    if request.path_info != "/health":  # a load balancer probes it by address
        request.get_host()
    response = _calls(get_resolver())[request.path_info](request)
    for name, value in _headers(request.is_secure()).items():
        response.headers.setdefault(name, value)
    return response


@functools.cache
def _calls(resolver: URLResolver) -> Mapping[str, View]:
    """The views of all API calls whose path is a plain text, by that path."""
    return {f"/{path}": view for path, view in _walk(resolver) if issubclass(getattr(view, "cls", object), ApiViewSet)}


def _walk(resolver: URLResolver) -> Iterator[tuple[str, Any]]:
    for entry in resolver.url_patterns:
        if isinstance(entry, URLPattern):
            if "<" not in str(entry.pattern) and not entry.default_args:
                yield str(entry.pattern), entry.callback
        elif str(entry.pattern) == "":
            yield from _walk(entry)


@functools.cache
def _headers(secure: bool) -> dict[str, str]:  # noqa: FBT001  a key of the cache
    """What Django's security middleware adds to an answer."""
    environ = {"REQUEST_METHOD": "GET", "wsgi.input": BytesIO(), "wsgi.url_scheme": "https" if secure else "http"}
    request, response = WSGIRequest(environ), HttpResponse()
    for middleware in (SecurityMiddleware, XFrameOptionsMiddleware):
        middleware(lambda _: response).process_response(request, response)
    del response.headers["Content-Type"]
    return dict(response.headers)
