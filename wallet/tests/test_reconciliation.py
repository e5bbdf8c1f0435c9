"""Reconciliation against tampering by the database's superuser, below every trigger and right."""

import threading
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connections
from django.test import Client

from aurix import clock
from aurix.tenancy import platform_scope
from aurix.tests.attacks import sql, tampering
from aurix.tests.cast import PASSWORD, Person
from tenants.queries import TenantView
from wallet import tasks
from wallet.actions import reconciliation
from wallet.models import Discrepancy, Reconciliation

Found = set[tuple[UUID | None, int, str]]

DEARER = (
    "UPDATE wallet_ledger SET fee = fee + 1, cash_delta = cash_delta - 1"
    " WHERE wallet_id = '{wallet}' AND number = {number}"
)
"""An entry that says something else, and is lawful in itself: the check ledger_lawful binds superusers too."""

REHASH = """
DO $$ DECLARE
    e wallet_ledger; before bytea := decode(repeat('00', 32), 'hex'); gold numeric := 0; cash bigint := 0;
BEGIN
    FOR e IN SELECT * FROM wallet_ledger WHERE wallet_id = '{wallet}' ORDER BY number LOOP
        gold := gold + e.gold_delta; cash := cash + e.cash_delta;
        e.gold_after := gold; e.cash_after := cash; e.previous_hash := before;
        before := sha256(convert_to(wallet_ledger_canonical(e), 'UTF8'));
        UPDATE wallet_ledger SET previous_hash = e.previous_hash, hash = before, gold_after = gold, cash_after = cash
         WHERE tenant_id = e.tenant_id AND id = e.id;
    END LOOP;
    UPDATE wallet_wallet SET gold = (SELECT gold_after FROM wallet_ledger WHERE hash = before),
           cash = (SELECT cash_after FROM wallet_ledger WHERE hash = before), hash = before WHERE id = '{wallet}';
END $$
"""
"""Makes a whole history agree with itself again: the best that a forger can do."""


def run(tenant: TenantView, *, full: bool = False) -> Found:
    """Reconcile a tenant; what was found."""
    run_id = reconciliation.request(full=full, tenant_id=tenant.id, now=clock.now())
    record = reconciliation.run(run_id=run_id, clock=clock.now)
    with platform_scope("look at discrepancies"):
        rows = Discrepancy.objects.filter(run_id=run_id)
        found = {(row.wallet_id, row.number, row.check_name) for row in rows}
        assert record.discrepancies == rows.count()
    assert record.status == ("discrepancies" if found else "succeeded")
    return found


def tamper(*statements: str) -> None:
    with tampering() as connection:
        for statement in statements:
            assert connection.execute(statement).rowcount != 0  # else nothing was tampered with


@pytest.fixture
def trader(alice: Person, bob: Person) -> Person:
    """Someone with six entries in a tenant where others trade too, all of them verified."""
    for person in (alice, bob):
        for _ in range(5):
            assert person.buy(grams="0.5").status_code == 200
    assert run(alice.tenant) == set()
    return alice


class TestNothingWrong:
    def test_is_found_in_what_the_application_does(self, alice: Person, bob: Person) -> None:
        for person in (alice, bob):
            person.buy(grams="2")
            person.sell(grams="0.5")
        for full in (False, True, False):
            assert run(alice.tenant, full=full) == set()

    def test_and_an_incremental_run_looks_only_at_what_moved(self, trader: Person) -> None:
        trader.buy(grams="1")
        run_id = reconciliation.request(full=False, tenant_id=trader.tenant.id, now=clock.now())
        record = reconciliation.run(run_id=run_id, clock=clock.now)
        assert (record.wallets, record.entries) == (1, 1)

    def test_is_found_while_others_trade(self, alice: Person, bob: Person) -> None:
        stop = threading.Event()

        def trade(person: Person) -> int:
            count = 0
            while not stop.is_set():
                count += person.buy(grams="0.01").status_code == 200
            connections.close_all()
            return count

        with ThreadPoolExecutor(2) as threads:
            trading = [threads.submit(trade, person) for person in (alice, bob)]
            try:
                found = [run(alice.tenant, full=number % 2 == 0) for number in range(10)]
            finally:
                stop.set()
            assert all(future.result() for future in trading)
        assert found == [set()] * 10

    def test_two_runs_at_once_do_no_harm(self, trader: Person) -> None:
        trader.buy(grams="1")

        def reconcile(full: bool) -> Found:  # noqa: FBT001  mapped over
            try:
                return run(trader.tenant, full=full)
            finally:
                connections.close_all()

        with ThreadPoolExecutor(4) as threads:
            assert list(threads.map(reconcile, [False, True, False, True])) == [set()] * 4


class TestTampering:
    @pytest.mark.parametrize(
        ("number", "checks", "statement"),
        [
            (3, {"chain"}, DEARER.format(wallet="{wallet}", number=3)),
            (3, {"chain"}, "UPDATE wallet_ledger SET created_at = now() WHERE wallet_id = '{wallet}' AND number = 3"),
            (4, {"chain"}, "DELETE FROM wallet_ledger WHERE wallet_id = '{wallet}' AND number = 4"),
            (
                2,
                {"chain"},
                "UPDATE wallet_ledger SET number = CASE number WHEN 2 THEN 1003 ELSE 2 END"
                " WHERE wallet_id = '{wallet}' AND number IN (2, 3)",
            ),
            (
                7,
                {"head", "outbox"},
                "INSERT INTO wallet_ledger SELECT (e).* FROM (SELECT jsonb_populate_record(l, jsonb_build_object("
                "'id', gen_random_uuid(), 'number', 7, 'idempotency_key', gen_random_uuid())) AS e FROM wallet_ledger l"
                " WHERE wallet_id = '{wallet}' AND number = 6) made",
            ),
            (6, {"head"}, "DELETE FROM wallet_ledger WHERE wallet_id = '{wallet}' AND number = 6"),
            (4, {"head"}, "DELETE FROM wallet_ledger WHERE wallet_id = '{wallet}' AND number > 3"),
            (1, {"head"}, "DELETE FROM wallet_ledger WHERE wallet_id = '{wallet}'"),
            (6, {"head"}, "UPDATE wallet_wallet SET cash = cash + 100 WHERE id = '{wallet}'"),
            (0, {"holds"}, "UPDATE wallet_wallet SET held = 100 WHERE id = '{wallet}'"),
        ],
        ids=["change", "redate", "delete", "reorder", "insert", "cut off the last", "cut off the tail", "delete all",
             "give money", "hold money"],
    )  # fmt: skip
    def test_is_found_and_named_by_a_full_run(
        self, number: int, checks: set[str], statement: str, trader: Person, bob: Person
    ) -> None:
        tamper(statement.format(wallet=trader.wallet_id))
        found = run(trader.tenant, full=True)
        assert {wallet for wallet, _, _ in found} == {trader.wallet_id}
        assert checks <= {check for _, _, check in found}
        assert number in {at for _, at, check in found if check in checks}
        assert bob.buy(grams="0.1").status_code == 200  # nobody else's affair

    def test_with_the_newest_entries_is_found_by_an_incremental_run(self, trader: Person) -> None:
        trader.buy(grams="1")
        tamper(DEARER.format(wallet=trader.wallet_id, number=7))
        assert (trader.wallet_id, 7, "chain") in run(trader.tenant)

    def test_that_forges_the_whole_history_does_not_match_what_was_verified(self, trader: Person) -> None:
        tamper(
            f"UPDATE wallet_ledger SET cash_delta = cash_delta + 50, fee = fee - 50"
            f" WHERE wallet_id = '{trader.wallet_id}' AND number = 3",
            REHASH.format(wallet=trader.wallet_id),
        )
        assert run(trader.tenant, full=True) == {(trader.wallet_id, 6, "verified")}

    def test_of_what_was_verified_is_found_by_the_full_run_alone(self, trader: Person) -> None:
        tamper(DEARER.format(wallet=trader.wallet_id, number=3))
        assert run(trader.tenant) == set()  # the control: this is why there is a full run
        assert run(trader.tenant, full=True) == {(trader.wallet_id, 3, "chain")}

    def test_with_the_mark_is_found(self, trader: Person) -> None:
        tamper(f"UPDATE wallet_verified_head SET hash = sha256('x') WHERE id = '{trader.wallet_id}'")
        assert (trader.wallet_id, 6, "verified") in run(trader.tenant, full=True)

    def test_with_the_mark_hides_nothing_from_the_full_run(self, trader: Person) -> None:
        trader.buy(grams="1")
        tamper(
            DEARER.format(wallet=trader.wallet_id, number=7),
            f"UPDATE wallet_verified_head v SET number = w.number, gold = w.gold, cash = w.cash, hash = w.hash"
            f" FROM wallet_wallet w WHERE w.id = v.id AND v.id = '{trader.wallet_id}'",
        )
        assert run(trader.tenant) == set()
        assert (trader.wallet_id, 7, "chain") in run(trader.tenant, full=True)

    def test_with_the_outbox_is_found(self, trader: Person) -> None:
        body = trader.buy(grams="1").json()
        tamper(f"DELETE FROM aurix_outbox WHERE payload ->> 'entry_id' = '{body['transaction']['id']}'")
        assert run(trader.tenant) == {(trader.wallet_id, 7, "outbox")}

    def test_that_leaves_entries_without_a_wallet_is_found(self, trader: Person) -> None:
        tamper(f"DELETE FROM wallet_wallet WHERE id = '{trader.wallet_id}'")
        assert run(trader.tenant, full=True) == {(trader.wallet_id, 1, "orphans")}


class TestWhatIsBroken:
    @pytest.fixture
    def broken(self, trader: Person) -> Person:
        tamper(f"UPDATE wallet_wallet SET cash = cash + 100 WHERE id = '{trader.wallet_id}'")
        assert run(trader.tenant)
        return trader

    def test_is_frozen_and_can_still_be_read(self, broken: Person) -> None:
        assert broken.buy(grams="0.1").json()["error"]["code"] == "wallet_frozen"
        assert broken.get("/wallet").status_code == 200
        assert broken.get("/transactions").status_code == 200

    def test_is_told_to_the_world_once(self, broken: Person) -> None:
        assert run(broken.tenant)
        with sql("superuser") as connection:
            events = connection.execute(
                "SELECT payload FROM aurix_outbox WHERE subject_id = %s AND type = 'reconciliation.discrepancy'",
                [broken.wallet_id],
            ).fetchall()
        (payload,) = events[0]
        assert len(events) == 1
        assert (payload["wallet_id"], payload["frozen"]) == (str(broken.wallet_id), True)
        assert payload["check"] == "head"
        assert "cents" in payload["expected"]

    def test_is_not_repaired(self, broken: Person) -> None:
        assert run(broken.tenant)
        assert broken.get("/wallet").json()["fiat_balance_eur"] == "9836.00"

    def test_is_not_taken_for_verified(self, broken: Person) -> None:
        with sql("superuser") as connection:
            marked = connection.execute(
                "SELECT cash FROM wallet_verified_head WHERE id = %s", [broken.wallet_id]
            ).fetchone()
        assert marked == (983500,)


class TestRuns:
    def test_are_done_once(self, trader: Person) -> None:
        run_id = reconciliation.request(full=True, tenant_id=trader.tenant.id, now=clock.now())
        first = reconciliation.run(run_id=run_id, clock=clock.now)
        assert reconciliation.run(run_id=run_id, clock=clock.now).finished_at == first.finished_at

    def test_that_were_killed_are_given_up(self, tenant: TenantView) -> None:
        run_id = reconciliation.request(full=True, tenant_id=tenant.id, now=clock.now())
        with platform_scope("kill a run"):
            Reconciliation.objects.filter(id=run_id).update(status="running", started_at="2026-01-01T00:00:00Z")
        assert run(tenant) == set()
        with platform_scope("look at it"):
            assert Reconciliation.objects.get(id=run_id).status == "failed"

    def test_from_the_schedule_leave_a_record(self) -> None:
        before = _runs()
        tasks.reconcile()
        assert _runs() == before + 1

    def test_by_command_fail_when_something_is_broken(self, trader: Person, capsys: pytest.CaptureFixture[str]) -> None:
        call_command("reconcile", "--tenant", trader.tenant.code)
        assert "0 discrepancies" in capsys.readouterr().out
        tamper(f"UPDATE wallet_wallet SET gold = gold + 1 WHERE id = '{trader.wallet_id}'")
        with pytest.raises(CommandError):
            call_command("reconcile", "--tenant", trader.tenant.code)
        assert str(trader.wallet_id) in capsys.readouterr().err
        with pytest.raises(CommandError, match="no tenant"):
            call_command("reconcile", "--tenant", "nobody")

    @pytest.mark.parametrize("table", ["wallet_reconciliation", "wallet_discrepancy", "wallet_verified_head"])
    def test_cannot_be_written_by_who_serves_customers(self, table: str, trader: Person) -> None:
        for statement in (f"INSERT INTO {table} DEFAULT VALUES", f"DELETE FROM {table}"):
            with (
                pytest.raises(psycopg.errors.InsufficientPrivilege),
                sql("app", tenant_id=trader.tenant.id) as connection,
            ):
                connection.execute(statement)


def _runs() -> int:
    with platform_scope("count runs"):
        return Reconciliation.objects.count()


class TestPages:
    @pytest.fixture
    def office(self, olivia: Person) -> Client:
        client = Client()
        client.post("/backoffice/login/", {"username": olivia.email, "password": PASSWORD})
        return client

    def test_ask_for_a_run_and_show_what_it_found(
        self, office: Client, trader: Person, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        tamper(f"UPDATE wallet_wallet SET gold = gold + 1 WHERE id = '{trader.wallet_id}'")
        asked: list[str] = []
        monkeypatch.setattr(tasks, "announce", lambda run_id: asked.append(str(run_id)))
        last = reconciliation.request(full=False, tenant_id=trader.tenant.id, now=clock.now())
        form = {"action": "again_fully", "_selected_action": str(last)}
        assert b"Asked for run" in office.post("/backoffice/wallet/reconciliation/", form, follow=True).content
        (run_id,) = asked
        tasks.reconcile(run_id=run_id)
        page = office.get(f"/backoffice/wallet/reconciliation/{run_id}/change/").content.decode()
        assert "something does not agree" in page
        listed = office.get(f"/backoffice/wallet/discrepancy/?q={trader.wallet_id}").content.decode()
        assert str(trader.wallet_id) in listed

    def test_edit_nothing(self, office: Client, tenant: TenantView) -> None:
        run_id = reconciliation.request(full=False, tenant_id=tenant.id, now=clock.now())
        path = f"/backoffice/wallet/reconciliation/{run_id}"
        assert office.post(f"{path}/change/", {"status": "succeeded"}).status_code == 403
        assert office.post(f"{path}/delete/", {"post": "yes"}).status_code == 403
        assert office.get("/backoffice/wallet/discrepancy/add/").status_code == 403
