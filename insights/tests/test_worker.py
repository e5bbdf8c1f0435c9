"""A real worker on a real broker, killed in the middle of its work."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from django.conf import settings

from aurix.tests.attacks import sql
from aurix.tests.cast import Person
from insights import tasks
from insights.tests.history import read

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("two_tenants")]


@contextmanager
def worker() -> Iterator[subprocess.Popen[bytes]]:
    """A Celery worker of one process, until the block ends."""
    words = ["worker", "--pool=solo", "--loglevel=WARNING", "--without-gossip", "--without-mingle"]
    command = [sys.executable, "-W", "ignore", "-m", "celery", "--quiet", "--app=aurix", *words]
    running = subprocess.Popen(command, cwd=settings.BASE_DIR, env=os.environ, stderr=subprocess.DEVNULL)
    try:
        yield running
    finally:
        running.kill()
        running.wait()


def until(true: Callable[[], bool]) -> None:
    """Wait for something to become true, for at most half a minute."""
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def status(olivia: Person, run_id: str) -> str:
    return str(olivia.get(f"/admin/etl/runs/{run_id}").json()["status"])


def test_a_trigger_reaches_the_customer(alice: Person, charlie: Person, olivia: Person) -> None:
    for who in (alice, charlie):
        who.buy(grams="1")
    run_id = olivia.post("/admin/etl/trigger").json()["run_id"]
    assert status(olivia, run_id) == "queued"
    with worker():
        until(lambda: status(olivia, run_id) == "succeeded")
    for who in (alice, charlie):
        assert [item["signals"]["buy_count"] for item in who.get("/insights").json()["items"]] == [1, 1]


def test_a_worker_that_was_killed_is_followed_by_one_that_finishes(alice: Person, olivia: Person) -> None:
    alice.buy(grams="1")
    with sql("superuser") as superuser:  # holds the work up
        superuser.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended('insights/' || %s, 0))", [str(alice.tenant.id)]
        )
        with worker() as doomed:
            run_id = olivia.post("/admin/etl/trigger").json()["run_id"]
            until(lambda: status(olivia, run_id) == "running")
            doomed.kill()
            doomed.wait()
    assert status(olivia, run_id) == "running"
    assert read(alice) == []
    with worker():
        tasks.hourly.delay()
        until(lambda: status(olivia, run_id) == "succeeded")
    assert len(read(alice)) == 2
