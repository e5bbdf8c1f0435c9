"""Held money: nobody but triggers sets it aside, and no entry spends it, by whatever path."""

import psycopg
import pytest

from aurix.tests.attacks import sql, tampering
from aurix.tests.cast import Person
from wallet.tests.test_ledger_invariants import INSERT, entry


def hold(person: Person, cents: int) -> None:
    """Set money aside behind the triggers' back."""
    with tampering() as connection:
        connection.execute("UPDATE wallet_wallet SET held = %s WHERE id = %s", [cents, person.wallet_id])


@pytest.mark.parametrize("role", ["app", "owner", "superuser"])
class TestHeld:
    def test_is_not_set_by_hand(self, role: str, alice: Person) -> None:
        refused = (psycopg.errors.InsufficientPrivilege, psycopg.errors.RestrictViolation)
        with pytest.raises(refused), sql(role, tenant_id=alice.tenant.id) as connection:
            connection.execute("UPDATE wallet_wallet SET held = 1 WHERE id = %s", [alice.wallet_id])

    def test_is_not_spent(self, role: str, alice: Person) -> None:
        hold(alice, 999_901)
        for cents, fits in ((99, True), (1, False)):
            values = entry(alice, kind="withdrawal", cash_delta=-cents, gross=cents)
            if fits:
                with sql(role, tenant_id=alice.tenant.id) as connection:
                    connection.execute(INSERT, values)
                continue
            with (
                pytest.raises(psycopg.errors.CheckViolation, match="wallet_nothing_negative"),
                sql(role, tenant_id=alice.tenant.id) as connection,
            ):
                connection.execute(INSERT, values)


def test_a_wallet_does_not_open_with_held_money(alice: Person) -> None:
    with (
        pytest.raises(psycopg.errors.RestrictViolation, match="opens empty"),
        sql("owner", tenant_id=alice.tenant.id) as connection,
    ):
        connection.execute(
            "INSERT INTO wallet_wallet (id, tenant_id, user_id, gold, cash, held, number, hash, frozen_reason, "
            "created_at, updated_at) VALUES (gen_random_uuid(), %s, gen_random_uuid(), 0, 0, 1, 0, "
            "decode(repeat('00', 32), 'hex'), '', now(), now())",
            [alice.tenant.id],
        )


def test_the_owner_sees_what_is_available(alice: Person) -> None:
    hold(alice, 1234)
    wallet = alice.get("/wallet").json()
    assert (wallet["fiat_balance_eur"], wallet["available_eur"]) == ("10000.00", "9987.66")
