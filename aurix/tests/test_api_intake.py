"""Between the web server and Django: bodies without a length, strange content types, seats."""

import threading
import time
from collections.abc import Iterable
from io import BytesIO
from typing import Any

import pytest
from django.core.handlers.wsgi import WSGIHandler

from aurix.api.intake import Intake

pytestmark = pytest.mark.urls("aurix.tests.plumbing_urls")


class Endless:
    """A client that never stops sending."""

    def __init__(self) -> None:
        self.sent = 0

    def read(self, size: int) -> bytes:
        """Whatever is asked for."""
        self.sent += size
        return b" " * size


class Answer:
    """What an intake, called as Granian calls it, answered to one request."""

    def __init__(self, application: Intake, path: str = "/read", **environ: Any) -> None:
        whole = {
            "REQUEST_METHOD": "POST",
            "PATH_INFO": path,
            "QUERY_STRING": "",
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "80",
            "REMOTE_ADDR": "127.0.0.1",
            "CONTENT_TYPE": "application/json",
            "wsgi.url_scheme": "http",
            "wsgi.input": BytesIO(),
        } | environ
        self._done = threading.Event()
        application(self, whole)
        assert self._done.wait(30), "no answer"

    def response_bytes(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        """As Granian's."""
        self.status, self.headers, self.body = status, dict(headers), body
        self._done.set()

    def response_iter(self, status: int, headers: list[tuple[str, str]], body: Any) -> None:
        """As Granian's."""
        pieces = []
        try:
            while True:
                pieces.append(body.__next__())
        except StopIteration:
            body.close()
        self.response_bytes(status, headers, b"".join(pieces))


def chunked(body: Any, **environ: Any) -> Answer:
    """The probe's answer to a chunked body."""
    stream = body if isinstance(body, Endless) else BytesIO(body)
    django = Intake(WSGIHandler(), seats=1)
    return Answer(django, **{"HTTP_TRANSFER_ENCODING": "Chunked", "wsgi.input": stream} | environ)


class TestChunkedBody:
    def test_is_read(self) -> None:
        assert chunked(b'{"a": 1}').body == b'{"read":{"a":1}}'

    def test_may_be_as_long_as_any(self) -> None:
        assert chunked(b'{"a": 1}'.ljust(65_536)).status == 200

    def test_is_413_beyond_that_without_being_read_to_its_end(self) -> None:
        endless = Endless()
        answer = chunked(endless)
        assert answer.status == 413
        assert b"payload_too_large" in answer.body
        assert endless.sent <= 65_537

    def test_may_be_empty(self) -> None:
        assert chunked(b"").body == b'{"read":{}}'


class TestContentType:
    @pytest.mark.parametrize(
        "content_type",
        [
            "application/json; charset=hex",
            "application/json; charset=idna",
            "application/json; charset=undefined",
            "application/json; charset=utf-7",
            "application/json; charset=" + "x" * 100_000,
            "application/json; x*=bogus'en'y",
            "application/json; charset*=bogus''utf-8",
            'application/json; charset="',
            ";;;",
            "; charset=hex",
        ],
    )
    @pytest.mark.parametrize("query", ["", "a=%41&b=%C3%A9"])
    def test_never_stops_django(self, content_type: str, query: str) -> None:
        answer = chunked(b'{"a": 1}', CONTENT_TYPE=content_type, QUERY_STRING=query)
        assert answer.status == 415
        assert b"unsupported_media_type" in answer.body


EMPTY: dict[str, Any] = {"CONTENT_LENGTH": "0"}


class Response(list[bytes]):
    """An answer of a made-up application."""

    closed = False

    def close(self) -> None:
        self.closed = True


def begun(start: Any, *body: bytes) -> Response:
    start("200 OK", [])
    return Response(body)


class TestResponse:
    def test_is_closed(self) -> None:
        given: list[Response] = []

        def application(environ: Any, start: Any) -> Response:
            given.append(begun(start, b"a", b"b"))
            return given[0]

        intake = Intake(application, seats=1)
        assert Answer(intake).body == b"ab"
        Answer(intake, "/health")  # by then the seat is done with the first
        assert given[0].closed

    def test_streams_when_it_is_a_stream(self) -> None:
        answer = Answer(Intake(WSGIHandler(), seats=1), "/stream", REQUEST_METHOD="GET")
        assert len(answer.body) == 1024 * 1024

    def test_that_streams_holds_no_seat(self) -> None:
        application = Intake(WSGIHandler(), seats=1)
        going_on, read = threading.Event(), threading.Event()

        class Slow(Answer):
            def response_iter(self, status: int, headers: list[tuple[str, str]], body: Any) -> None:
                going_on.set()
                read.wait(10)
                super().response_iter(status, headers, body)

        reader = threading.Thread(target=Slow, args=[application, "/stream"], kwargs={"REQUEST_METHOD": "GET"})
        reader.start()
        assert going_on.wait(10)
        assert Answer(application, **EMPTY).status == 200
        read.set()
        reader.join()

    def test_of_a_defect_is_500(self) -> None:
        def fail(environ: Any, start: Any) -> Iterable[bytes]:
            raise RuntimeError("a defect")

        application = Intake(fail, seats=1)
        assert [Answer(application).status for _ in range(3)] == [500, 500, 500]


class TestSeats:
    def test_are_as_many_as_there_are(self) -> None:
        busy, most, lock = 0, 0, threading.Lock()

        def work(environ: Any, start: Any) -> Response:
            nonlocal busy, most
            with lock:
                busy, most = busy + 1, max(most, busy + 1)
            time.sleep(0.01)
            with lock:
                busy -= 1
            return begun(start, b"done")

        application = Intake(work, seats=3)
        threads = [threading.Thread(target=Answer, args=[application]) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert most == 3

    def test_are_not_needed_for_health_and_refused_to_others_when_stuck(self) -> None:
        release, inside = threading.Event(), threading.Event()
        django = WSGIHandler()

        def stuck(environ: Any, start: Any) -> Any:
            if environ["PATH_INFO"] == "/stuck":
                inside.set()
                release.wait(10)
                return begun(start, b"done")
            if environ["PATH_INFO"] == "/health":
                return begun(start, b"healthy")
            return django(environ, start)

        application = Intake(stuck, seats=1, patience=0.05)
        holder = threading.Thread(target=Answer, args=[application, "/stuck"])
        holder.start()
        inside.wait(10)
        assert Answer(application, "/health").body == b"healthy"
        refused = Answer(application)
        assert refused.status == 503
        assert b"service_unavailable" in refused.body
        assert refused.headers["Retry-After"] == "1"
        assert refused.headers["X-Request-Id"]
        release.set()
        holder.join()
        assert Answer(application, **EMPTY).status == 200
