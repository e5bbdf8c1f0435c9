"""A real receiver of webhooks, with moods."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ssl import SSLContext
from typing import Any

import orjson
from standardwebhooks import Webhook

Mood = Callable[[dict[str, Any]], int]
"""The status with which an envelope is answered; ``DROP`` hangs up, ``FLOOD`` answers 200 and talks without end."""
DROP, FLOOD = 0, -1


@dataclass(frozen=True)
class Hit:
    """A request that came."""

    path: str
    headers: dict[str, str]
    body: bytes
    status: int

    @property
    def envelope(self) -> dict[str, Any]:
        envelope: dict[str, Any] = orjson.loads(self.body)
        return envelope

    def verified_by(self, secret: str) -> bool:
        """Whether Standard Webhooks' own library takes it."""
        Webhook(secret).verify(self.body, self.headers)
        return True


class Receiver:
    """Listens on ``port`` of this machine."""

    def __init__(self, context: SSLContext | None = None) -> None:
        self.hits: list[Hit] = []
        self.mood: Mood = lambda _: 200
        self.location = ""
        self.most_at_once = self._now = 0
        self._lock = threading.Lock()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True  # or each answer would wait 40 ms for an acknowledgement

            def do_POST(self) -> None:
                receiver.answer(self)

            def do_GET(self) -> None:
                receiver.answer(self)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]  # whoever hangs up
        if context:
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    def url(self, path: str = "/hook", *, scheme: str = "http", host: str = "127.0.0.1") -> str:
        return f"{scheme}://{host}:{self.port}{path}"

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        """In a thread of its own."""
        with self._lock:
            self._now += 1
            self.most_at_once = max(self.most_at_once, self._now)
        try:
            body = request.rfile.read(int(request.headers.get("Content-Length", 0)))
            status = self.mood(orjson.loads(body)) if body else 200
            with self._lock:
                self.hits.append(Hit(request.path, dict(request.headers), body, status))
            self._say(request, status)
        finally:
            with self._lock:
                self._now -= 1

    def _say(self, request: BaseHTTPRequestHandler, status: int) -> None:
        if status == DROP:
            request.close_connection = True
            return
        request.send_response(max(200, status))
        if 300 <= status < 400:
            request.send_header("Location", self.location)
        if status == FLOOD:
            request.end_headers()
            request.close_connection = True
            while True:
                request.wfile.write(b"x" * 65_536)
        request.send_header("Content-Length", "2")
        request.end_headers()
        request.wfile.write(b"ok")

    def taken(self) -> list[dict[str, Any]]:
        """What was answered with 2xx, as it came."""
        return [hit.envelope for hit in list(self.hits) if 200 <= hit.status < 300]

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        if not self._thread.is_alive():
            return
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@contextmanager
def receiving(context: SSLContext | None = None) -> Iterator[Receiver]:
    """One that listens until the block ends."""
    made = Receiver(context)
    made.start()
    try:
        yield made
    finally:
        made.stop()


def slowly(seconds: float) -> Mood:
    """Takes everything, after a while."""

    def mood(_: dict[str, Any]) -> int:
        time.sleep(seconds)
        return 200

    return mood
