"""Worker, beat and broker killed with SIGKILL in the middle: nothing is lost, and nothing done twice in effect."""

import os
import signal
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import psutil
import pytest
from celery import Task
from django_celery_beat.models import PeriodicTask

from aurix import clock
from aurix.celery import app
from aurix.embedded.valkey import EmbeddedValkey
from aurix.schedules import KeepingScheduler
from aurix.tests.attacks import sql
from aurix.tests.background import beat, empty, queued, worker
from aurix.tests.cast import Person
from aurix.tests.relaying import eventually
from insights import queries, tasks
from insights.actions import runs
from insights.models import EtlRun
from insights.tests.history import read
from wallet import tasks as wallet_tasks
from wallet.actions import reconciliation

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("two_tenants")]


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[EmbeddedValkey]:
    """A broker of the test's own, as ``make run`` starts it."""
    server = EmbeddedValkey(tmp_path)
    server.start()
    yield server
    server.stop()


def send(task: Task, *arguments: str, broker: str, **named: str) -> None:
    """Put a message into that broker's queue."""
    url = broker.replace("unix://", "redis+socket://").replace("?db=", "?virtual_host=")
    with app.connection_for_write(url) as connection:
        task.apply_async(arguments, named, connection=connection)


def kill(valkey: EmbeddedValkey) -> None:
    """And start it again."""
    assert valkey.child
    os.kill(valkey.child.pid, signal.SIGKILL)
    valkey.stop()
    valkey.start()


def new_run(who: Person) -> UUID:
    return runs.start(trigger=EtlRun.Trigger.SCHEDULE, only=who.tenant.id, now=clock.now())


def ended(run_id: UUID) -> bool:
    return queries.run(run_id=run_id).status == "succeeded"


def count(who: Person) -> list[int]:
    """The buys in the customer's day and week."""
    return [item.signals.buy_count for item in read(who)]


class TestWorker:
    def test_process_that_is_killed_in_a_task_is_replaced_and_the_task_done(
        self, alice: Person, valkey: EmbeddedValkey
    ) -> None:
        alice.buy(grams="1")
        run_id = new_run(alice)
        with worker(broker=valkey.url) as main:
            with sql("superuser") as superuser:  # holds the work up
                superuser.execute(
                    "SELECT pg_advisory_xact_lock(hashtextextended('insights/' || %s, 0))", [str(alice.tenant.id)]
                )
                send(tasks.spread, str(run_id), broker=valkey.url)
                assert eventually(lambda: queries.run(run_id=run_id).status == "running")
                for child in psutil.Process(main.pid).children():
                    child.kill()
                assert not ended(run_id)
            assert eventually(lambda: ended(run_id), seconds=60)
        assert count(alice) == [1, 1]

    def test_that_is_killed_whole_leaves_the_work_to_the_next(self, alice: Person, valkey: EmbeddedValkey) -> None:
        alice.buy(grams="1")
        run_id = new_run(alice)
        with sql("superuser") as superuser:
            superuser.execute(
                "SELECT pg_advisory_xact_lock(hashtextextended('insights/' || %s, 0))", [str(alice.tenant.id)]
            )
            with worker(broker=valkey.url) as main:
                send(tasks.spread, str(run_id), broker=valkey.url)
                assert eventually(lambda: queries.run(run_id=run_id).status == "running")
                children = psutil.Process(main.pid).children()
                main.kill()
                for child in children:
                    child.kill()
                main.wait()
        with worker(broker=valkey.url):
            send(tasks.hourly, broker=valkey.url)  # as beat does
            assert eventually(lambda: ended(run_id), seconds=60)
        assert count(alice) == [1, 1]

    def test_that_is_killed_while_it_reconciles_is_followed_by_one_that_does_it_again(
        self, alice: Person, valkey: EmbeddedValkey
    ) -> None:
        run_id = reconciliation.request(full=True, tenant_id=alice.tenant.id, now=clock.now())

        def status() -> str:
            with sql("superuser") as superuser:
                row = superuser.execute("SELECT status FROM wallet_reconciliation WHERE id = %s", [run_id]).fetchone()
            return str(row[0]) if row else ""

        with sql("superuser") as superuser:
            superuser.execute("LOCK TABLE wallet_verified_head IN ACCESS EXCLUSIVE MODE")
            with worker(broker=valkey.url) as main:
                send(wallet_tasks.reconcile, broker=valkey.url, run_id=str(run_id))
                assert eventually(lambda: status() == "running")
                children = psutil.Process(main.pid).children()
                main.kill()
                for child in children:
                    child.kill()
                main.wait()
        assert status() == "running"
        with worker(broker=valkey.url):
            send(wallet_tasks.tend_reconciliations, broker=valkey.url)  # as beat does
            assert eventually(lambda: status() == "succeeded", seconds=60)


class TestBroker:
    def test_that_is_killed_keeps_what_was_queued(self, alice: Person, valkey: EmbeddedValkey) -> None:
        alice.buy(grams="1")
        run_id = new_run(alice)
        send(tasks.spread, str(run_id), broker=valkey.url)
        kill(valkey)
        assert queued(valkey.url) == ["insights.tasks.spread"]
        with worker(broker=valkey.url):
            assert eventually(lambda: ended(run_id), seconds=60)
        assert count(alice) == [1, 1]

    def test_that_forgets_everything_costs_only_time(self, alice: Person, valkey: EmbeddedValkey) -> None:
        """A Redis that keeps nothing on disk, or was emptied: what there is to do is in the database."""
        alice.buy(grams="1")
        run_id = new_run(alice)
        send(tasks.spread, str(run_id), broker=valkey.url)
        empty(valkey.url)
        kill(valkey)
        assert queued(valkey.url) == []
        with worker(broker=valkey.url):
            assert not eventually(lambda: ended(run_id), seconds=3)  # the control: nobody knows
            send(tasks.hourly, broker=valkey.url)
            assert eventually(lambda: ended(run_id), seconds=60)
        assert count(alice) == [1, 1]

    def test_that_is_killed_under_a_worker_is_found_again(self, alice: Person, valkey: EmbeddedValkey) -> None:
        with worker(broker=valkey.url):
            for number in (1, 2):
                alice.buy(grams="1")
                run_id = new_run(alice)
                send(tasks.spread, str(run_id), broker=valkey.url)
                assert eventually(lambda run_id=run_id: ended(run_id), seconds=60)  # type: ignore[misc]
                assert count(alice) == [number, number]
                kill(valkey)


class TestBeat:
    @pytest.fixture
    def schedule(self) -> None:
        """The defaults, all of which have just been sent."""
        KeepingScheduler(app=app, lazy=True).setup_schedule()
        PeriodicTask.objects.update(last_run_at=clock.now())

    @pytest.mark.usefixtures("schedule")
    def test_that_was_dead_when_something_was_due_sends_it_when_it_is_back(self, valkey: EmbeddedValkey) -> None:
        with beat(broker=valkey.url) as running:
            assert not eventually(lambda: bool(queued(valkey.url)), seconds=4)  # the control: nothing is due
            running.kill()
            running.wait()
        long_ago = {"transfers": timedelta(minutes=6), "reconcile-fully": timedelta(days=8)}
        for name, ago in long_ago.items():  # as if it had been dead so long
            PeriodicTask.objects.filter(name=name).update(last_run_at=clock.now() - ago)
        due = ["wallet.tasks.expire_transfers", "wallet.tasks.reconcile"]
        with beat(broker=valkey.url) as running:
            assert eventually(lambda: sorted(queued(valkey.url)) == due)
            running.kill()
            running.wait()
