"""The ledger's rules against raw SQL: as the application's role, as the owner, and as a tampering superuser."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from django.core.management import CommandError, call_command

from aurix.ids import uuid7
from aurix.tests.attacks import sql, tampering
from aurix.tests.cast import Person
from wallet.actions import verification

INSERT = """
INSERT INTO wallet_ledger (id, tenant_id, wallet_id, kind, gold_delta, cash_delta, price, reference_price, gross, fee,
                           spread, idempotency_key, fingerprint, request_id, number, gold_after, cash_after,
                           created_at, previous_hash, hash)
VALUES (%(id)s, %(tenant_id)s, %(wallet_id)s, %(kind)s, %(gold_delta)s, %(cash_delta)s, %(price)s, %(price)s, %(gross)s,
        %(fee)s, %(spread)s, %(key)s, %(fingerprint)s, '', %(number)s, %(gold_after)s, %(cash_after)s,
        '2001-01-01T00:00:00Z', %(hash)s, %(hash)s)
"""


def entry(person: Person, **values: Any) -> dict[str, Any]:
    """A deposit of one euro that lies about everything the database decides, unless told otherwise."""
    plain = {
        "id": uuid7(),
        "tenant_id": person.tenant.id,
        "wallet_id": person.wallet_id,
        "kind": "deposit",
        "gold_delta": "0",
        "cash_delta": 100,
        "price": None,
        "gross": 100,
        "fee": 0,
        "spread": 0,
        "key": None,
        "fingerprint": None,
        "number": 77,
        "gold_after": "999",
        "cash_after": 99999999,
        "hash": b"\x00" * 32,
    }
    return plain | values


def wallet_row(person: Person) -> tuple[Any, ...]:
    with sql("superuser") as connection:
        query = "SELECT number, gold, cash, hash, updated_at FROM wallet_wallet WHERE id = %s"
        row = connection.execute(query, [person.wallet_id]).fetchone()
    assert row
    return tuple(row)


ROLES = pytest.mark.parametrize("role", ["app", "owner"])


class TestInsert:
    @ROLES
    def test_a_lying_insert_is_numbered_balanced_dated_and_hashed_by_the_database(
        self, role: str, alice: Person
    ) -> None:
        with sql(role, tenant_id=alice.tenant.id) as connection:
            connection.execute(INSERT, entry(alice))
            row = connection.execute(
                "SELECT number, gold_after, cash_after, created_at > now() - interval '1 minute' FROM wallet_ledger "
                "WHERE wallet_id = %s ORDER BY number DESC LIMIT 1",
                [alice.wallet_id],
            ).fetchone()
        assert row == (2, 0, 1_000_100, True)
        assert wallet_row(alice)[:3] == (2, 0, 1_000_100)
        assert verification.verify(tenant_id=alice.tenant.id).discrepancies == []

    @ROLES
    @pytest.mark.parametrize(
        ("rule", "values"),
        [
            (
                "wallet_nothing_negative|ledger_balances",
                {"kind": "withdrawal", "cash_delta": -1000001, "gross": 1000001},
            ),
            ("ledger_arithmetic", {"gross": 99}),
            ("ledger_arithmetic", {"kind": "withdrawal"}),
            ("ledger_arithmetic", {"kind": "opening"}),
            ("ledger_arithmetic", {"kind": "gift"}),
            ("ledger_fee", {"fee": -1, "gross": 99}),
            ("ledger_moves_something", {"kind": "adjustment", "cash_delta": 0, "gross": 0}),
            ("ledger_price_on_trades", {"price": "65"}),
            ("ledger_price_on_trades", {"spread": 5}),
            (
                "ledger_price_on_trades",
                {"kind": "buy", "gold_delta": "1", "cash_delta": -6550, "gross": 6500, "fee": 50},
            ),
            (
                "ledger_arithmetic",
                {"kind": "buy", "gold_delta": "1", "price": "65", "cash_delta": -6549, "gross": 6499, "fee": 50},
            ),
            (
                "ledger_arithmetic",
                {"kind": "buy", "gold_delta": "1", "price": "65", "cash_delta": 6550, "gross": 6500, "fee": 50},
            ),
            (
                "not_negative",
                {"kind": "sell", "gold_delta": "-1", "price": "65", "cash_delta": 6450, "gross": 6500, "fee": 50},
            ),
            ("ledger_key_with_fingerprint", {"key": "k"}),
            ("ledger_key_plain", {"key": "a b", "fingerprint": b"x"}),
        ],
    )
    def test_refuses_an_entry_that_does_not_add_up(
        self, role: str, rule: str, values: dict[str, Any], alice: Person
    ) -> None:
        before = wallet_row(alice)
        with (
            pytest.raises(psycopg.errors.CheckViolation, match=rule),
            sql(role, tenant_id=alice.tenant.id) as connection,
        ):
            connection.execute(INSERT, entry(alice, **values))
        assert wallet_row(alice) == before

    @ROLES
    def test_refuses_a_second_entry_under_one_key(self, role: str, alice: Person) -> None:
        with sql(role, tenant_id=alice.tenant.id) as connection:
            connection.execute(INSERT, entry(alice, key="k", fingerprint=b"f"))
        with pytest.raises(psycopg.errors.UniqueViolation), sql(role, tenant_id=alice.tenant.id) as connection:
            connection.execute(INSERT, entry(alice, key="k", fingerprint=b"f"))

    @ROLES
    def test_an_insert_that_a_conflict_drops_moves_no_money(self, role: str, alice: Person) -> None:
        with sql(role, tenant_id=alice.tenant.id) as connection:
            connection.execute(INSERT, entry(alice, key="k", fingerprint=b"f"))
            connection.execute(f"{INSERT} ON CONFLICT DO NOTHING", entry(alice, key="k", fingerprint=b"f"))
        assert wallet_row(alice)[0] == 2

    @ROLES
    def test_refuses_two_entries_of_a_wallet_in_one_statement(self, role: str, alice: Person) -> None:
        twice = INSERT.replace("VALUES", "SELECT").rstrip().replace("SELECT (", "SELECT ")[:-1]
        with pytest.raises(psycopg.errors.UniqueViolation), sql(role, tenant_id=alice.tenant.id) as connection:
            connection.execute(
                twice.replace("%(id)s", "gen_random_uuid()") + " FROM generate_series(1, 2)", entry(alice)
            )

    @ROLES
    def test_a_temporary_table_is_not_taken_for_the_wallet(self, role: str, alice: Person) -> None:
        with sql(role, tenant_id=alice.tenant.id) as connection:
            connection.execute("CREATE TEMPORARY TABLE wallet_wallet (LIKE public.wallet_wallet)")
            copy = "INSERT INTO pg_temp.wallet_wallet SELECT * FROM public.wallet_wallet WHERE id = %s"
            connection.execute(copy, [alice.wallet_id])
            connection.execute("UPDATE pg_temp.wallet_wallet SET cash = 99999999, gold = 99")
            connection.execute(INSERT, entry(alice))
        assert wallet_row(alice)[:3] == (2, 0, 1_000_100)
        assert verification.verify(tenant_id=alice.tenant.id).discrepancies == []

    @ROLES
    def test_refuses_another_tenant_s_wallet(self, role: str, alice: Person, charlie: Person) -> None:
        crossed = entry(alice, wallet_id=charlie.wallet_id)
        with pytest.raises(psycopg.errors.ForeignKeyViolation), sql(role, tenant_id=alice.tenant.id) as connection:
            connection.execute(INSERT, crossed)

    def test_the_application_cannot_write_for_another_tenant(self, alice: Person, charlie: Person) -> None:
        with pytest.raises(psycopg.errors.InsufficientPrivilege), sql("app", tenant_id=alice.tenant.id) as connection:
            connection.execute(INSERT, entry(charlie))


CHANGES = pytest.mark.parametrize(
    "statement",
    [
        "UPDATE wallet_ledger SET cash_delta = 1",
        "UPDATE wallet_ledger SET gross = gross WHERE false",
        "DELETE FROM wallet_ledger",
        "TRUNCATE wallet_ledger CASCADE",
        "TRUNCATE wallet_wallet CASCADE",
        "UPDATE wallet_goldprice SET price = 1",
        "DELETE FROM wallet_goldprice",
        "UPDATE tenants_terms SET min_fee_cents = 0",
        "DELETE FROM aurix_audit",
    ],
)


class TestAppendOnly:
    @ROLES
    @CHANGES
    def test_refuses_every_change(self, role: str, statement: str, alice: Person) -> None:
        before = wallet_row(alice)
        refusals = (psycopg.errors.InsufficientPrivilege, psycopg.errors.RestrictViolation)
        with pytest.raises(refusals), sql(role, tenant_id=alice.tenant.id) as connection:
            connection.execute(statement)
        assert wallet_row(alice) == before

    @ROLES
    @pytest.mark.parametrize("change", ["gold = 5", "cash = 5", "number = 9", "hash = '\\x00'", "updated_at = now()"])
    def test_refuses_a_balance_without_its_entry(self, role: str, change: str, alice: Person) -> None:
        refusals = (psycopg.errors.InsufficientPrivilege, psycopg.errors.RestrictViolation)
        with pytest.raises(refusals), sql(role, tenant_id=alice.tenant.id) as connection:
            connection.execute(f"UPDATE wallet_wallet SET {change} WHERE id = %s", [alice.wallet_id])

    @ROLES
    def test_refuses_a_wallet_that_opens_with_money(self, role: str, alice: Person) -> None:
        with pytest.raises(psycopg.errors.RestrictViolation), sql(role, tenant_id=alice.tenant.id) as connection:
            connection.execute(
                "INSERT INTO wallet_wallet (id, tenant_id, user_id, gold, cash, number, hash, frozen_reason, "
                "created_at, updated_at) VALUES (%s, %s, %s, 1, 1, 0, %s, '', now(), now())",
                [uuid4(), alice.tenant.id, uuid4(), b"\x00" * 32],
            )

    @ROLES
    def test_refuses_to_delete_a_wallet_with_history(self, role: str, alice: Person) -> None:
        refusals = (psycopg.errors.InsufficientPrivilege, psycopg.errors.ForeignKeyViolation)
        with pytest.raises(refusals), sql(role, tenant_id=alice.tenant.id) as connection:
            connection.execute("DELETE FROM wallet_wallet WHERE id = %s", [alice.wallet_id])

    def test_the_control_can_freeze_a_wallet(self, alice: Person) -> None:
        with sql("app", tenant_id=alice.tenant.id) as connection:
            changed = connection.execute(
                "UPDATE wallet_wallet SET frozen_reason = 'x' WHERE id = %s", [alice.wallet_id]
            )
            assert changed.rowcount == 1


def _edit(connection: psycopg.Connection, alice: Person) -> None:
    connection.execute(
        "UPDATE wallet_ledger SET spread = spread + 1 WHERE wallet_id = %s AND number = 2", [alice.wallet_id]
    )


def _rehash(connection: psycopg.Connection, alice: Person) -> None:
    """Change an amount and give the entry a fitting hash: the next one then does not follow."""
    _edit(connection, alice)
    connection.execute(
        "UPDATE wallet_ledger e SET hash = sha256(convert_to(wallet_ledger_canonical(e), 'UTF8')) "
        "WHERE wallet_id = %s AND number = 2",
        [alice.wallet_id],
    )


def _delete(connection: psycopg.Connection, alice: Person) -> None:
    connection.execute("DELETE FROM wallet_ledger WHERE wallet_id = %s AND number = 3", [alice.wallet_id])


def _cut(connection: psycopg.Connection, alice: Person) -> None:
    connection.execute("DELETE FROM wallet_ledger WHERE wallet_id = %s AND number = 4", [alice.wallet_id])


def _swap(connection: psycopg.Connection, alice: Person) -> None:
    for old, new in ((2, 102), (3, 2), (102, 3)):
        connection.execute(
            "UPDATE wallet_ledger SET number = %s WHERE wallet_id = %s AND number = %s", [new, alice.wallet_id, old]
        )


def _insert(connection: psycopg.Connection, alice: Person) -> None:
    connection.execute(INSERT, entry(alice, number=5, cash_after=1_000_100))


def _give(connection: psycopg.Connection, alice: Person) -> None:
    connection.execute("UPDATE wallet_wallet SET cash = cash + 1 WHERE id = %s", [alice.wallet_id])


def _backdate(connection: psycopg.Connection, alice: Person) -> None:
    connection.execute(
        "UPDATE wallet_ledger SET created_at = created_at - interval '1 day' WHERE wallet_id = %s AND number = 4",
        [alice.wallet_id],
    )


class TestVerifyLedger:
    @pytest.mark.parametrize(
        ("tamper", "number"),
        [(_edit, 2), (_rehash, 3), (_delete, 4), (_cut, 4), (_swap, 2), (_insert, 5), (_give, 4), (_backdate, 4)],
    )
    def test_names_the_first_broken_entry(
        self,
        tamper: Callable[[psycopg.Connection, Person], None],
        number: int,
        alice: Person,
        bob: Person,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        for eur in ("10.00", "20.00", "30.00"):
            assert alice.buy(eur=eur).status_code == 200
        assert bob.buy(eur="10.00").status_code == 200
        call_command("verify_ledger", tenant=alice.tenant.code)
        assert "2 wallets, 6 entries, 0 broken" in capsys.readouterr().out
        with tampering() as connection:
            tamper(connection, alice)
        with pytest.raises(CommandError):
            call_command("verify_ledger", tenant=alice.tenant.code)
        said = capsys.readouterr()
        assert f"wallet {alice.wallet_id} entry {number}:" in said.err
        assert str(bob.wallet_id) not in said.err

    def test_python_and_the_database_hash_alike(self, alice: Person) -> None:
        key = "".join(map(chr, range(0x21, 0x7F)))  # every character a key may have, quotes and backslash among them
        assert alice.buy(key=key, grams="1.5").status_code == 200
        assert alice.sell(grams="0.5").status_code == 200
        report = verification.verify(tenant_id=alice.tenant.id)
        assert (report.entries, report.discrepancies) == (3, [])


class TestJournal:
    def test_every_entry_s_legs_sum_to_zero_per_asset(self, alice: Person) -> None:
        alice.buy(grams="3.33333333")
        alice.sell(grams="1.11111111")
        with sql("superuser") as connection:
            legs = connection.execute(
                "SELECT entry_id, asset, sum(amount) FROM journal GROUP BY entry_id, asset HAVING sum(amount) <> 0"
            ).fetchall()
            seen = connection.execute("SELECT count(DISTINCT entry_id) FROM journal").fetchone()
            entries = connection.execute("SELECT count(*) FROM wallet_ledger").fetchone()
        assert legs == []
        assert seen == entries
