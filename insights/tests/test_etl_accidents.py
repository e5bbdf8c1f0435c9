"""Whatever may happen while the ETL works: late commits, company, crashes. Nothing is lost, nothing counted twice."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest
from django.db import connection
from pytest_django.fixtures import Settings

from aurix import clock
from aurix.tests.attacks import sql
from aurix.tests.cast import Person, person
from insights import etl, queries
from insights.actions import runs
from insights.models import EtlRun
from insights.tests.history import (
    VIENNA,
    Trade,
    lay_down,
    read,
    rows,
    run,
    step,
)
from tenants.queries import TenantView


def at(text: str) -> datetime:
    """A moment in Vienna."""
    return datetime.fromisoformat(text).replace(tzinfo=VIENNA)


BUY = """
INSERT INTO wallet_ledger (id, tenant_id, wallet_id, kind, gold_delta, cash_delta, price, reference_price, gross, fee,
                           spread, request_id)
VALUES (gen_random_uuid(), %s, %s, 'buy', 1, -6550, 65, 65, 6500, 50, 0, '')
"""


@contextmanager
def open_trade(who: Person) -> Iterator[psycopg.Connection]:
    """A trade that is made and not committed until the block ends."""
    with sql("app", tenant_id=who.tenant.id) as trading:
        trading.execute(BUY, [who.tenant.id, who.wallet_id])
        yield trading


class TestLateCommits:
    def test_a_trade_that_was_open_across_a_run_is_found_by_the_next(self, alice: Person, bob: Person) -> None:
        with open_trade(alice) as trading:
            bob.buy(grams="2")
            assert run(alice).counts["entries"] == 3  # two openings and bob's
            assert read(alice) == []
            assert len(read(bob)) == 2
            trading.commit()
        with sql("superuser") as superuser:
            late, other = (
                superuser.execute(
                    "SELECT max(created_at) FROM wallet_ledger WHERE wallet_id = %s", [who.wallet_id]
                ).fetchall()[0][0]
                for who in (alice, bob)
            )
        assert late < other  # the control: a watermark of times would have passed it by
        assert run(alice).counts["entries"] == 1
        assert [i.signals.buy_count for i in read(alice)] == [1, 1]

    def test_many_of_them_in_any_order_are_all_found_once(self, tenant: TenantView) -> None:
        people = [person(f"late{n}", tenant) for n in range(6)]
        trades = [open_trade(who) for who in people]
        opened = [trade.__enter__() for trade in trades]
        entries = run(people[0]).counts["entries"]
        for n in (3, 0, 5, 1, 4, 2):
            opened[n].commit()
            entries += run(people[0]).counts["entries"]
            trades[n].__exit__(None, None, None)
        assert entries == 12
        assert [i.signals.buy_count for who in people for i in read(who)] == [1] * 12

    def test_one_that_is_rolled_back_never_was(self, alice: Person) -> None:
        with open_trade(alice) as trading:
            run(alice)
            trading.rollback()
        assert run(alice).counts["entries"] == 0
        assert read(alice) == []


class TestAccidents:
    @pytest.fixture
    def crowd(self, tenant: TenantView) -> list[Person]:
        """Nine customers with a trade each."""
        people = [person(f"one{n}", tenant) for n in range(9)]
        for who in people:
            lay_down(who, [Trade("2026-03-24 10:00", "1"), Trade("2026-04-01 10:00", "2")])
        return people

    def test_several_runs_at_once_share_the_work_and_count_it_once(
        self, crowd: list[Person], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(etl, "WALLETS", 2)
        found: list[dict[str, int]] = []
        gate = threading.Barrier(3)

        def go() -> None:
            try:
                gate.wait()
                found.append(run(crowd[0], now=at("2026-04-02 10:00")).counts)
            finally:
                connection.close()

        threads = [threading.Thread(target=go) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(found) == 3
        assert (sum(counts["wallets"] for counts in found), sum(counts["entries"] for counts in found)) == (9, 27)
        for who in crowd:
            assert [i.signals.holding_grams for i in read(who, frequency="weekly")] == [3, 1]

    def test_two_workers_on_one_part_finish_it_once(self, crowd: list[Person], monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(etl, "WALLETS", 2)
        run_id = runs.start(trigger=EtlRun.Trigger.SCHEDULE, only=crowd[0].tenant.id, now=clock.now())
        (part,) = runs.unfinished(run_id=run_id)

        def go() -> None:
            try:
                assert runs.work(part=part, clock=clock.now)
            finally:
                connection.close()

        threads = [threading.Thread(target=go) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        done = queries.run(run_id=run_id)
        assert (done.status, done.counts["wallets"], done.counts["entries"]) == ("succeeded", 9, 27)

    def test_a_crash_between_steps_loses_nothing(
        self, crowd: list[Person], monkeypatch: pytest.MonkeyPatch, settings: Settings
    ) -> None:
        monkeypatch.setattr(etl, "WALLETS", 2)
        settings.ETL_LANES = 1
        market, steps = etl._look_at_market, []  # noqa: SLF001  where a step has written all but its commit

        def fails_in_the_third(*args: Any, **options: Any) -> int:
            steps.append(1)
            if len(steps) == 3:
                raise MemoryError
            return market(*args, **options)

        monkeypatch.setattr(etl, "_look_at_market", fails_in_the_third)
        with pytest.raises(MemoryError):
            run(crowd[0], now=at("2026-04-02 10:00"))
        assert len([who for who in crowd if read(who)]) == 4
        assert run(crowd[0], now=at("2026-04-02 10:00")).counts["wallets"] == 5
        stored = rows(crowd[0])
        run(crowd[0], now=at("2026-04-02 10:00"), rebuild=True)
        assert rows(crowd[0]) == stored
        assert len(stored) == 9 * 4

    def test_a_lost_connection_leaves_the_part_for_the_next_to_come(self, crowd: list[Person]) -> None:
        run(crowd[0])
        with sql("superuser") as superuser:
            superuser.execute("SELECT FROM insights_watermark WHERE tenant_id = %s FOR UPDATE", [crowd[0].tenant.id])
            run_id = runs.start(trigger=EtlRun.Trigger.SCHEDULE, only=crowd[0].tenant.id, now=clock.now())
            (part,) = runs.unfinished(run_id=run_id)
            problems: list[Exception] = []

            def go() -> None:
                try:
                    runs.work(part=part, clock=clock.now)
                except Exception as problem:  # noqa: BLE001  looked at below
                    problems.append(problem)
                finally:
                    connection.close()

            thread = threading.Thread(target=go)
            thread.start()
            _end_whoever_waits()
            thread.join()
        assert [type(problem).__name__ for problem in problems] == ["OperationalError"]
        assert runs.unfinished(run_id=run_id) == [part]
        assert "terminating connection" in (queries.run(run_id=run_id).error or "")
        assert runs.work(part=part, clock=clock.now)
        done = queries.run(run_id=run_id)
        assert (done.status, done.error) == ("succeeded", None)

    def test_running_again_writes_nothing(self, crowd: list[Person]) -> None:
        now = at("2026-04-02 10:00")
        run(crowd[0], now=now)
        with sql("superuser") as superuser:
            query = "SELECT xmin::text, * FROM insights_snapshot WHERE tenant_id = %s ORDER BY user_id, period_start"
            before = superuser.execute(query, [crowd[0].tenant.id]).fetchall()
        assert run(crowd[0], now=now).counts["snapshots"] == 0
        assert run(crowd[0], now=now, rebuild=True).counts["snapshots"] == 0
        with sql("superuser") as superuser:
            assert superuser.execute(query, [crowd[0].tenant.id]).fetchall() == before

    def test_impatience_stops_between_steps(self, crowd: list[Person], monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(etl, "WALLETS", 2)
        run_id = runs.start(trigger=EtlRun.Trigger.SCHEDULE, only=crowd[0].tenant.id, now=clock.now())
        (part,) = runs.unfinished(run_id=run_id)
        ticks = iter(at("2026-04-02 10:00") + timedelta(minutes=n) for n in range(100))
        calls = 1
        while not runs.work(part=part, clock=lambda: next(ticks), patience=timedelta(minutes=3)):
            calls += 1
        assert calls > 1
        assert queries.run(run_id=run_id).counts["wallets"] == 9

    def test_a_step_is_whole_or_not_at_all(self, alice: Person) -> None:
        alice.buy(grams="1")
        run(alice)
        alice.buy(grams="1")
        assert step(alice, now=clock.now()).wallets == 1
        assert step(alice, now=clock.now()) == etl.Step(0, 0, 0, None)


def _end_whoever_waits() -> None:
    """End the connection that waits for the watermark, as soon as it does."""
    with sql("superuser") as superuser:
        superuser.autocommit = True
        while not superuser.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE wait_event_type = 'Lock' AND query LIKE '%insights_watermark%' AND datname = current_database()"
        ).fetchall():
            superuser.execute("SELECT pg_sleep(0.02)")
