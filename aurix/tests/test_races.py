"""Requests at once, through a real server. Every race has a control that shows the race can be lost."""

from collections import Counter
from uuid import uuid4

import httpx

from aurix.tests.attacks import sql
from aurix.tests.cast import PASSWORD, Person
from aurix.tests.live import LiveServer, at_once, buy, sell
from wallet.actions import verification


def entries(person: Person) -> int:
    """How many movements the ledger has for a person, the opening aside."""
    with sql("superuser") as connection:
        row = connection.execute(
            "SELECT count(*) FROM wallet_ledger WHERE wallet_id = %s AND kind <> 'opening'", [person.wallet_id]
        ).fetchone()
    assert row
    return int(row[0])


def assert_sound(person: Person) -> None:
    report = verification.verify(tenant_id=person.tenant.id)
    assert report.discrepancies == []


class TestOneKey:
    def test_fifty_parallel_buys_have_one_effect_and_one_answer(self, server: LiveServer, alice: Person) -> None:
        key = str(uuid4())
        with server.client(alice) as client:
            answers = at_once(50, lambda _: buy(client, key, eur="100.00"))
        assert {(answer.status_code, answer.content) for answer in answers} == {(200, answers[0].content)}
        assert Counter(answer.headers.get("Idempotency-Replayed") for answer in answers) == {None: 1, "true": 49}
        assert entries(alice) == 1
        assert_sound(alice)

    def test_the_control_with_fifty_keys_has_fifty_effects(self, server: LiveServer, alice: Person) -> None:
        with server.client(alice) as client:
            answers = at_once(50, lambda _: buy(client, eur="100.00"))
        assert len({answer.content for answer in answers}) == 50
        assert entries(alice) == 50
        assert_sound(alice)

    def test_one_key_for_different_orders_is_good_for_one(self, server: LiveServer, alice: Person) -> None:
        key = str(uuid4())
        with server.client(alice) as client:
            answers = at_once(20, lambda index: buy(client, key, eur=f"{index + 10}.00"))
        assert Counter(answer.status_code for answer in answers) == {200: 1, 422: 19}
        assert {answer.json()["error"]["code"] for answer in answers if answer.status_code == 422} == {
            "idempotency_key_reused"
        }
        assert entries(alice) == 1


class TestBalance:
    def test_fifty_parallel_buys_of_a_balance_for_ten(self, server: LiveServer, alice: Person) -> None:
        with server.client(alice) as client:
            answers = at_once(50, lambda _: buy(client, eur="1000.00"))
        assert Counter(answer.status_code for answer in answers) == {200: 10, 422: 40}
        assert alice.get("/wallet").json()["fiat_balance_eur"] == "0.00"
        assert entries(alice) == 10
        assert_sound(alice)

    def test_buys_and_sells_of_one_wallet(self, server: LiveServer, alice: Person) -> None:
        alice.buy(grams="10")
        with server.client(alice) as client:
            answers = at_once(40, lambda index: (buy if index % 2 else sell)(client, grams="1"))
        done = Counter((answer.json()["transaction"]["type"]) for answer in answers if answer.status_code == 200)
        assert done["buy"] == 20
        assert entries(alice) == 1 + done["buy"] + done["sell"]
        gold = float(alice.get("/wallet").json()["gold_balance_grams"])
        assert gold == 10 + done["buy"] - done["sell"]
        assert_sound(alice)

    def test_customers_do_not_wait_for_each_other(self, server: LiveServer, alice: Person, bob: Person) -> None:
        with sql("superuser") as connection, server.client(bob) as client:
            connection.execute("SELECT 1 FROM wallet_wallet WHERE id = %s FOR UPDATE", [alice.wallet_id])
            assert buy(client, grams="1").status_code == 200  # with alice's wallet locked all the time


class TestOppositeVerbs:
    def test_buys_against_a_change_of_password(self, server: LiveServer, alice: Person) -> None:
        change = {"current_password": PASSWORD, "new_password": "Other-Horse-43"}
        with server.client(alice) as client:

            def call(index: int) -> httpx.Response:
                return client.post("/auth/change-password", json=change) if index == 7 else buy(client, eur="1.00")

            answers = at_once(30, call)
            assert answers.pop(7).status_code == 204
            assert buy(client, eur="1.00").json()["error"]["code"] == "token_revoked"
        assert {answer.status_code for answer in answers} <= {200, 401}
        assert entries(alice) == sum(answer.status_code == 200 for answer in answers)
        assert_sound(alice)

    def test_buys_against_the_deactivation_of_the_tenant(
        self, server: LiveServer, charlie: Person, olivia: Person
    ) -> None:
        with server.client(charlie) as client, server.client(olivia) as admin:

            def call(index: int) -> httpx.Response:
                if index == 7:
                    return admin.post(f"/admin/tenants/{charlie.tenant.id}/deactivate")
                return buy(client, eur="1.00")

            answers = at_once(30, call)
            assert answers.pop(7).status_code == 200
            assert buy(client, eur="1.00").json()["error"]["code"] == "tenant_inactive"
        assert {answer.status_code for answer in answers} <= {200, 403}
        assert entries(charlie) == sum(answer.status_code == 200 for answer in answers)
        assert_sound(charlie)

    def test_two_changes_of_one_password_have_one_winner(self, server: LiveServer, alice: Person) -> None:
        with server.client(alice) as client:
            answers = at_once(
                6,
                lambda index: client.post(
                    "/auth/change-password",
                    json={"current_password": PASSWORD, "new_password": f"Other-Horse-{index}"},
                ),
            )
        assert Counter(answer.status_code for answer in answers) == {204: 1, 401: 5}

    def test_prices_set_at_once_are_all_in_the_history(self, server: LiveServer, olivia: Person, alice: Person) -> None:
        with server.client(olivia) as client:
            prices = [f"{70 + index}.00" for index in range(10)]
            answers = at_once(10, lambda index: client.post("/admin/gold-price", json={"price_eur": prices[index]}))
        assert {answer.status_code for answer in answers} == {200}
        with sql("superuser") as connection:
            history = connection.execute(
                "SELECT price FROM wallet_goldprice WHERE set_by = %s ORDER BY id", [olivia.user_id]
            ).fetchall()
        assert len(history) == 10
        assert alice.get("/wallet").json()["gold_price_eur"] == f"{history[-1][0]:.8f}"
