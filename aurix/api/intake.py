"""Between the web server and Django: whatever clients send, and however slowly, Django gets requests it can serve.

Granian hands a request over when its head has arrived and has no time limit for the body, so a client that stalls
holds the thread that reads from it. Hence two kinds of threads. Granian's, of which there may be many, read a request
and leave it in line. Those of the seats take it from there and answer it, each with a database connection that stays
open. Few seats are faster than many: only one thread at a time runs Python (docs/performance.md).
"""

import sys
import threading
import time
from io import BytesIO
from queue import SimpleQueue
from typing import Any, Protocol
from wsgiref.types import WSGIApplication, WSGIEnvironment

import structlog
from django.conf import settings
from django.db import connections
from django.utils.http import parse_header_parameters

logger = structlog.get_logger(__name__)

OVERLOADED = "aurix.overloaded"
"""In a request's WSGI environment when it found no seat in time: it is refused with 503."""

_PATIENCE_SECONDS = 10.0
_STREAMS = 64
"""Streams that a worker writes at a time, each in a thread of its own: its client reads as slowly as it likes."""


class Answerer(Protocol):
    """What Granian gives with a request to answer it, once, from any thread."""

    def response_bytes(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        """Answer with a whole body."""

    def response_iter(self, status: int, headers: list[tuple[str, str]], body: Any) -> None:
        """Answer with a stream; returns when it is written, or the client gone, and has closed ``body``."""


class Intake:
    """What Granian calls, in place of a WSGI application: puts requests in line for ``seats`` threads.

    ``/health`` never waits: it is asked exactly when all seats may be stuck.
    """

    def __init__(self, application: WSGIApplication, *, seats: int, patience: float = _PATIENCE_SECONDS) -> None:
        self._application, self._patience = application, patience
        self._line: SimpleQueue[tuple[Answerer, WSGIEnvironment, float]] = SimpleQueue()
        self._served = 0
        self._streams = threading.BoundedSemaphore(_STREAMS)
        for work in (*[self._serve] * seats, self._watch):
            threading.Thread(target=work, daemon=True).start()

    def __call__(self, answerer: Answerer, scope: WSGIEnvironment) -> None:
        """Read the request and leave."""
        environ = _ENVIRON | scope
        _check_content_type(environ)
        _read_body(environ)
        if environ["PATH_INFO"] == "/health":
            self._answer(answerer, environ)
        else:
            self._line.put((answerer, environ, time.monotonic()))

    def _serve(self) -> None:
        """A seat: answer one request after the other."""
        while True:
            answerer, environ, arrived = self._line.get()
            if time.monotonic() - arrived > self._patience:
                environ[OVERLOADED] = True
            self._answer(answerer, environ)
            self._served += 1  # the watch only wants to see it move

    def _watch(self) -> None:
        """While no seat moves for too long, refuse whoever waits."""
        seen, since = self._served, time.monotonic()
        while True:
            time.sleep(min(1.0, self._patience))
            if self._served != seen or self._line.empty():
                seen, since = self._served, time.monotonic()
            elif time.monotonic() - since >= self._patience:
                answerer, environ, _ = self._line.get()
                environ[OVERLOADED] = True
                self._answer(answerer, environ)

    def _answer(self, answerer: Answerer, environ: WSGIEnvironment) -> None:
        try:
            self._run(answerer, environ)
        except Exception:
            logger.exception("request_failed_outside_of_django")
            answerer.response_bytes(500, [], b"")  # nothing happens if it was answered already

    def _run(self, answerer: Answerer, environ: WSGIEnvironment) -> None:
        begun: list[Any] = []
        response: Any = self._application(environ, lambda *start: begun.extend(start))  # type: ignore[arg-type]
        status, headers = int(begun[0][:3]), begun[1]
        if getattr(response, "streaming", False):
            self._stream(answerer, environ, status, headers, response)
            return
        try:
            answerer.response_bytes(status, headers, b"".join(response))
        finally:
            response.close()

    def _stream(self, answerer: Answerer, environ: WSGIEnvironment, status: int, headers: Any, response: Any) -> None:
        if not self._streams.acquire(blocking=False):
            response.close()
            environ[OVERLOADED] = True
            self._run(answerer, environ)
            return

        def write() -> None:
            try:
                answerer.response_iter(status, headers, _Stream(response))
            finally:
                self._streams.release()
                connections.close_all()  # this thread's own

        threading.Thread(target=write, daemon=True).start()


class _Stream:
    """A streaming response as Granian reads it: an iterator that can be closed."""

    def __init__(self, response: Any) -> None:
        self.__next__ = iter(response).__next__
        self.close = response.close


_ENVIRON: WSGIEnvironment = {
    "SCRIPT_NAME": "",
    "wsgi.version": (1, 0),
    "wsgi.errors": sys.stderr,
    "wsgi.multithread": True,
    "wsgi.multiprocess": True,
    "wsgi.run_once": False,
}


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
