"""Between the web server and Django: whatever clients send, and however slowly, Django gets requests it can serve.

Granian hands a request over when its head has arrived and has no time limit for the body, so a client that stalls
holds the thread that reads from it. Hence two numbers: many threads that read (the server's), of which only as many
at a time as there are seats work in Django, with a database connection.
"""

from collections.abc import Iterable, Iterator
from io import BytesIO
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from django.conf import settings
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils.http import parse_header_parameters

from aurix.api.seats import OVERLOADED, Seats

_PATIENCE_SECONDS = 10.0


def guarded(application: WSGIApplication, *, seats: int) -> WSGIApplication:
    """``application`` for at most ``seats`` requests at a time, each with its body read before it sits down.

    A seat is a database connection that stays open from one request to the next: nothing is opened, checked out, reset
    or given back for a request. ``/health`` never waits: it is asked exactly when all seats may be stuck, and needs
    no such connection. An answer that is not a stream is finished in the seat, whatever became of the client.
    """
    free = Seats([_connection() for _ in range(seats)])

    def serve(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        _check_content_type(environ)
        _read_body(environ)
        if environ.get("PATH_INFO") == "/health":
            return _finished(application(environ, start_response))
        seat = free.take(patience=_PATIENCE_SECONDS)
        if seat is None:
            environ[OVERLOADED] = True
            return _finished(application(environ, start_response))
        connections["default"] = seat
        try:
            return _finished(application(environ, start_response))
        finally:
            del connections["default"]
            free.leave(seat)

    return serve


def _connection() -> BaseDatabaseWrapper:
    connection = connections.create_connection("default")
    connection.inc_thread_sharing()  # one thread at a time: whichever has the seat
    return connection


def _finished(response: Any) -> Iterable[bytes]:
    if getattr(response, "streaming", False):
        return _Stream(response)
    try:
        return [b"".join(response)]
    finally:
        if hasattr(response, "close"):
            response.close()


class _Stream:
    """A response that is still being written when its request has left the seat: it has a connection of its own."""

    def __init__(self, response: Any) -> None:
        self._response = response

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._response)

    def close(self) -> None:
        """The server calls this at the end, also when the client has hung up."""
        self._response.close()
        connections["default"].close()
        del connections["default"]


def _check_content_type(environ: WSGIEnvironment) -> None:
    """Make a Content-Type that Django would fall over, or decode by, one that no call reads.

    Django takes the charset of any request, also for its query string, and lets ``charset=hex`` or a malformed
    parameter raise before there is a request to answer.
    """
    content_type = environ.get("CONTENT_TYPE", "")
    if ";" not in content_type:
        return
    try:
        charset = parse_header_parameters(content_type)[1].get("charset", "utf-8")
    except (ValueError, LookupError):
        charset = "unknown"
    if charset.lower() not in {"utf-8", "utf8"}:
        environ["CONTENT_TYPE"] = "application/octet-stream"


def _read_body(environ: WSGIEnvironment) -> None:
    """Django reads as many bytes as Content-Length says, so none of a chunked body: that gets its length here."""
    length, limit = environ.get("CONTENT_LENGTH", ""), settings.MAX_BODY_BYTES
    if "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "").lower():
        body = environ["wsgi.input"].read(limit + 1)
        environ["CONTENT_LENGTH"] = str(len(body))
    elif length.isascii() and length.isdecimal() and 0 < int(length) <= limit:
        body = environ["wsgi.input"].read(int(length))
    else:
        return  # there is none, or it is refused unread
    environ["wsgi.input"] = BytesIO(body)
