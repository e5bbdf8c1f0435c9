"""Latency at an offered load: buys sent on schedule, whether or not the ones before are answered (an open loop).

A generator that waits for answers before it sends on asks less exactly when the server is slow, and so does not see
what customers would have felt (coordinated omission). Here each request has its moment, at even intervals, and its
latency counts from that moment, also when all connections were busy then. A few hundred requests a second is what this
is for: Python can send those precisely, and says how late it was.
"""

import json
import socket
import threading
import time
from dataclasses import dataclass

from bench.customers import Crowd
from bench.load import Sample, new_run
from bench.website import HOST, Website

_CONNECTIONS = 128
_LEAD_SECONDS = 0.5
_BODY = json.dumps({"grams": "0.01"}).encode()


@dataclass(frozen=True, slots=True)
class Offer:
    """What came of it. ``sent_late_ms`` is the 99th percentile of how late requests were sent."""

    rate: float
    sample: Sample
    worst_ms: float
    sent_late_ms: float


@dataclass(slots=True)
class _Schedule:
    """The moments of requests, handed out one by one to whoever is free."""

    begin: float
    interval: float
    total: int
    lock: threading.Lock
    taken: int = 0

    def next(self) -> tuple[int, float] | None:
        with self.lock:
            if self.taken == self.total:
                return None
            self.taken += 1
            return self.taken, self.begin + self.taken * self.interval


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    latency: float
    late: float


def buys(site: Website, crowd: Crowd, *, rate: float, seconds: float) -> Offer:
    """Offer ``rate`` buys a second for ``seconds``, over up to 128 connections."""
    run = new_run()
    tokens = crowd.file.read_text(encoding="ascii").split()
    schedule = _Schedule(time.perf_counter() + _LEAD_SECONDS, 1 / rate, round(rate * seconds), threading.Lock())
    answers: list[_Answer] = []

    def work() -> None:
        with socket.create_connection((HOST, site.port)) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while slot := schedule.next():
                number, moment = slot
                time.sleep(max(0.0, moment - time.perf_counter()))
                sent = time.perf_counter()
                status = _buy(connection, tokens[number % len(tokens)], f"{run}.{number:09d}")
                answers.append(_Answer(status, time.perf_counter() - moment, sent - moment))

    threads = [threading.Thread(target=work) for _ in range(_CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    refused = sum(answer.status >= 400 for answer in answers)
    latencies = sorted(answer.latency * 1000 for answer in answers)
    sample = Sample(
        name="buys",
        clients=_CONNECTIONS,
        database=crowd.database,
        run=run,
        rate=len(answers) / seconds,
        answers=len(answers),
        p50_ms=_percentile(latencies, 50),
        p99_ms=_percentile(latencies, 99),
        refused=refused,
        broken=schedule.total - len(answers),
        sent_buys=schedule.total,
    )
    late = sorted(answer.late * 1000 for answer in answers)
    return Offer(rate, sample, latencies[-1], _percentile(late, 99))


def _buy(connection: socket.socket, token: str, key: str) -> int:
    """One request and its answer's status."""
    head = f"POST /wallet/buy HTTP/1.1\r\nHost: {HOST}\r\nAccept: application/json\r\nAuthorization: Bearer {token}\r\n"
    head += f"Idempotency-Key: {key}\r\nContent-Type: application/json\r\nContent-Length: {len(_BODY)}\r\n\r\n"
    connection.sendall(head.encode("ascii") + _BODY)
    answer = b""
    while True:
        more = connection.recv(65536)
        if not more:
            raise ConnectionError("the server hung up")
        answer += more
        top, separator, body = answer.partition(b"\r\n\r\n")
        if separator and len(body) >= _length(top):
            return int(top[9:12])


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    raise ValueError("an answer without Content-Length")


def _percentile(ordered: list[float], share: int) -> float:
    return ordered[min(len(ordered) - 1, len(ordered) * share // 100)]
