"""What the web server calls: Django, shielded from how clients send their bodies and whether they stay.

Granian hands a request over when its head has arrived and has no time limit for the body, so a client that stalls
holds the thread that reads from it. Hence two numbers: many threads that read (the server's), of which only
``WEB_THREADS`` at a time have a seat in Django, with a database connection.
"""

import os
from collections.abc import Iterable
from io import BytesIO
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from aurix.api.seats import OVERLOADED, Seats

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "aurix.settings")

_PATIENCE_SECONDS = 10.0


def seated(application: WSGIApplication, *, seats: int) -> WSGIApplication:
    """``application`` for at most ``seats`` requests at a time, each with its body read before it sits down.

    ``/health`` never waits: it is asked exactly when all seats may be stuck. An answer that is not a stream is
    finished and closed here, so the request's database connection goes back to the pool whatever became of the client.
    """
    free = Seats(seats)

    def serve(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        _read_body(environ)
        needs_seat = environ.get("PATH_INFO") != "/health"
        if needs_seat and not free.take(patience=_PATIENCE_SECONDS):
            environ[OVERLOADED], needs_seat = True, False
        try:
            return _finished(application(environ, start_response))
        finally:
            if needs_seat:
                free.leave()

    return serve


def _finished(response: Any) -> Iterable[bytes]:
    if getattr(response, "streaming", False):
        return response  # type: ignore[no-any-return]  # the server closes it
    try:
        return [b"".join(response)]
    finally:
        response.close()


def _read_body(environ: WSGIEnvironment) -> None:
    """Django reads as many bytes as Content-Length says, so none of a chunked body: that gets its length here."""
    length, limit = environ.get("CONTENT_LENGTH", ""), settings.MAX_BODY_BYTES
    if "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "").lower():
        body = environ["wsgi.input"].read(limit + 1)
        environ["CONTENT_LENGTH"] = str(len(body))
    elif length.isdecimal() and 0 < int(length) <= limit:
        body = environ["wsgi.input"].read(int(length))
    else:
        return  # there is none, or it is refused unread
    environ["wsgi.input"] = BytesIO(body)


application = seated(get_wsgi_application(), seats=settings.WEB_THREADS)
