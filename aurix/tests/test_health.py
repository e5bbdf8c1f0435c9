"""``GET /health``: the contract's body, within two seconds whatever hangs, and without piling up threads."""

import socket
import threading
import time
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from django.db import connections
from django.test import Client

from aurix import health

pytestmark = pytest.mark.urls("aurix.tests.plumbing_urls")


@pytest.fixture
def silent() -> Iterator[int]:
    """The port of a server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@pytest.fixture
def full() -> Iterator[int]:
    """The port of a server that does not even take connections: its queue is full."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        waiting = []
        for _ in range(4):
            client = socket.socket()
            client.settimeout(0)
            client.connect_ex(("127.0.0.1", port))
            waiting.append(client)
        yield port
        for client in waiting:
            client.close()


@pytest.fixture(autouse=True)
def _own_probes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing left open by another test."""
    database = health.Probe(name="database", ask=lambda: health.ask_database())
    redis = health.Probe(name="redis", ask=lambda: health.ask_redis())
    monkeypatch.setattr(health, "_PROBES", {"database": database, "redis": redis})


def ask() -> tuple[int, dict[str, Any], float]:
    """Status, body and seconds of ``GET /health``."""
    started = time.monotonic()
    answer = Client().get("/health")
    return answer.status_code, answer.json(), time.monotonic() - started


class TestHealthy:
    def test_says_so(self) -> None:
        status, body, _ = ask()
        assert status == 200
        moment = datetime.fromisoformat(body.pop("timestamp"))
        assert abs(moment.timestamp() - time.time()) < 5
        assert body == {"status": "healthy", "components": {"api": "up", "database": "up", "redis": "up"}}

    def test_needs_no_token_and_is_not_kept(self) -> None:
        answer = Client().get("/health", headers={"Authorization": "Bearer nonsense"})
        assert answer.status_code == 200
        assert answer.headers["Cache-Control"] == "no-store"

    def test_leaves_no_connection_behind(self) -> None:
        with connections["default"].cursor() as cursor:
            for _ in range(5):
                ask()
            cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE query = 'SELECT 1' AND pid <> pg_backend_pid()")
            assert cursor.fetchone() == (0,)


class TestDegraded:
    @pytest.fixture(params=["nobody", "silent", "full"])
    def port(self, request: pytest.FixtureRequest, silent: int, full: int) -> int:
        """Where something is wrong."""
        with socket.create_server(("127.0.0.1", 0)) as listener:
            nobody: int = listener.getsockname()[1]
        return {"nobody": nobody, "silent": silent, "full": full}[request.param]

    def test_names_redis(self, settings: Any, port: int) -> None:
        settings.REDIS_URL = f"redis://127.0.0.1:{port}/0"
        status, body, seconds = ask()
        assert status == 503
        assert body["status"] == "degraded"
        assert body["components"] == {"api": "up", "database": "up", "redis": "down"}
        assert seconds < 2

    def test_names_the_database(self, monkeypatch: pytest.MonkeyPatch, port: int) -> None:
        monkeypatch.setitem(connections.settings["default"], "HOST", "127.0.0.1")
        monkeypatch.setitem(connections.settings["default"], "PORT", str(port))
        status, body, seconds = ask()
        assert status == 503
        assert body["components"] == {"api": "up", "database": "down", "redis": "up"}
        assert seconds < 2

    def test_says_nothing_of_why(self, settings: Any) -> None:
        settings.REDIS_URL = "redis://:sesame@127.0.0.1:1/0"
        _, body, _ = ask()
        assert "sesame" not in str(body)
        assert set(body) == {"status", "components", "timestamp"}


class TestHanging:
    def hanging(self, monkeypatch: pytest.MonkeyPatch, released: threading.Event) -> None:
        """Let both components hang until ``released``."""

        def hang() -> None:
            released.wait(30)

        probes = {name: health.Probe(name=name, ask=hang) for name in ("database", "redis")}
        monkeypatch.setattr(health, "_PROBES", probes)

    def test_is_answered_in_time_and_holds_one_thread_each(self, monkeypatch: pytest.MonkeyPatch) -> None:
        released = threading.Event()
        self.hanging(monkeypatch, released)
        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        status, body, seconds = ask()
        for thread in threads:
            thread.join()
        assert (status, seconds < 2) == (503, True)
        assert body["components"] == {"api": "up", "database": "down", "redis": "down"}
        probing = [thread for thread in threading.enumerate() if thread.name.startswith("health-")]
        assert len(probing) == 2
        released.set()
        for thread in probing:
            thread.join(5)

    def test_ends(self, monkeypatch: pytest.MonkeyPatch) -> None:
        released = threading.Event()
        self.hanging(monkeypatch, released)
        monkeypatch.setattr(health, "_PATIENCE", 0.05)
        assert ask()[0] == 503
        released.set()
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline and ask()[0] != 200:
            time.sleep(0.01)
        assert ask()[0] == 200
