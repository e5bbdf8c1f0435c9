"""Trades that are computed from the market last seen, in one round trip: the market may have moved since."""

import threading
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext

from aurix import clock
from aurix.tests.attacks import sql
from aurix.tests.cast import Person
from wallet import markets
from wallet.actions import prices


def set_price(price: str) -> None:
    prices.set_price(price=Decimal(price), now=clock.now())


def sent(person: Person, **order: Any) -> tuple[Any, list[str]]:
    """The answer to a buy, and what went to the database for it."""
    with CaptureQueriesContext(connection) as queries:
        answer = person.buy(**order)
    return answer, [query["sql"] for query in queries]


@pytest.fixture
def trader(alice: Person) -> Person:
    """Someone in whose tenant this process has just traded."""
    assert alice.buy(grams="1").status_code == 200
    return alice


class TestRoundTrips:
    def test_the_first_trade_of_a_process_takes_two_begin_and_commit_included(self, alice: Person) -> None:
        answer, statements = sent(alice, grams="0.1")
        assert answer.status_code == 200
        assert len(statements) == 2, statements
        assert statements[0].startswith("BEGIN;")
        assert statements[1].endswith(";COMMIT")

    @pytest.mark.parametrize("order", [{"grams": "0.1"}, {"eur": "10.00"}])
    def test_every_other_takes_one(self, order: dict[str, str], trader: Person) -> None:
        answer, statements = sent(trader, **order)
        assert answer.status_code == 200
        assert len(statements) == 1, statements

    def test_after_a_change_of_price_one_trade_goes_to_the_desk(self, trader: Person) -> None:
        set_price("70")
        counts = [len(sent(trader, grams="0.1")[1]) for _ in range(3)]
        assert counts == [3, 1, 1]


class TestTheMarketMoved:
    def test_and_the_new_price_counts(self, trader: Person) -> None:
        set_price("70")
        assert trader.buy(grams="1").json()["transaction"]["gross_eur"] == "70.00"

    def test_and_the_new_fee_counts(self, trader: Person, tom: Person) -> None:
        fees = {"buy_fee_rate": "0.5", "sell_fee_rate": "0", "min_fee_eur_cents": 0}
        assert tom.put(f"/admin/tenants/{tom.tenant.id}/fees", fees).status_code == 200
        assert trader.buy(grams="1").json()["transaction"]["fee_eur"] == "32.50"

    def test_and_what_was_too_little_before_is_enough_now(self, trader: Person) -> None:
        assert trader.sell(grams="0.005").status_code == 422
        set_price("650")
        assert trader.sell(grams="0.005").json()["transaction"]["net_eur"] == "2.75"

    def test_and_what_could_be_afforded_before_cannot_now(self, trader: Person) -> None:
        set_price("10000")
        answer = trader.buy(grams="1")
        assert answer.status_code == 422
        assert answer.json()["error"]["code"] == "insufficient_balance"
        assert answer.json()["error"]["details"]["required"] == "10050.00"

    def test_and_a_price_that_is_back_where_it_was_is_another_one(self, trader: Person) -> None:
        set_price("70")
        set_price("65")
        answer, statements = sent(trader, grams="0.1")
        assert answer.status_code == 200
        assert len(statements) == 3, statements

    def test_while_it_is_traded_no_wallet_goes_back_to_an_earlier_price(self, trader: Person, bob: Person) -> None:
        stop = threading.Event()

        def move() -> None:
            for step in range(1, 40):
                set_price(f"{65 + step}")
            stop.set()
            connections.close_all()

        def trade(person: Person) -> int:
            done = 0
            while not stop.is_set():
                done += person.buy(grams="0.01").status_code == 200
            connections.close_all()
            return done

        with ThreadPoolExecutor(3) as threads:
            trading = [threads.submit(trade, person) for person in (trader, bob)]
            threads.submit(move).result()
            assert all(future.result() for future in trading)
        with sql("superuser") as connection:
            for person in (trader, bob):
                found = connection.execute(
                    "SELECT price, price >= lag(price, 1, 0) OVER (ORDER BY number) FROM wallet_ledger"
                    " WHERE wallet_id = %s AND kind = 'buy'",
                    [person.wallet_id],
                ).fetchall()
                assert all(rising for _, rising in found)
                assert len({price for price, _ in found}) > 1  # else the market stood still


class TestNothingIsWritten:
    def test_for_a_key_that_was_used(self, trader: Person) -> None:
        key = str(uuid4())
        first = trader.buy(key, grams="0.1")
        again = trader.buy(key, grams="0.1")
        assert again["Idempotency-Replayed"] == "true"
        assert again.content == first.content
        assert trader.buy(key, grams="0.2").json()["error"]["code"] == "idempotency_key_reused"

    def test_into_a_frozen_wallet(self, trader: Person) -> None:
        with sql("superuser") as connection:
            connection.execute("UPDATE wallet_wallet SET frozen_reason = 'looked at' WHERE id = %s", [trader.wallet_id])
        assert trader.buy(grams="0.1").json()["error"]["code"] == "wallet_frozen"

    def test_out_of_what_is_held(self, trader: Person) -> None:
        with sql("superuser") as connection:
            connection.execute("SET session_replication_role = replica")
            connection.execute("UPDATE wallet_wallet SET held = cash - 699 WHERE id = %s", [trader.wallet_id])
        answer = trader.buy(grams="0.1")
        assert answer.status_code == 422
        assert answer.json()["error"]["details"] == {"required": "7.00", "available": "6.99"}
        assert trader.buy(eur="6.99").status_code == 200

    def test_for_who_has_logged_out(self, trader: Person) -> None:
        trader.post("/auth/logout", {"refresh_token": trader.tokens["refresh_token"]})
        assert trader.buy(grams="0.1").json()["error"]["code"] == "token_revoked"

    def test_for_a_tenant_that_is_unknown_here(self, trader: Person, charlie: Person) -> None:
        assert markets.last_seen(tenant_id=charlie.tenant.id) is None
        assert charlie.buy(grams="0.1").status_code == 200
        assert markets.last_seen(tenant_id=charlie.tenant.id) is not None
