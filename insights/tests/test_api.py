"""GET /insights, and the ETL's calls for the platform's admins."""

import json
from datetime import datetime
from typing import Any
from urllib.parse import quote
from uuid import UUID, uuid4

import pytest
from django.core.cache import cache, caches
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django.fixtures import Settings

from aurix import clock
from aurix.api.breaker import Breaker
from aurix.celery import app
from aurix.tests.attacks import sql
from aurix.tests.cast import Api, Person
from insights import cache as pages
from insights import tasks
from insights.actions import runs
from insights.tests.history import VIENNA, Trade, lay_down, run, set_prices

ALL = {
    "buy_count", "sell_count", "total_gold_bought_grams", "total_gold_sold_grams", "total_fees_eur",
    "average_buy_price_eur_per_gram", "average_sell_price_eur_per_gram", "buy_frequency_per_week",
    "sell_after_buy_ratio", "reference_price_eur_per_gram", "holding_grams", "inactivity_days",
}  # fmt: skip


def error(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def items(person: Person, query: str = "") -> list[dict[str, Any]]:
    answer = person.get(f"/insights{query}")
    assert answer.status_code == 200, answer.content
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=VIENNA)


@pytest.fixture
def past(alice: Person) -> Person:
    """Alice, with a month of holding gold."""
    set_prices({"2026-03-01 10:00": "64", "2026-03-20 10:00": "65"})
    lay_down(alice, [Trade("2026-03-02 10:00", "5.25"), Trade("2026-03-05 10:00", "-1", "67.1")])
    run(alice, now=at("2026-03-29 12:00"))
    return alice


class TestInsights:
    def test_are_empty_before_the_first_run(self, alice: Person) -> None:
        alice.buy(grams="1")
        assert alice.get("/insights").json() == {"items": [], "next_cursor": None}

    def test_answer_as_the_contract_says(self, alice: Person) -> None:
        lay_down(
            alice,
            [
                Trade("2026-03-30 10:00", "1", "68.5", 50), Trade("2026-03-31 10:00", "1.25", "68.5", 40),
                Trade("2026-04-01 10:00", "1", "68.5", 40), Trade("2026-04-02 10:00", "2", "68.5", 40),
                Trade("2026-04-05 10:00", "-1", "67.1", 40),
            ],
        )  # fmt: skip
        set_prices({"2026-03-01 10:00": "90", "2026-04-01 10:00": "64.8", "2026-04-02 10:00": "65"})
        run(alice, now=at("2026-04-05 23:00"))
        (item,) = items(alice, "?frequency=weekly")
        assert set(item) == {
            "id", "frequency", "period_start", "period_end", "generated_at", "signals", "insights",
        }  # fmt: skip
        assert UUID(item["id"])
        assert item["generated_at"] == "2026-04-05T21:00:00Z"
        assert (item["frequency"], item["period_start"], item["period_end"]) == ("weekly", "2026-03-30", "2026-04-05")
        assert {name: item["signals"][name] for name in ALL} == {
            "buy_count": 4, "sell_count": 1, "total_gold_bought_grams": 5.25, "total_gold_sold_grams": 1,
            "total_fees_eur": 2.1, "average_buy_price_eur_per_gram": 68.5, "average_sell_price_eur_per_gram": 67.1,
            "buy_frequency_per_week": 4, "sell_after_buy_ratio": 0.25, "reference_price_eur_per_gram": 64.9,
            "holding_grams": 4.25, "inactivity_days": 0,
        }  # fmt: skip
        assert item["insights"] == [
            "You are buying frequently. Consider spacing out your purchases to reduce timing risk.",
            "You are buying at prices above the reference average. Consider waiting for a dip.",
            "You are buying frequently at peak prices. Consider averaging your purchases.",
        ]

    def test_write_numbers_as_they_are(self, past: Person) -> None:
        text = past.get("/insights?limit=50").content.decode()
        assert '"total_gold_bought_grams":5.25,' in text
        assert '"total_gold_sold_grams":1,' in text
        assert '"average_sell_price_eur_per_gram":67.1,' in text
        assert "0000001" not in text
        assert "99999" not in text

    def test_come_newest_first(self, past: Person) -> None:
        found = [(item["period_start"], item["frequency"]) for item in items(past, "?limit=50")]
        assert len(found) == 28 + 4
        assert found == sorted(found, reverse=True)
        assert found[:2] == [("2026-03-29", "daily"), ("2026-03-28", "daily")]
        assert ("2026-03-23", "weekly") in found

    def test_come_in_pages_that_join(self, past: Person) -> None:
        everything = items(past, "?limit=50")
        found, cursor, count = [], "", 0
        while count == 0 or cursor:
            page = past.get(f"/insights?limit=7{cursor and '&cursor=' + quote(cursor)}").json()
            found += page["items"]
            cursor, count = page["next_cursor"], count + 1
        assert found == everything
        assert count == 5
        assert len(items(past)) == 10

    @pytest.mark.parametrize(("frequency", "count"), [("daily", 28), ("weekly", 4)])
    def test_are_filtered_by_frequency(self, frequency: str, count: int, past: Person) -> None:
        found = items(past, f"?limit=50&frequency={frequency}")
        assert [item["frequency"] for item in found] == [frequency] * count

    @pytest.mark.parametrize(
        "query",
        [
            "limit=0", "limit=51", "limit=x", "limit=", "limit=1&limit=2", "cursor=", "cursor=x", "cursor=%00",
            "frequency=monthly", "frequency=", "frequency=daily&frequency=weekly", "frequency=%00",
        ],
    )  # fmt: skip
    def test_refuse_what_they_cannot_read(self, query: str, past: Person) -> None:
        assert error(past.get(f"/insights?{query}")) == (400, "bad_request")

    def test_refuse_a_cursor_of_another_list(self, past: Person, bob: Person) -> None:
        cursor = quote(past.get("/insights?limit=1").json()["next_cursor"])
        for who, query in ((past, f"frequency=daily&cursor={cursor}"), (bob, f"cursor={cursor}")):
            for _ in range(2):  # nor when the page is in the cache
                past.get(f"/insights?cursor={cursor}")
                assert error(who.get(f"/insights?{query}")) == (400, "bad_request")

    def test_are_the_customer_s_own(self, past: Person, bob: Person, charlie: Person) -> None:
        for who in (bob, charlie):
            named = f"?tenant_id={past.tenant.id}&user_id={past.user_id}"
            assert items(who, named) == []

    def test_count_a_logout_at_once(self, past: Person) -> None:
        items(past)
        past.post("/auth/logout", {"refresh_token": past.tokens["refresh_token"]})
        assert error(past.get("/insights")) == (401, "token_revoked")

    def test_are_limited(self, past: Person, settings: Settings) -> None:
        settings.RATE_LIMITS = {**settings.RATE_LIMITS, "insights": "2/m"}
        assert [past.get("/insights").status_code for _ in range(3)] == [200, 200, 429]


class TestTheCache:
    def test_saves_all_but_one_query(self, past: Person) -> None:
        first = past.get("/insights").content
        with CaptureQueriesContext(connection) as queries:
            assert past.get("/insights").content == first
        assert len(queries) == 1, [query["sql"] for query in queries]

    def test_is_dropped_by_the_etl(self, past: Person) -> None:
        assert len(items(past, "?limit=50")) == 32
        run(past, now=at("2026-03-30 12:00"))
        assert len(items(past, "?limit=50")) == 34
        lay_down(past, [Trade("2026-03-30 13:00", "1")])
        run(past, now=at("2026-03-30 14:00"))
        assert items(past)[0]["signals"]["buy_count"] == 1

    def test_may_be_cold(self, past: Person) -> None:
        first = past.get("/insights").content
        cache.clear()
        assert past.get("/insights").content == first

    def test_may_be_dead(self, past: Person, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
        first = past.get("/insights").content
        monkeypatch.setattr(pages, "_redis", Breaker(rest_seconds=0.0))
        dead = {**settings.CACHES["default"], "LOCATION": "redis://127.0.0.1:1/0"}
        settings.CACHES = {**settings.CACHES, "default": dead}
        with pytest.raises(Exception, match=r"127\.0\.0\.1:1"):
            caches["default"].get("the control: it is dead")
        for _ in range(3):
            assert past.get("/insights").content == first
        run(past, now=at("2026-03-30 12:00"))
        assert len(items(past, "?limit=50")) == 34

    def test_keeps_people_apart(self, past: Person, bob: Person) -> None:
        assert len(items(past)) == 10
        assert items(bob) == []


@pytest.mark.usefixtures("two_tenants")
class TestTrigger:
    def test_starts_a_run_whose_record_says_how_it_went(self, olivia: Person, alice: Person) -> None:
        alice.buy(grams="1")
        answer = olivia.post("/admin/etl/trigger")
        assert answer.status_code == 200
        run_id = answer.json()["run_id"]
        assert answer.json() == {"status": "triggered", "run_id": run_id}
        record = olivia.get(f"/admin/etl/runs/{run_id}").json()
        assert (record["status"], record["trigger"], record["error"]) == ("queued", "api", None)
        assert record["duration_seconds"] is None
        for part in runs.unfinished(run_id=UUID(run_id)):
            runs.work(part=part, clock=clock.now)
        record = olivia.get(f"/admin/etl/runs/{run_id}").json()
        assert record["status"] == "succeeded"
        assert record["counts"]["tenants"] == record["counts"]["tenants_done"] == 2
        assert record["counts"]["entries"] >= 3
        assert 0 < record["duration_seconds"] < 60
        assert items(alice)[0]["signals"]["buy_count"] == 1

    def test_is_noted(self, olivia: Person) -> None:
        run_id = olivia.post("/admin/etl/trigger").json()["run_id"]
        with sql("superuser") as superuser:
            query = "SELECT action, actor_id FROM aurix_audit WHERE subject_id = %s"
            assert superuser.execute(query, [run_id]).fetchall() == [("etl.triggered", olivia.user_id)]

    @pytest.mark.parametrize("body", [b"", b"{}"])
    def test_needs_no_body(self, body: bytes, olivia: Person) -> None:
        assert olivia.post("/admin/etl/trigger", body).status_code == 200

    def test_refuses_a_body_that_says_something(self, olivia: Person) -> None:
        assert error(olivia.post("/admin/etl/trigger", {"tenant_id": str(uuid4())})) == (400, "bad_request")

    def test_is_for_the_platform_s_admins(self, alice: Person, tom: Person, api: Api) -> None:
        for who in (alice, tom):
            assert error(who.post("/admin/etl/trigger")) == (403, "forbidden")
            assert error(who.get(f"/admin/etl/runs/{uuid4()}")) == (403, "forbidden")
        assert error(api.post("/admin/etl/trigger")) == (401, "unauthorized")

    def test_does_not_believe_the_token(self, olivia: Person) -> None:
        with sql("superuser") as superuser:
            superuser.execute("UPDATE accounts_user SET role = 'user' WHERE id = %s", [olivia.user_id])
        assert error(olivia.post("/admin/etl/trigger")) == (403, "forbidden")

    def test_an_unknown_run_is_not_found(self, olivia: Person) -> None:
        assert error(olivia.get(f"/admin/etl/runs/{uuid4()}")) == (404, "not_found")
        assert error(olivia.get("/admin/etl/runs/1")) == (404, "not_found")

    def test_is_not_lost_when_the_broker_is_down(
        self, olivia: Person, alice: Person, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        alice.buy(grams="1")
        monkeypatch.setattr(app.conf, "broker_url", "redis://127.0.0.1:1/0")
        answer = olivia.post("/admin/etl/trigger")
        assert answer.status_code == 200
        run_id = UUID(answer.json()["run_id"])
        assert json.loads(olivia.get(f"/admin/etl/runs/{run_id}").content)["status"] == "queued"
        sent: list[tuple[str, str]] = []
        monkeypatch.setattr(tasks.work, "delay", lambda *ids: sent.append(ids))
        tasks.hourly()
        assert (str(run_id), str(alice.tenant.id)) in sent
        for ids in [ids for ids in sent if ids[0] == str(run_id)]:
            tasks.work(*ids)
        assert olivia.get(f"/admin/etl/runs/{run_id}").json()["status"] == "succeeded"
        assert len(items(alice)) == 2
