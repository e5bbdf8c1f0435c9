"""GET /privacy/export, read against the database row by row."""

import csv
import io
import json
import zipfile
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch
from uuid import UUID

import pytest
from django.core.management import call_command

from aurix import clock
from aurix.tests.attacks import sql
from aurix.tests.cast import Api, Person
from privacy import archive
from privacy import records as registry
from privacy.actions import exports
from privacy.api import views
from privacy.classification import PERSONAL
from wallet.tests.cash import payments_of


def rows(statement: str, *values: Any) -> list[tuple[Any, ...]]:
    with sql("superuser") as everybody:
        return everybody.execute(statement, values).fetchall()


@pytest.fixture
def busy(alice: Person, bob: Person, olivia: Person) -> Person:
    """Alice with something in most tables, and Bob beside her."""
    for person in (alice, bob):
        payments_of(person, olivia)
        person.buy(eur="100.00")
        person.sell(grams="0.5")
    call_command("run_etl", tenant=alice.tenant.code)
    return alice


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two transactions are too many for an answer."""
    monkeypatch.setattr(views, "MOST", 1)


def prepared(person: Person) -> str:
    """A finished export's path."""
    answer = person.get("/privacy/export")
    assert answer.status_code == 202, answer.content
    body = answer.json()
    assert set(body) == {"status", "export_id", "status_url"}
    assert body["status"] == "preparing"
    for tenant_id, export_id in exports.unfinished():
        exports.make(tenant_id=tenant_id, export_id=export_id, clock=clock.now)
    return str(body["status_url"])


def file_of(path: str) -> Path:
    return archive.path_of(UUID(path.rpartition("/")[2]))


def unpacked(person: Person, path: str) -> dict[str, bytes]:
    answer = person.get(f"{path}/download")
    assert answer.status_code == 200, answer.content
    content = b"".join(answer.streaming_content)  # type: ignore[attr-defined]
    with zipfile.ZipFile(io.BytesIO(content)) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def refusal(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


class TestAnExportInOneAnswer:
    def test_is_what_the_contract_says(self, busy: Person) -> None:
        answer = busy.get("/privacy/export")
        assert answer.status_code == 200, answer.content
        assert answer.headers["Cache-Control"] == "no-store"
        body = answer.json()
        assert set(body) == {"user", "wallet", "transactions", "insights", "records", "exported_at"}
        assert body["user"].keys() == {"id", "email", "created_at"}
        assert (body["user"]["id"], body["user"]["email"]) == (str(busy.user_id), busy.email)
        assert body["wallet"] == busy.get("/wallet").json()
        assert body["transactions"] == busy.get("/transactions?limit=100").json()["items"]
        assert body["insights"] == busy.get("/insights?limit=50").json()["items"]
        assert body["insights"]

    @pytest.mark.parametrize(
        ("label", "statement"),
        [
            ("wallet.LedgerEntry", "SELECT l.id FROM wallet_ledger l WHERE wallet_id = %s ORDER BY number"),
            ("wallet.Withdrawal", "SELECT id FROM wallet_withdrawal WHERE wallet_id = %s ORDER BY id"),
            ("wallet.Deposit", "SELECT id FROM wallet_deposit WHERE wallet_id = %s ORDER BY id"),
            ("wallet.BankAccount", "SELECT id FROM wallet_bankaccount WHERE wallet_id = %s ORDER BY id"),
        ],
    )
    def test_has_each_row_of_the_wallet(self, label: str, statement: str, busy: Person) -> None:
        found = busy.get("/privacy/export").json()["records"][label]
        expected = [str(identifier) for (identifier,) in rows(statement, busy.wallet_id)]
        assert expected
        assert [row["id"] for row in found] == expected

    def test_has_the_ledger_as_it_is(self, busy: Person) -> None:
        found = busy.get("/privacy/export").json()["records"]["wallet.LedgerEntry"]
        expected = rows(
            "SELECT number, kind, cash_delta, gold_delta::text, cash_after, gold_after::text, encode(hash, 'hex') "
            "FROM wallet_ledger WHERE wallet_id = %s ORDER BY number",
            busy.wallet_id,
        )
        names = ("number", "kind", "cash_delta", "gold_delta", "cash_after", "gold_after", "hash")
        assert [tuple(row[name] for name in names) for row in found] == expected

    def test_has_every_table_that_is_about_persons(self, busy: Person) -> None:
        found = busy.get("/privacy/export").json()["records"]
        assert set(found) == set(PERSONAL)
        for label, table in PERSONAL.items():
            assert all(set(row) == set(table.exported) for row in found[label]), label

    def test_has_nothing_of_anybody_else_and_no_secret(self, busy: Person, bob: Person, charlie: Person) -> None:
        text = busy.get("/privacy/export").content.decode()
        for other in (bob, charlie):
            for mark in (other.email, other.user_id, other.wallet_id):
                assert str(mark) not in text
        ((password,),) = rows("SELECT password FROM accounts_user WHERE id = %s", busy.user_id)
        assert password not in text
        assert busy.tokens["refresh_token"] not in text

    def test_of_a_new_account_has_no_transactions(self, alice: Person) -> None:
        assert alice.get("/privacy/export").json()["transactions"] == []

    def test_wants_a_token(self, api: Api) -> None:
        assert refusal(api.get("/privacy/export")) == (401, "unauthorized")


@pytest.mark.usefixtures("few")
class TestALargeExport:
    def test_has_the_same_rows_as_json_and_as_csv(self, busy: Person) -> None:
        files = unpacked(busy, prepared(busy))
        assert set(files) == {"README.txt"} | {f"{label}.{kind}" for label in PERSONAL for kind in ("json", "csv")}
        person = registry.Person(busy.tenant.id, busy.user_id)
        for label, table in PERSONAL.items():
            found = json.loads(files[f"{label}.json"])
            if label != "privacy.Export":  # which has changed since
                assert found == json.loads(archive.plain(list(registry.of(person, label=label)))), label
            lines = list(csv.DictReader(io.StringIO(files[f"{label}.csv"].decode())))
            assert len(lines) == len(found), label
            assert all(list(line) == table.exported for line in lines)
        ledger = json.loads(files["wallet.LedgerEntry.json"])
        assert len(ledger) == rows("SELECT count(*) FROM wallet_ledger WHERE wallet_id = %s", busy.wallet_id)[0][0]

    def test_reads_past_its_batches(self, busy: Person, monkeypatch: pytest.MonkeyPatch) -> None:
        whole = unpacked(busy, prepared(busy))["wallet.LedgerEntry.json"]
        monkeypatch.setattr(registry, "BATCH", 2)
        assert unpacked(busy, prepared(busy))["wallet.LedgerEntry.json"] == whole

    def test_is_started_once_at_a_time(self, busy: Person) -> None:
        first, second = (busy.get("/privacy/export").json() for _ in range(2))
        assert first == second

    def test_tells_how_far_it_is(self, busy: Person) -> None:
        path = busy.get("/privacy/export").json()["status_url"]
        assert busy.get(path).json()["status"] == "preparing"
        assert busy.get(path).json()["download_url"] is None
        assert refusal(busy.get(f"{path}/download")) == (409, "export_not_ready")
        prepared(busy)
        assert busy.get(path).json()["status"] == "ready"
        assert busy.get(path).json()["download_url"] == f"{path}/download"

    def test_does_not_exist_for_others(self, busy: Person, bob: Person, charlie: Person, olivia: Person) -> None:
        path = prepared(busy)
        for stranger in (bob, charlie, olivia):
            assert refusal(stranger.get(path)) == (404, "not_found")
            assert refusal(stranger.get(f"{path}/download")) == (404, "not_found")
            assert refusal(stranger.delete(path)) == (404, "not_found")
        assert unpacked(busy, path)

    def test_is_gone_once_revoked(self, busy: Person) -> None:
        path = prepared(busy)
        file = file_of(path)
        assert file.stat().st_mode & 0o077 == 0
        for _ in range(2):
            assert busy.delete(path).status_code == 204
        assert not file.exists()
        assert busy.get(path).json()["status"] == "revoked"
        assert refusal(busy.get(f"{path}/download")) == (409, "export_not_ready")

    def test_is_gone_once_expired_before_and_after_the_sweep(self, busy: Person) -> None:
        path = prepared(busy)
        file = file_of(path)
        later = clock.now() + timedelta(days=30)
        export_id = file.stem
        with sql("superuser") as everybody:
            everybody.execute(
                "UPDATE privacy_export SET expires_at = now() - interval '1 s' WHERE id = %s", [export_id]
            )
        assert refusal(busy.get(f"{path}/download")) == (409, "export_not_ready")
        assert file.exists()  # the control
        exports.expire(now=later)
        assert not file.exists()
        assert busy.get(path).json()["status"] == "expired"

    def test_that_was_revoked_while_it_was_made_leaves_no_file(self, busy: Person) -> None:
        path = busy.get("/privacy/export").json()["status_url"]
        write = archive.write

        def slow(**arguments: Any) -> None:
            write(**arguments)
            assert busy.delete(path).status_code == 204

        with patch.object(archive, "write", slow):
            prepared(busy)
        assert not file_of(path).exists()
        assert busy.get(path).json()["status"] == "revoked"

    def test_that_fails_halfway_leaves_nothing_and_is_made_again(self, busy: Person) -> None:
        path = busy.get("/privacy/export").json()["status_url"]
        folder = file_of(path).parent
        before = set(folder.iterdir()) if folder.exists() else set()
        with patch.object(archive, "_rows", side_effect=OSError("disk full")), pytest.raises(OSError, match="full"):
            prepared(busy)
        assert set(folder.iterdir()) == before
        assert prepared(busy) == path
        assert unpacked(busy, path)


def test_cells_are_no_formulas() -> None:
    assert archive._cell("=1+1") == "'=1+1"  # noqa: SLF001  what a spreadsheet would run
    assert archive._cell(-5) == "-5"  # noqa: SLF001  a number is a number
