"""Between the web server and Django: bodies without a length, strange content types, seats."""

import threading
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from typing import Any
from wsgiref.types import WSGIApplication

import pytest
from django.core.handlers.wsgi import WSGIHandler

from aurix.api import intake
from aurix.api.seats import Seats

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
    """What an application answered to one request."""

    def __init__(self, application: WSGIApplication, path: str = "/read", **environ: Any) -> None:
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

        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            self.status, self.headers = int(status[:3]), dict(headers)

        # In a thread of its own, as in the server: a seat's connection takes the place of the thread's.
        with ThreadPoolExecutor(1) as thread:
            self.body: bytes = thread.submit(lambda: b"".join(application(whole, start))).result()


def chunked(body: Any, **environ: Any) -> Answer:
    """The probe's answer to a chunked body."""
    stream = body if isinstance(body, Endless) else BytesIO(body)
    django = intake.guarded(WSGIHandler(), seats=1)
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


class TestResponse:
    def test_is_closed_before_the_seat_is_free(self) -> None:
        class Response(list[bytes]):
            closed = False

            def close(self) -> None:
                self.closed = True

        response = Response([b"a", b"b"])
        answer = Answer(intake.guarded(lambda environ, start: _begun(response, start), seats=1))
        assert answer.body == b"ab"
        assert response.closed

    def test_streams_when_it_is_a_stream(self) -> None:
        answer = Answer(intake.guarded(WSGIHandler(), seats=1), "/stream", REQUEST_METHOD="GET")
        assert len(answer.body) == 1024 * 1024


def _begun(response: Iterable[bytes], start: Any) -> Iterable[bytes]:
    start("200 OK", [])
    return response


class TestSeats:
    def test_are_as_many_as_there_are(self) -> None:
        busy, most, lock = 0, 0, threading.Lock()

        def work(environ: Any, start: Any) -> Iterable[bytes]:
            nonlocal busy, most
            with lock:
                busy, most = busy + 1, max(most, busy + 1)
            time.sleep(0.01)
            with lock:
                busy -= 1
            return _begun([b"done"], start)

        application = intake.guarded(work, seats=3)
        threads = [threading.Thread(target=Answer, args=[application]) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert most == 3

    def test_are_left_also_by_whoever_fails(self) -> None:
        def fail(environ: Any, start: Any) -> Iterable[bytes]:
            raise RuntimeError("a defect")

        application = intake.guarded(fail, seats=1)
        for _ in range(3):
            with pytest.raises(RuntimeError):
                Answer(application)

    def test_are_not_needed_for_health_and_refused_to_others_when_stuck(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(intake, "_PATIENCE_SECONDS", 0.05)
        release, inside = threading.Event(), threading.Event()
        django = WSGIHandler()

        def stuck(environ: Any, start: Any) -> Iterable[bytes]:
            if environ["PATH_INFO"] == "/stuck":
                inside.set()
                release.wait(10)
                return _begun([b"done"], start)
            if environ["PATH_INFO"] == "/health":
                return _begun([b"healthy"], start)
            return django(environ, start)

        application = intake.guarded(stuck, seats=1)
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
        assert Answer(application).status == 200

    def test_go_to_whoever_waited_longest(self) -> None:
        seats, order = Seats(["seat"]), list[int]()
        seats.take(patience=1)

        def wait(number: int) -> None:
            seat = seats.take(patience=10)
            assert seat
            order.append(number)
            seats.leave(seat)

        threads = []
        for number in range(5):
            threads.append(threading.Thread(target=wait, args=[number]))
            threads[-1].start()
            while seats.waiting() <= number:
                time.sleep(0.001)
        seats.leave("seat")
        for thread in threads:
            thread.join()
        assert order == [0, 1, 2, 3, 4]

    def test_are_not_lost_to_who_stopped_waiting(self) -> None:
        seats = Seats(["seat"])
        assert seats.take(patience=1) == "seat"
        assert seats.take(patience=0.01) is None
        seats.leave("seat")
        assert seats.take(patience=0.01) == "seat"
