"""The shipped web server, on a database of its own."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from aurix.embedded import launch
from bench.servers import DATA, ROOT, MeasurementError, Servers

HOST = "127.0.0.1"
LIMIT = "10000000/m"
"""Rate limits stay on and are counted for each request, but nobody reaches them."""

_LIMITED = ("BUY", "SELL", "QUOTES", "WALLET", "TRANSACTIONS", "INSIGHTS")
_START_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Website:
    """A running web server: which database it serves, and what code it is made of."""

    name: str
    database: str
    tree: Path
    port: int
    pid: int
    log: Path

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"


@contextmanager
def serving(
    servers: Servers,
    *,
    database: str,
    name: str = "",
    tree: Path = ROOT,
    settings: Mapping[str, str] | None = None,
) -> Iterator[Website]:
    """Serve ``database`` with the code in ``tree`` until the block ends; requests under way are answered first.

    ``settings`` are environment variables; without them all is as shipped, but for the rate limits' height. The log
    is as shipped too and goes to a file in ``var/bench``.
    """
    port = _free_port()
    own = {"HOST": HOST, "PORT": str(port), **{f"RATE_LIMIT_{limit}": LIMIT for limit in _LIMITED}}
    environment = {**servers.environment(database), **own, **(settings or {})}
    log_file = DATA / f"web-{name or database}.log"
    with log_file.open("wb") as log:
        process = subprocess.Popen(
            [*_dying_with_us(), sys.executable, "-m", "aurix.embedded.web"],
            cwd=tree,
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        site = Website(name or database, database, tree, port, process.pid, log_file)
        try:
            _wait(site, process)
            yield site
        finally:
            process.terminate()
            process.wait(timeout=60)


def check_limits(site: Website, *, token: str) -> str:
    """See that requests are counted, by all workers together; says so. Raises: MeasurementError."""
    counts = [_remaining(site, token) for _ in range(8)]
    falls = sum(after == before - 1 for before, after in pairwise(counts))
    if falls < len(counts) - 2:  # one of them may begin a new minute
        raise MeasurementError(f"X-RateLimit-Remaining should fall by one with each request, and was {counts}.")
    return f"rate limits on, {LIMIT} each, and counted: X-RateLimit-Remaining fell from {counts[0]} to {counts[-1]}"


def _remaining(site: Website, token: str) -> int:
    connection = http.client.HTTPConnection(HOST, site.port, timeout=30)
    try:
        connection.request("GET", "/wallet", headers={"Authorization": f"Bearer {token}"})
        answer = connection.getresponse()
        answer.read()
        return int(answer.getheader("X-RateLimit-Remaining", "-1"))
    finally:
        connection.close()


def _dying_with_us() -> list[str]:
    """The start of a command that ends when this process does, however that comes about."""
    return [sys.executable, "-I", "-S", launch.__file__, str(os.getpid()), str(int(signal.SIGTERM)), "-", "-"]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def _wait(site: Website, process: "subprocess.Popen[bytes]") -> None:
    for _ in range(_START_SECONDS * 10):
        if process.poll() is not None:
            break
        try:
            connection = http.client.HTTPConnection(HOST, site.port, timeout=5)
            connection.request("GET", "/health")
            if connection.getresponse().status == http.client.OK:
                return
        except OSError:
            time.sleep(0.1)
    raise MeasurementError(f"The web server does not become healthy; see {site.log}.")
