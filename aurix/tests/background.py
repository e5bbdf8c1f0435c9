"""Worker and beat as ``make run`` starts them, to be killed."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import redis

from aurix.tests.live import ROOT

_CELERY = [sys.executable, "-W", "ignore", "-m", "celery", "--quiet", "--app=aurix"]


@contextmanager
def _running(words: list[str], environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [*_CELERY, *words], cwd=ROOT, env={**os.environ, **environment}, stderr=subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def worker(*, broker: str) -> Any:
    """A worker with one process that works, until the block ends."""
    words = ["worker", "--concurrency=1", "--loglevel=ERROR", "--without-gossip", "--without-mingle"]
    return _running(words, {"REDIS_URL": broker})


def beat(*, broker: str) -> Any:
    """Beat with the schedule in the database, until the block ends."""
    words = ["beat", "--loglevel=ERROR", "--pidfile=", "--scheduler=aurix.schedules:KeepingScheduler"]
    return _running(words, {"REDIS_URL": broker})


def queued(broker: str) -> list[str]:
    """The names of the tasks that wait."""
    with redis.Redis.from_url(broker) as client:
        return [json.loads(message)["headers"]["task"] for message in client.lrange("celery", 0, -1)]


def empty(broker: str) -> None:
    """Lose everything."""
    with redis.Redis.from_url(broker) as client:
        client.flushall()
