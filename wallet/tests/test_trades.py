"""``POST /wallet/buy`` and ``/wallet/sell``, row by row of the contract."""

import re
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest

from aurix import clock
from aurix.tests.attacks import sql
from aurix.tests.cast import Api, Person
from wallet.actions import prices

pytestmark = pytest.mark.usefixtures("both_ways")
BOTH = pytest.mark.parametrize("side", ["buy", "sell"])


def trade(person: Api, side: str, key: str = "", **order: Any) -> Any:
    return person.post(f"/wallet/{side}", order, Idempotency_Key=key or str(uuid4()))


def error(answer: Any) -> tuple[int, str]:
    body = answer.json()
    assert set(body["error"]) == {"code", "message", "details"}
    return answer.status_code, body["error"]["code"]


def balances(person: Person) -> tuple[str, str]:
    wallet = person.get("/wallet").json()
    return wallet["gold_balance_grams"], wallet["fiat_balance_eur"]


def set_price(price: str) -> None:
    prices.set_price(price=Decimal(price), now=clock.now())


class TestBuy:
    def test_answers_as_the_contract_says(self, alice: Person) -> None:
        answer = alice.buy(grams="1.25")
        assert answer.status_code == 200
        body = answer.json()
        UUID(body["transaction"].pop("id"))
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", body["transaction"].pop("created_at"))
        assert body == {
            "transaction": {
                "type": "buy",
                "gold_grams": "1.25000000",
                "price_eur_per_gram": "65.00000000",
                "gross_eur": "81.25",
                "fee_eur": "0.50",
                "total_eur": "81.75",
            },
            "wallet": {"gold_balance_grams": "1.25000000", "fiat_balance_eur": "9918.25"},
        }
        assert "Idempotency-Replayed" not in answer
        assert balances(alice) == ("1.25000000", "9918.25")

    def test_by_euros_costs_what_was_named(self, alice: Person) -> None:
        body = alice.buy(eur="1000").json()
        assert body["transaction"]["total_eur"] == "1000.00"
        assert body["transaction"]["gross_eur"] == "995.02"
        assert body["transaction"]["fee_eur"] == "4.98"
        assert body["transaction"]["gold_grams"] == "15.30800000"
        assert body["wallet"]["fiat_balance_eur"] == "9000.00"

    def test_can_spend_the_last_cent(self, alice: Person) -> None:
        assert alice.buy(eur="10000.00").json()["wallet"]["fiat_balance_eur"] == "0.00"

    def test_refuses_more_than_there_is(self, alice: Person) -> None:
        answer = alice.buy(eur="10000.01")
        assert error(answer) == (422, "insufficient_balance")
        assert answer.json()["error"]["details"] == {"required": "10000.01", "available": "10000.00"}
        assert balances(alice) == ("0.00000000", "10000.00")

    @pytest.mark.parametrize("order", [{"grams": "10000000001"}, {"eur": "10000000000000.01"}, {"grams": "9" * 40}])
    def test_refuses_what_no_trade_can_be(self, order: dict[str, str], alice: Person) -> None:
        assert error(alice.buy(**order)) == (422, "amount_above_maximum")

    def test_a_huge_order_is_short_of_balance(self, alice: Person) -> None:
        answer = alice.buy(grams="1000000")
        assert error(answer) == (422, "insufficient_balance")
        assert answer.json()["error"]["details"]["required"] == "65325000.00"

    def test_takes_the_price_and_the_fees_of_the_moment(self, alice: Person, tom: Person) -> None:
        set_price("70.12345678")
        fees = {"buy_fee_rate": "0.1", "sell_fee_rate": "0", "min_fee_eur_cents": 0}
        assert tom.put(f"/admin/tenants/{tom.tenant.id}/fees", fees).status_code == 200
        bought = alice.buy(grams="1").json()["transaction"]
        assert (bought["price_eur_per_gram"], bought["gross_eur"], bought["fee_eur"]) == (
            "70.12345678",
            "70.13",
            "7.01",
        )
        sold = alice.sell(grams="1").json()["transaction"]
        assert (sold["gross_eur"], sold["fee_eur"], sold["net_eur"]) == ("70.12", "0.00", "70.12")


class TestSell:
    def test_answers_as_the_contract_says(self, alice: Person) -> None:
        alice.buy(grams="2")
        body = alice.sell(grams="1.00000001").json()
        assert {
            name: body["transaction"][name] for name in ("type", "gold_grams", "gross_eur", "fee_eur", "net_eur")
        } == {
            "type": "sell",
            "gold_grams": "1.00000001",
            "gross_eur": "65.00",
            "fee_eur": "0.50",
            "net_eur": "64.50",
        }
        assert "total_eur" not in body["transaction"]
        assert body["wallet"] == {"gold_balance_grams": "0.99999999", "fiat_balance_eur": "9933.85"}

    def test_by_euros_receives_what_was_named(self, alice: Person) -> None:
        alice.buy(grams="20")
        sold = alice.sell(eur="1000.00").json()["transaction"]
        assert (sold["net_eur"], sold["gross_eur"], sold["fee_eur"]) == ("1000.00", "1005.03", "5.03")

    def test_refuses_more_than_there_is(self, alice: Person) -> None:
        alice.buy(grams="1")
        answer = alice.sell(grams="1.00000001")
        assert error(answer) == (422, "insufficient_gold")
        assert answer.json()["error"]["details"] == {"required": "1.00000001", "available": "1.00000000"}

    @pytest.mark.parametrize("grams", ["0.00000001", "0.00769230"])
    def test_refuses_what_the_fee_eats_up(self, grams: str, alice: Person) -> None:
        alice.buy(grams="1")
        assert error(alice.sell(grams=grams)) == (422, "amount_below_minimum")


@BOTH
class TestInput:
    @pytest.mark.parametrize(
        "text", ["0", "0.00", "-1", "+1", "1e2", "abc", "", " 1", "1.", ".5", "1,5", "NaN", "Infinity", "1.123456789"]
    )
    def test_refuses_what_is_no_amount(self, side: str, text: str, alice: Person) -> None:
        assert error(trade(alice, side, grams=text)) == (400, "invalid_amount")

    @pytest.mark.parametrize("text", ["0", "0.001", "1.123", "-5"])
    def test_refuses_what_are_no_euros(self, side: str, text: str, alice: Person) -> None:
        assert error(trade(alice, side, eur=text)) == (400, "invalid_amount")

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"grams": "1", "eur": "1"},
            {"grams": 1},
            {"grams": 1.25},
            {"grams": None},
            {"grams": True},
            {"grams": ["1"]},
            {"grams": {"a": 1}},
            {"eur": 10},
            {"quote_id": "x"},
            {"quote_id": 1},
            {"grams": "1", "tenant_id": "b0000000-0000-0000-0000-000000000002"},
            {"grams": "1", "note": "x"},
        ],
    )
    def test_refuses_a_body_of_another_shape(self, side: str, body: dict[str, Any], alice: Person) -> None:
        assert error(trade(alice, side, **body)) == (400, "bad_request")

    def test_names_the_unknown_field(self, side: str, alice: Person) -> None:
        refused = trade(alice, side, grams="1", note="x").json()["error"]
        assert "note" in refused["message"]
        assert "note" in refused["details"]["fields"]

    def test_knows_no_quote(self, side: str, alice: Person) -> None:
        assert error(trade(alice, side, quote_id=str(uuid4()))) == (422, "quote_not_found")

    def test_wants_a_key(self, side: str, alice: Person) -> None:
        assert error(alice.post(f"/wallet/{side}", {"grams": "1"})) == (400, "idempotency_key_required")

    @pytest.mark.parametrize("key", ["", "a b", "é", "x" * 129, "tab\there", "\x7f"])
    def test_refuses_a_malformed_key(self, side: str, key: str, alice: Person) -> None:
        answer = alice.post(f"/wallet/{side}", {"grams": "1"}, Idempotency_Key=key)
        assert error(answer) == (400, "invalid_idempotency_key")

    def test_wants_a_token(self, side: str, api: Api) -> None:
        assert error(trade(api, side, grams="1")) == (401, "unauthorized")

    def test_refuses_other_methods(self, side: str, alice: Person) -> None:
        answer = alice.get(f"/wallet/{side}")
        assert error(answer) == (405, "method_not_allowed")
        assert answer["Allow"] == "POST"


class TestIdempotency:
    def test_a_replay_is_the_first_answer_byte_for_byte(self, alice: Person) -> None:
        first = alice.buy("k-1", grams="1")
        alice.sell(grams="0.5")
        set_price("99")
        again = alice.buy("k-1", grams="1")
        assert (again.status_code, again.content) == (first.status_code, first.content)
        assert again["Idempotency-Replayed"] == "true"
        assert balances(alice)[0] == "0.50000000"

    def test_refuses_a_key_for_another_request(self, alice: Person) -> None:
        alice.buy("k-1", grams="1")
        assert error(alice.buy("k-1", grams="2")) == (422, "idempotency_key_reused")
        assert error(alice.buy("k-1", eur="65.50")) == (422, "idempotency_key_reused")
        assert balances(alice)[0] == "1.00000000"

    def test_a_key_belongs_to_user_and_operation(self, alice: Person, bob: Person, charlie: Person) -> None:
        answers = [person.buy("same", grams="1") for person in (alice, bob, charlie)] + [alice.sell("same", grams="1")]
        assert [answer.status_code for answer in answers] == [200] * 4
        assert all("Idempotency-Replayed" not in answer for answer in answers)

    def test_a_refused_attempt_leaves_the_key_unused(self, alice: Person) -> None:
        assert alice.sell("k-1", grams="1").status_code == 422
        alice.buy(grams="1")
        answer = alice.sell("k-1", grams="1")
        assert answer.status_code == 200
        assert "Idempotency-Replayed" not in answer

    def test_a_replay_answers_though_the_wallet_is_frozen_since(self, alice: Person) -> None:
        first = alice.buy("k-1", grams="1")
        freeze(alice)
        assert alice.buy("k-1", grams="1").content == first.content

    def test_what_is_compared_is_what_was_sent_whatever_the_order_of_bytes(self, alice: Person) -> None:
        first = alice.post("/wallet/buy", b'{"grams":"1"}', Idempotency_Key="k")
        again = alice.post("/wallet/buy", b'{ "grams" : "1" }', Idempotency_Key="k")
        assert again.content == first.content


def freeze(person: Person) -> None:
    with sql("superuser") as connection:
        connection.execute("UPDATE wallet_wallet SET frozen_reason = 'under review' WHERE id = %s", [person.wallet_id])


class TestStanding:
    @BOTH
    def test_refuses_a_frozen_wallet(self, side: str, alice: Person) -> None:
        alice.buy(grams="1")
        freeze(alice)
        assert error(trade(alice, side, grams="0.5")) == (403, "wallet_frozen")
        assert alice.get("/wallet").status_code == 200

    @BOTH
    def test_needs_a_price(self, side: str, alice: Person) -> None:
        with sql("superuser") as connection:
            connection.execute("SET session_replication_role = replica")
            connection.execute("DELETE FROM wallet_goldprice")
        assert error(trade(alice, side, grams="1")) == (503, "price_unavailable")

    @BOTH
    def test_counts_a_logout_at_once(self, side: str, alice: Person) -> None:
        assert alice.post("/auth/logout", {"refresh_token": alice.tokens["refresh_token"]}).status_code == 204
        assert error(trade(alice, side, grams="1")) == (401, "token_revoked")

    @BOTH
    def test_counts_a_deactivated_tenant_at_once(self, side: str, alice: Person, olivia: Person) -> None:
        assert olivia.post(f"/admin/tenants/{alice.tenant.id}/deactivate").status_code == 200
        assert error(trade(alice, side, grams="1")) == (403, "tenant_inactive")
        assert olivia.post(f"/admin/tenants/{alice.tenant.id}/activate").status_code == 200
        assert trade(alice, "buy", grams="1").status_code == 200


class TestOutbox:
    def test_every_entry_has_its_event(self, alice: Person) -> None:
        alice.buy(grams="1")
        alice.sell(grams="5")  # refused: leaves nothing
        with sql("superuser") as connection:
            events = connection.execute(
                "SELECT type, payload->>'number', payload->>'gold_balance_grams' FROM aurix_outbox "
                "WHERE subject_id = %s ORDER BY sequence",
                [alice.wallet_id],
            ).fetchall()
        assert events == [("wallet.opening", "1", "0.00000000"), ("wallet.buy", "2", "1.00000000")]
