"""Django's middleware for pages (sessions, users, messages), which API calls pass by.

An API call has no session; walking it through these is work for nothing.
"""

from django.conf import settings
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from aurix.api.errors import is_page


def _wanted(request: HttpRequest) -> bool:
    """Whether this is a page, or the call of somebody signed in to the back-office who browses the API."""
    return is_page(request) or ("HTTP_COOKIE" in request.META and settings.SESSION_COOKIE_NAME in request.COOKIES)


class _ForPages:
    """Does nothing to any other request."""

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if _wanted(request):
            return super().__call__(request)  # type: ignore[misc, no-any-return]  # the middleware mixed in after us
        return self.get_response(request)  # type: ignore[attr-defined, no-any-return]  # likewise


class Sessions(_ForPages, SessionMiddleware):
    """Django's, for pages."""


class Users(_ForPages, AuthenticationMiddleware):
    """Django's, for pages."""


class Messages(_ForPages, MessageMiddleware):
    """Django's, for pages."""
