"""What the web server calls: Django, shielded from how clients send their bodies and whether they stay.

Granian hands a request over when its head has arrived and has no time limit for the body, so a client that stalls
holds the thread that reads from it. Hence two numbers: many threads that read (the server's), of which only
``WEB_THREADS`` at a time have a seat in Django, with a database connection.
"""

import os
import threading
from collections.abc import Iterable
from io import BytesIO
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from django.conf import settings
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "aurix.settings")


def seated(application: WSGIApplication, *, seats: int) -> WSGIApplication:
    """``application`` for at most ``seats`` requests at a time, each with its body read before it sits down.

    Django reads as many bytes as Content-Length says, so none of a chunked body: that gets its length here, or one
    beyond the limit. An answer that is not a stream is closed here, so the request's database connection goes back
    to the pool whatever became of the client.
    """
    free = threading.BoundedSemaphore(seats)

    def serve(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        _read_body(environ)
        with free:
            response: Any = application(environ, start_response)
            if getattr(response, "streaming", False):
                return response  # type: ignore[no-any-return]
            try:
                return [b"".join(response)]
            finally:
                response.close()

    return serve


def _read_body(environ: WSGIEnvironment) -> None:
    length, limit = environ.get("CONTENT_LENGTH", ""), settings.MAX_BODY_BYTES
    if "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "").lower():
        body = environ["wsgi.input"].read(limit + 1)
        environ["CONTENT_LENGTH"] = str(len(body))
    elif length.isdecimal() and 0 < int(length) <= limit:
        body = environ["wsgi.input"].read(int(length))
    else:
        return  # there is none, or it is refused unread
    environ["wsgi.input"] = BytesIO(body)


application = seated(get_wsgi_application(), seats=int(os.environ.get("SEATS", "4")))
