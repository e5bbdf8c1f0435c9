"""A real web server on the tests' database: Granian with two workers, as ``make run`` starts it."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Barrier
from typing import Any, TypeVar
from uuid import uuid4

import httpx
import psutil

from aurix.tests.cast import Person

ROOT = Path(__file__).resolve().parents[2]
R = TypeVar("R")


@dataclass(frozen=True)
class LiveServer:
    """Where it answers, and its main process."""

    host: str
    port: int
    process: psutil.Process

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    def client(self, person: Person | None = None) -> httpx.Client:
        """A client with a connection of its own and the person's token."""
        headers = {"Authorization": f"Bearer {person.token}"} if person else {}
        return httpx.Client(base_url=self.url, headers=headers, timeout=60)

    def workers(self) -> list[psutil.Process]:
        """The processes that answer requests."""
        return [child for child in self.process.children() if child.is_running()]


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def serving(**environment: str) -> Iterator[LiveServer]:
    """Run a server until the block ends."""
    port = free_port()
    env = {**os.environ, "HOST": "127.0.0.1", "PORT": str(port), "LOG_LEVEL": "WARNING", **environment}
    process = subprocess.Popen([sys.executable, "-m", "aurix.embedded.web"], cwd=ROOT, env=env)
    server = LiveServer("127.0.0.1", port, psutil.Process(process.pid))
    try:
        _wait(server)
        yield server
    finally:
        process.terminate()
        process.wait(timeout=60)


def _wait(server: LiveServer) -> None:
    for _ in range(600):
        try:
            if httpx.get(f"{server.url}/health", timeout=5).status_code in {200, 503}:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError("the web server does not answer")


def at_once(count: int, call: Callable[[int], R]) -> list[R]:
    """``call(0) … call(count - 1)``, each in a thread of its own, all let go together."""
    barrier = Barrier(count)

    def run(index: int) -> R:
        barrier.wait()
        return call(index)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


def buy(client: httpx.Client, key: str = "", **order: Any) -> httpx.Response:
    """``POST /wallet/buy`` under a key, a new one by default."""
    return client.post("/wallet/buy", json=order, headers={"Idempotency-Key": key or str(uuid4())})


def sell(client: httpx.Client, key: str = "", **order: Any) -> httpx.Response:
    """``POST /wallet/sell`` under a key, a new one by default."""
    return client.post("/wallet/sell", json=order, headers={"Idempotency-Key": key or str(uuid4())})
