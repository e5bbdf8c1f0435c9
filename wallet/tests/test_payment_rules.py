"""What the database itself refuses of deposits, withdrawals and bank lines, whoever writes."""

from typing import Any

import psycopg
import pytest

from aurix.tests.attacks import sql, tampering
from aurix.tests.cast import Person
from wallet.actions import verification
from wallet.tests.cash import announce, exported, register, verb, withdraw

REFUSED = (
    psycopg.errors.RestrictViolation,
    psycopg.errors.CheckViolation,
    psycopg.errors.InsufficientPrivilege,
    psycopg.errors.ForeignKeyViolation,
)
ROLES = pytest.mark.parametrize("role", ["app", "owner"])


def change(role: str, person: Person, table: str, row: Any, what: str, *values: Any) -> None:
    with sql(role, tenant_id=person.tenant.id) as connection:
        done = connection.execute(f"UPDATE {table} SET {what} WHERE id = %s", [*values, row["id"]])
        assert done.rowcount == 1
        connection.execute("SET CONSTRAINTS ALL IMMEDIATE")  # what a commit checks


@ROLES
class TestWithdrawals:
    @pytest.mark.parametrize("status", ["approved", "exported", "settled", "returned", "requested2", ""])
    def test_take_no_step_without_what_it_needs(self, role: str, status: str, alice: Person) -> None:
        register(alice)
        row = withdraw(alice, "1.00").json()
        with pytest.raises(REFUSED):
            change(role, alice, "wallet_withdrawal", row, "status = %s", status)

    @pytest.mark.parametrize(
        "what", ["cents = 1", "iban = 'NL91ABNA0417164300'", "holder_name = 'X'", "approvals_needed = 2",
                 "wallet_id = gen_random_uuid()", "user_id = gen_random_uuid()", "created_at = now()"],
    )  # fmt: skip
    def test_stay_what_was_agreed(self, role: str, what: str, alice: Person) -> None:
        register(alice)
        row = withdraw(alice, "5.00").json()
        with pytest.raises(REFUSED):
            change(role, alice, "wallet_withdrawal", row, what)

    def test_are_not_approved_by_their_owner(self, role: str, alice: Person, tom: Person) -> None:
        register(alice)
        row = withdraw(alice, "5.00").json()
        with pytest.raises(REFUSED):
            change(role, alice, "wallet_withdrawal", row, "status = 'approved', approved_by = %s", alice.user_id)
        change(role, alice, "wallet_withdrawal", row, "status = 'approved', approved_by = %s", tom.user_id)  # control

    def test_are_not_settled_without_their_entry(self, role: str, alice: Person, tom: Person) -> None:
        row = exported(alice, tom)
        with pytest.raises(REFUSED, match="without an entry"):
            change(role, alice, "wallet_withdrawal", row, "status = 'settled'")
        bought = alice.buy(eur="100.00").json()["transaction"]["id"]
        with pytest.raises(REFUSED, match="not its own"):
            change(role, alice, "wallet_withdrawal", row, "status = 'settled', entry_id = %s", bought)

    def test_do_not_come_back_to_life(self, role: str, alice: Person) -> None:
        register(alice)
        row = withdraw(alice, "5.00").json()
        alice.post(f"/withdrawals/{row['id']}/cancel")
        with pytest.raises(REFUSED):
            change(role, alice, "wallet_withdrawal", row, "status = 'requested'")

    @pytest.mark.parametrize("table", ["wallet_withdrawal", "wallet_deposit", "wallet_bankline", "wallet_answer"])
    def test_nothing_is_deleted(self, role: str, table: str, alice: Person) -> None:
        for statement in (f"DELETE FROM {table}", f"TRUNCATE {table} CASCADE"):
            with pytest.raises(REFUSED), sql(role, tenant_id=alice.tenant.id) as connection:
                connection.execute(statement)


@ROLES
class TestDeposits:
    def test_are_not_received_without_their_entry(self, role: str, alice: Person, tom: Person) -> None:
        row, other = announce(alice, "5.00").json(), announce(alice, "5.00").json()
        received = "status = 'received', received_cents = 500, entry_id = %s"
        with pytest.raises(REFUSED):
            change(role, alice, "wallet_deposit", row, "status = 'received'")
        bought = alice.buy(eur="5.00").json()["transaction"]["id"]
        with pytest.raises(REFUSED, match="no entry of its amount"):
            change(role, alice, "wallet_deposit", row, received, bought)
        booked = verb(tom, "deposits", other, "receive", {}).json()["transaction_id"]
        with pytest.raises(psycopg.errors.UniqueViolation):
            change(role, alice, "wallet_deposit", row, received, booked)

    def test_stay_received(self, role: str, alice: Person, tom: Person) -> None:
        row = announce(alice, "5.00").json()
        verb(tom, "deposits", row, "receive", {})
        for what in ("status = 'announced', received_cents = NULL, entry_id = NULL", "note = 'x'"):
            with pytest.raises(REFUSED):
                change(role, alice, "wallet_deposit", row, what)


class TestHolds:
    def test_are_part_of_reconciliation(self, alice: Person) -> None:
        register(alice)
        withdraw(alice, "5.00")
        assert verification.verify(tenant_id=alice.tenant.id).discrepancies == []
        with tampering() as connection:
            connection.execute("UPDATE wallet_wallet SET held = 499 WHERE id = %s", [alice.wallet_id])
        (found,) = verification.verify(tenant_id=alice.tenant.id).discrepancies
        assert (found.wallet_id, found.what) == (alice.wallet_id, "499 cents are held, for withdrawals of 500")
