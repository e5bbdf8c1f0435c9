"""Runs: rows first, messages second."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from io import StringIO
from typing import Any
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command

from aurix import clock
from aurix.celery import app
from aurix.errors import NotFound
from aurix.tests.attacks import sql
from aurix.tests.cast import Person
from insights import etl, queries, tasks
from insights.actions import runs
from insights.models import EtlRun
from insights.tests.history import read, run


def start(*, only: UUID | None = None) -> UUID:
    return runs.start(trigger=EtlRun.Trigger.SCHEDULE, only=only, now=clock.now())


@contextmanager
def living_in(time_zone: str, person: Person) -> Iterator[None]:
    """The person's tenant, elsewhere for a while."""
    query = "UPDATE tenants_tenant SET time_zone = %s WHERE id = %s"
    with sql("superuser") as superuser:
        superuser.execute(query, [time_zone, person.tenant.id])
    try:
        yield
    finally:
        with sql("superuser") as superuser:
            superuser.execute(query, ["Europe/Vienna", person.tenant.id])


@pytest.mark.usefixtures("two_tenants")
class TestARun:
    def test_has_a_part_for_each_tenant(self, alice: Person, charlie: Person) -> None:
        parts = runs.unfinished(run_id=start())
        assert {alice.tenant.id, charlie.tenant.id} <= {part.tenant_id for part in parts}

    def test_is_running_until_all_parts_are_done(self, alice: Person, charlie: Person) -> None:
        run_id = start()
        assert queries.run(run_id=run_id).status == "queued"
        parts = runs.unfinished(run_id=run_id)
        for part in parts:
            assert queries.run(run_id=run_id).status in {"queued", "running"}
            assert queries.run(run_id=run_id).finished_at is None
            runs.work(part=part, clock=clock.now)
        done = queries.run(run_id=run_id)
        assert (done.status, done.counts["tenants_done"]) == ("succeeded", len(parts))
        assert done.duration_seconds is not None

    def test_whose_part_fails_has_failed_and_says_why(self, alice: Person, monkeypatch: pytest.MonkeyPatch) -> None:
        run_id = start(only=alice.tenant.id)
        (part,) = runs.unfinished(run_id=run_id)

        def fail(**_: Any) -> etl.Step:
            raise ArithmeticError("no\0thing adds up")

        monkeypatch.setattr(etl, "step", fail)
        with pytest.raises(ArithmeticError):
            runs.work(part=part, clock=clock.now)
        failed = queries.run(run_id=run_id)
        assert failed.status == "failed"
        assert failed.error == f"{alice.tenant.id}: ArithmeticError: nothing adds up"
        assert runs.unfinished(run_id=run_id) == []

    def test_a_tenant_in_an_unknown_time_zone_fails_alone(self, alice: Person) -> None:
        (part,) = runs.unfinished(run_id=start(only=alice.tenant.id))
        with living_in("Mars/Base", alice), pytest.raises(KeyError, match="Mars"):
            runs.work(part=part, clock=clock.now)
        assert queries.run(run_id=part.run_id).status == "failed"
        assert run(alice).status == "succeeded"

    def test_work_that_is_done_is_not_done_again(self, alice: Person) -> None:
        (part,) = runs.unfinished(run_id=start(only=alice.tenant.id))
        assert runs.work(part=part, clock=clock.now)
        counts = queries.run(run_id=part.run_id).counts
        alice.buy(grams="1")
        assert runs.work(part=part, clock=clock.now)
        assert queries.run(run_id=part.run_id).counts == counts

    def test_is_forgotten_in_the_end(self, alice: Person) -> None:
        old = run(alice, now=clock.now() - timedelta(days=31)).id
        kept = run(alice).id
        assert runs.prune(now=clock.now()) >= 1
        with pytest.raises(NotFound):
            queries.run(run_id=old)
        assert queries.run(run_id=kept).status == "succeeded"


@pytest.mark.usefixtures("two_tenants")
class TestTasks:
    @pytest.fixture
    def sent(self, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
        """The messages for workers."""
        messages: list[tuple[str, str]] = []
        monkeypatch.setattr(tasks.work, "delay", lambda *ids: messages.append(ids))
        return messages

    def test_are_known_to_celery_and_scheduled(self) -> None:
        app.loader.import_default_modules()
        scheduled = [entry["task"] for entry in app.conf.beat_schedule.values()]
        assert "insights.tasks.hourly" in scheduled
        assert {"insights.tasks.hourly", "insights.tasks.spread", "insights.tasks.work"} <= set(app.tasks)

    def test_spread_a_run_over_workers(self, alice: Person, charlie: Person, sent: list[tuple[str, str]]) -> None:
        run_id = start()
        tasks.spread(str(run_id))
        assert {(str(run_id), str(who.tenant.id)) for who in (alice, charlie)} <= set(sent)

    def test_the_hour_sees_to_what_was_left(self, alice: Person, sent: list[tuple[str, str]]) -> None:
        left = start(only=alice.tenant.id)
        alice.buy(grams="1")
        tasks.hourly()
        assert (str(left), str(alice.tenant.id)) in sent
        for ids in [ids for ids in sent if ids[0] == str(left)]:
            tasks.work(*ids)
        assert runs.unfinished(run_id=left) == []
        assert len(read(alice)) == 2

    def test_go_on_in_another_task_where_it_takes_long(
        self, alice: Person, bob: Person, sent: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for who in (alice, bob):
            who.buy(grams="1")
        run_id = start(only=alice.tenant.id)
        monkeypatch.setattr(tasks, "PATIENCE", timedelta(microseconds=1))
        monkeypatch.setattr(etl, "WALLETS", 1)
        tasks.work(str(run_id), str(alice.tenant.id))
        assert sent == [(str(run_id), str(alice.tenant.id))]
        monkeypatch.undo()
        tasks.work(*sent[0])
        assert queries.run(run_id=run_id).status == "succeeded"


@pytest.mark.usefixtures("two_tenants")
class TestTheCommand:
    def run(self, *words: str) -> str:
        out = StringIO()
        call_command("run_etl", *words, stdout=out, stderr=out)
        return out.getvalue()

    def test_runs_for_all_tenants(self, alice: Person, charlie: Person) -> None:
        for who in (alice, charlie):
            who.buy(grams="1")
        assert "succeeded" in self.run()
        assert len(read(alice)) == len(read(charlie)) == 2

    def test_runs_for_one(self, alice: Person, charlie: Person) -> None:
        for who in (alice, charlie):
            who.buy(grams="1")
        assert "1 tenants, 1 tenants_done, 1 wallets, 2 entries, 2 snapshots" in self.run("--tenant", alice.tenant.code)
        assert (len(read(alice)), read(charlie)) == (2, [])

    def test_rebuilds(self, alice: Person) -> None:
        alice.buy(grams="1")
        self.run("--tenant", alice.tenant.code)
        assert "0 wallets, 0 entries, 0 snapshots" in self.run("--tenant", alice.tenant.code)
        assert "1 wallets, 2 entries, 0 snapshots" in self.run("--tenant", alice.tenant.code, "--rebuild")

    def test_refuses_an_unknown_tenant(self) -> None:
        with pytest.raises(CommandError, match="no tenant"):
            self.run("--tenant", "nobody")

    def test_says_what_failed(self, alice: Person, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(**_: Any) -> etl.Step:
            raise ArithmeticError("nothing adds up")

        monkeypatch.setattr(etl, "step", fail)
        with pytest.raises(CommandError, match=r"failed: .*nothing adds up"):
            self.run("--tenant", alice.tenant.code)
