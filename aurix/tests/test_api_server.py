"""The plumbing behind the real web server: what clients do to sockets, nothing of which must hurt others."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
HEAD = b"POST /read HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
SEATS = 4


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """Where the shipped server with one worker serves the probes."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        free: int = probe.getsockname()[1]
    command = [
        sys.executable,
        "-c",
        "from aurix.embedded import web; web.main('aurix.tests.plumbing_wsgi:application')",
    ]
    shape = {"WEB_WORKERS": "1", "WEB_THREADS": str(SEATS), "HOST": "127.0.0.1", "PORT": str(free)}
    environment = os.environ | shape | {"LOG_LEVEL": "ERROR"}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL) as server:
        _await(free)
        yield free
        server.terminate()


def _await(port: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/read", timeout=5):
            return
        time.sleep(0.1)
    raise TimeoutError("the server does not answer")


def connect(port: int) -> socket.socket:
    client = socket.create_connection(("127.0.0.1", port))
    client.settimeout(10)
    return client


def answer(client: socket.socket) -> tuple[int, dict[str, str], Any]:
    """Status, headers and JSON of what the server sends."""
    received = b""
    while b"\r\n\r\n" not in received:
        piece = client.recv(65536)
        assert piece, received
        received += piece
    head, _, body = received.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    while len(body) < int(headers.get("content-length", "0")):
        body += client.recv(65536)
    return int(first.split()[1]), headers, json.loads(body) if body else None


def exchange(port: int, *pieces: bytes) -> tuple[int, dict[str, str], Any]:
    """Send ``pieces``, as far as the server takes them, and read the answer."""
    with connect(port) as client:
        with contextlib.suppress(ConnectionError):
            for piece in pieces:
                client.sendall(piece)
        return answer(client)


def still_serves(port: int, *, within: float = 5.0) -> None:
    """A client who behaves gets an answer, and nobody else's request is left open."""
    started = time.monotonic()
    assert exchange(port, HEAD + b"Content-Length: 8\r\n\r\n", b'{"a": 1}')[2] == {"read": {"a": 1}}
    assert time.monotonic() - started < within


def none_left_open(port: int) -> None:
    """All requests end, whatever became of their clients."""
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        if exchange(port, b"GET /open HTTP/1.1\r\nHost: localhost\r\n\r\n")[2] == 0:
            return
        time.sleep(0.1)
    raise AssertionError("requests were left open")


def chunks(*bodies: bytes) -> bytes:
    return b"".join(b"%x\r\n%b\r\n" % (len(body), body) for body in (*bodies, b""))


class TestChunkedBody:
    def send(self, port: int, *bodies: bytes) -> tuple[int, dict[str, str], Any]:
        return exchange(port, HEAD + b"Transfer-Encoding: chunked\r\n\r\n", chunks(*bodies))

    def test_is_read(self, port: int) -> None:
        assert self.send(port, b'{"a"', b": ", b"1}")[2] == {"read": {"a": 1}}

    def test_may_be_as_long_as_any(self, port: int) -> None:
        assert self.send(port, b" " * 65_534, b"{}")[0] == 200

    @pytest.mark.parametrize("size", [65_535, 1_000_000, 20_000_000])
    def test_is_413_beyond_that(self, port: int, size: int) -> None:
        status, headers, body = self.send(port, *(b" " * 50_000 for _ in range(size // 50_000)), b" " * 50_000, b"{}")
        assert status == 413
        assert body["error"]["code"] == "payload_too_large"
        assert headers["x-request-id"]
        still_serves(port)


class TestBodyOfAGivenLength:
    @pytest.mark.parametrize("size", [65_537, 1_000_000, 50_000_000])
    @pytest.mark.parametrize("path", [b"/read", b"/nothing"])
    def test_is_413_when_too_long(self, port: int, size: int, path: bytes) -> None:
        head = HEAD.replace(b"/read", path) + b"Content-Length: %d\r\n\r\n" % size
        status, headers, body = exchange(port, head, b" " * size)
        assert status == 413
        assert body["error"]["code"] == "payload_too_large"
        assert headers["x-request-id"]
        still_serves(port)

    def test_is_413_before_it_is_sent(self, port: int) -> None:
        assert exchange(port, HEAD + b"Content-Length: 99999999\r\n\r\n")[0] == 413

    @pytest.mark.parametrize("length", [b"abc", b"-1", b"+2", b"2, 3", b"9" * 30])
    def test_is_400_when_that_is_no_number(self, port: int, length: bytes) -> None:
        assert exchange(port, HEAD + b"Content-Length: " + length + b"\r\n\r\n{}")[0] == 400
        still_serves(port)

    def test_is_400_when_it_ends_early(self, port: int) -> None:
        with connect(port) as client:
            client.sendall(HEAD + b'Content-Length: 100\r\n\r\n{"a": 1')
            client.shutdown(socket.SHUT_WR)
            assert answer(client)[0] == 400


class TestHead:
    @pytest.mark.parametrize(
        "content_type", [b"application/json; charset=hex", b"x; y*=bogus'en'z", b"a" * 100_000 + b"; b=c"]
    )
    def test_with_a_strange_content_type_is_415(self, port: int, content_type: bytes) -> None:
        head = b"POST /read?a=%41 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nContent-Type: "
        status, _, body = exchange(port, head + content_type + b"\r\n\r\n{}")
        assert status == 415
        assert body["error"]["code"] == "unsupported_media_type"

    @pytest.mark.parametrize("target", [b"/%00", b"/read?a=%00", b"/read?a=%ff"])
    def test_with_a_strange_target_is_400(self, port: int, target: bytes) -> None:
        status, _, body = exchange(port, b"GET " + target + b" HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert status == 400
        assert body["error"]["code"] == "bad_request"

    @pytest.mark.parametrize(
        "junk",
        [
            b"\x00\x01\x02\r\n\r\n",
            b"GET\r\n\r\n",
            b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n",
            b"GET /\xff HTTP/1.1\r\n\r\n",
        ],
    )
    def test_that_is_no_http_hurts_nobody(self, port: int, junk: bytes) -> None:
        assert 400 <= exchange(port, junk)[0] < 500
        still_serves(port)

    def test_with_an_unknown_method_is_405(self, port: int) -> None:
        assert exchange(port, b"BREW /read HTTP/1.1\r\nHost: localhost\r\n\r\n")[0] == 405


class TestClientsThatStall:
    @pytest.mark.parametrize("framing", [b"Content-Length: 100", b"Transfer-Encoding: chunked"])
    def test_in_their_bodies_keep_nobody_waiting(self, port: int, framing: bytes) -> None:
        with contextlib.ExitStack() as stack:
            for _ in range(25 * SEATS):
                stalled = stack.enter_context(connect(port))
                stalled.sendall(HEAD + framing + b"\r\n\r\n")
            time.sleep(0.3)
            still_serves(port)
        none_left_open(port)


class TestClientsThatHangUp:
    @pytest.mark.parametrize(
        "sent",
        [
            HEAD,
            HEAD + b'Content-Length: 100\r\n\r\n{"a"',
            HEAD + b"Content-Length: 8\r\n\r\n" + b'{"a": 1}',
            b"GET /stream HTTP/1.1\r\nHost: localhost\r\n\r\n",
        ],
        ids=["in the head", "in the body", "before the answer", "in the answer"],
    )
    def test_leave_nothing_behind(self, port: int, sent: bytes) -> None:
        for number in range(150):
            client = connect(port)
            client.sendall(sent)
            if number % 2:  # half of them with a reset
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
            client.close()
        none_left_open(port)
        still_serves(port)


class TestHealth:
    def test_answers_while_all_seats_are_taken(self, port: int) -> None:
        with contextlib.ExitStack() as stack:
            for _ in range(12 * SEATS):
                busy = stack.enter_context(connect(port))
                busy.sendall(b"GET /sleep HTTP/1.1\r\nHost: localhost\r\n\r\n")
            time.sleep(0.2)
            started = time.monotonic()
            status, _, body = exchange(port, b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert time.monotonic() - started < 4  # the others need six seconds in all
            assert status in {200, 503}
            assert body["components"]["api"] == "up"
        none_left_open(port)
