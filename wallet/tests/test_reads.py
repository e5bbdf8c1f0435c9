"""``GET /wallet``, ``GET /transactions`` and ``GET /transactions/{id}``."""

import csv
import io
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from aurix.tests.cast import Api, Person
from wallet import queries


def items(person: Person, query: str = "") -> list[dict[str, Any]]:
    answer = person.get(f"/transactions{query}")
    assert answer.status_code == 200, answer.content
    listed: list[dict[str, Any]] = answer.json()["items"]
    return listed


def error(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


class TestWallet:
    def test_answers_as_the_contract_says(self, alice: Person) -> None:
        body = alice.get("/wallet").json()
        assert body.pop("updated_at").endswith("Z")
        assert body == {
            "wallet_id": str(alice.wallet_id),
            "tenant_id": str(alice.tenant.id),
            "user_id": str(alice.user_id),
            "gold_balance_grams": "0.00000000",
            "fiat_balance_eur": "10000.00",
            "available_eur": "10000.00",
            "gold_price_eur": "65.00000000",
        }

    def test_obeys_no_tenant_but_the_token_s(self, alice: Person, charlie: Person) -> None:
        answer = alice.get(f"/wallet?tenant_id={charlie.tenant.id}", X_Tenant_Id=str(charlie.tenant.id))
        assert answer.json()["tenant_id"] == str(alice.tenant.id)

    def test_wants_a_token(self, api: Api) -> None:
        assert error(api.get("/wallet")) == (401, "unauthorized")

    def test_a_trailing_slash_is_another_path(self, alice: Person) -> None:
        assert error(alice.get("/wallet/")) == (404, "not_found")

    @pytest.mark.parametrize("path", ["/wallet", "/transactions"])
    def test_costs_one_query(self, path: str, alice: Person) -> None:
        for _ in range(3):
            alice.buy(grams="0.1")
        with CaptureQueriesContext(connection) as queries:
            assert alice.get(path).status_code == 200
        assert len(queries) == 1, [query["sql"] for query in queries]


class TestTransactions:
    def test_who_has_moved_nothing_sees_nothing(self, alice: Person) -> None:
        assert alice.get("/transactions").json() == {"items": [], "next_cursor": None}

    def test_lists_the_opening_only_when_asked(self, alice: Person) -> None:
        (opening,) = items(alice, "?type=opening")
        assert opening["type"] == "opening"
        assert (opening["gross_eur"], opening["fiat_balance_eur"]) == ("10000.00", "10000.00")
        assert opening["price_eur_per_gram"] is None

    def test_answers_as_the_contract_says(self, alice: Person) -> None:
        bought = alice.buy(grams="1.25").json()["transaction"]
        sold = alice.sell(grams="0.25").json()["transaction"]
        assert items(alice) == [
            {
                "id": sold["id"],
                "type": "sell",
                "gold_grams": "0.25000000",
                "price_eur_per_gram": "65.00000000",
                "gross_eur": "16.25",
                "fee_eur": "0.50",
                "status": "posted",
                "created_at": sold["created_at"],
                "gold_balance_grams": "1.00000000",
                "fiat_balance_eur": "9934.00",
            },
            {
                "id": bought["id"],
                "type": "buy",
                "gold_grams": "1.25000000",
                "price_eur_per_gram": "65.00000000",
                "gross_eur": "81.25",
                "fee_eur": "0.50",
                "status": "posted",
                "created_at": bought["created_at"],
                "gold_balance_grams": "1.25000000",
                "fiat_balance_eur": "9918.25",
            },
        ]
        assert alice.get(f"/transactions/{sold['id']}").json() == items(alice)[0]

    def test_pages_hold_while_rows_arrive(self, alice: Person) -> None:
        made = [alice.buy(grams="0.1").json()["transaction"]["id"] for _ in range(5)]
        first = alice.get("/transactions?limit=2").json()
        alice.buy(grams="0.1")
        second = alice.get(f"/transactions?limit=2&cursor={quote(first['next_cursor'])}").json()
        third = alice.get(f"/transactions?limit=2&cursor={quote(second['next_cursor'])}").json()
        seen = [item["id"] for page in (first, second, third) for item in page["items"]]
        assert seen == made[::-1]
        assert third["next_cursor"] is None

    def test_filters_by_type_and_time(self, alice: Person) -> None:
        bought, sold = alice.buy(grams="1").json()["transaction"], alice.sell(grams="1").json()["transaction"]
        assert [item["id"] for item in items(alice, "?type=buy")] == [bought["id"]]
        moment = quote(sold["created_at"])
        assert [item["id"] for item in items(alice, f"?from={moment}")] == [sold["id"]]
        assert [item["id"] for item in items(alice, f"?to={moment}")] == [bought["id"]]
        assert items(alice, "?from=2001-01-01&to=2001-01-02") == []
        assert items(alice, "?type=deposit") == []

    @pytest.mark.parametrize(
        "query",
        [
            "limit=0", "limit=101", "limit=-1", "limit=x", "limit=1.5", "limit=", "limit=1&limit=2",
            "limit=99999999999999",
            "cursor=", "cursor=x", "cursor=%00", "cursor=" + "A" * 500, "type=gift", "type=", "type=%00",
            "from=yesterday", "from=2026-02-30", "from=2026-01-01T00:00:00", "to=", "to=2026-13-01T00:00:00Z",
            "from=2026-01-01T00:00:00+00:00",
        ],
    )  # fmt: skip
    def test_refuses_what_it_cannot_read(self, query: str, alice: Person) -> None:
        assert error(alice.get(f"/transactions?{query}")) == (400, "bad_request")

    def test_are_the_same_as_csv(self, alice: Person) -> None:
        for grams in ("1", "0.5"):
            alice.buy(grams=grams)
        alice.sell(grams="0.25")
        for query in ("", "?type=buy", "?type=opening", "?from=2001-01-01&to=2001-01-02"):
            answer = alice.get(f"/transactions.csv{query}", Accept="text/csv")
            assert (answer.status_code, answer["Content-Type"]) == (200, "text/csv; charset=utf-8")
            lines = list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode(), newline="")))  # type: ignore[attr-defined]  # a streaming response's
            assert lines == [{name: value or "" for name, value in item.items()} for item in items(alice, query)]

    def test_as_csv_come_in_constant_steps(self, alice: Person, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(queries, "BATCH", 2)
        made = [alice.buy(grams="0.1").json()["transaction"]["id"] for _ in range(5)]
        body = b"".join(alice.get("/transactions.csv").streaming_content).decode()  # type: ignore[attr-defined]  # likewise
        assert [line.split(",")[0] for line in body.splitlines()[1:]] == made[::-1]

    def test_as_csv_refuse_in_json(self, alice: Person, api: Api) -> None:
        assert error(alice.get("/transactions.csv?type=gift", Accept="text/csv")) == (400, "bad_request")
        assert error(api.get("/transactions.csv", Accept="text/csv")) == (401, "unauthorized")
        assert error(alice.get("/transactions", Accept="text/csv")) == (406, "not_acceptable")

    def test_refuses_a_cursor_of_another_list(self, alice: Person, bob: Person) -> None:
        for person in (alice, bob):
            for _ in range(2):
                person.buy(grams="0.1")
        cursor = quote(alice.get("/transactions?limit=1").json()["next_cursor"])
        assert error(bob.get(f"/transactions?cursor={cursor}")) == (400, "bad_request")
        assert error(alice.get(f"/transactions?type=buy&cursor={cursor}")) == (400, "bad_request")
        assert error(alice.get(f"/transactions?cursor={cursor[:-4]}AAAA")) == (400, "bad_request")

    def test_a_stranger_s_transaction_does_not_exist(self, alice: Person, bob: Person, charlie: Person) -> None:
        own = alice.buy(grams="1").json()["transaction"]["id"]
        for stranger in (bob, charlie):
            assert error(stranger.get(f"/transactions/{own}")) == (404, "not_found")
        assert error(alice.get(f"/transactions/{uuid4()}")) == (404, "not_found")
        assert error(alice.get("/transactions/1")) == (404, "not_found")

    def test_counts_a_logout_at_once(self, alice: Person) -> None:
        own = alice.buy(grams="1").json()["transaction"]["id"]
        alice.post("/auth/logout", {"refresh_token": alice.tokens["refresh_token"]})
        for path in ("/wallet", "/transactions", f"/transactions/{own}"):
            assert error(alice.get(path)) == (401, "token_revoked")
