"""What the ETL makes of a ledger, against the same by hand; and whatever may happen to it on the way."""

import random
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from aurix.tests.attacks import sql
from aurix.tests.cast import Person, person
from insights.tests.history import (
    VIENNA,
    Trade,
    by_hand,
    lay_down,
    read,
    rows,
    run,
    set_prices,
)
from tenants.queries import TenantView

PRICES = {"2026-03-01 09:00": "60", "2026-03-27 12:00": "64", "2026-03-29 04:00": "66", "2026-04-03 12:00": "70"}


def at(text: str) -> datetime:
    """A moment in Vienna."""
    return datetime.fromisoformat(text).replace(tzinfo=VIENNA)


def check(who: Person, trades: list[Trade], prices: dict[str, str], *, today: date) -> None:
    """What the customer reads is what the hand has found, of every period."""
    expected = by_hand(trades, prices, today=today)
    found = read(who)
    assert [insight.place for insight in found] == sorted(
        ((start, frequency) for frequency, start in expected), reverse=True
    )
    for insight in found:
        values = asdict(insight.signals)
        for name, value in expected[insight.frequency, insight.period_start].items():
            assert abs(values[name] - value) <= Decimal("0.00000001"), (insight.frequency, insight.period_start, name)


def some_trades(seed: int, *, first: date, days: int, count: int) -> list[Trade]:
    """Trades of a customer who never sells what is not there, mostly around the change to summer time."""
    dice = random.Random(seed)
    begin = datetime(first.year, first.month, first.day, tzinfo=UTC)
    moments = sorted(begin + timedelta(minutes=dice.randrange(days * 24 * 60)) for _ in range(count))
    trades, held = [], 0
    for moment in moments:
        grams = dice.randrange(10**6, 3 * 10**8)
        if held > 10**6 and dice.random() < 0.5:
            grams = -held if dice.random() < 0.2 else -min(held, grams)
        held += grams
        kind = "adjustment" if dice.random() < 0.1 else ""
        price = f"{dice.randrange(50, 80)}.{dice.randrange(10**8):08}"
        trades.append(Trade(moment.isoformat(), f"{Decimal(grams).scaleb(-8):f}", price, dice.randrange(1, 50), kind))
    return trades


class TestAgainstTheHand:
    @pytest.mark.parametrize("seed", range(6))
    def test_says_the_same_however_often_it_ran_in_between(self, seed: int, tenant: TenantView) -> None:
        set_prices(PRICES)
        trades = some_trades(seed, first=date(2026, 3, 23), days=20, count=40)
        often, once = person("often", tenant), person("once", tenant)
        dice = random.Random(seed)
        done = 0
        while done < len(trades):
            more = dice.randrange(1, 12)
            lay_down(often, trades[done : done + more])
            done += more
            run(often, now=trades[min(done, len(trades)) - 1].moment)
        lay_down(once, trades)
        last = at("2026-04-20 10:00")
        run(often, now=last)
        for who in (often, once):
            check(who, trades, PRICES, today=last.date())
        before = rows(often)
        run(often, now=last, rebuild=True)
        assert rows(often) == before

    def test_a_new_price_counts_in_the_periods_that_it_is_in(self, alice: Person) -> None:
        trades = [Trade("2026-03-24 10:00", "1"), Trade("2026-03-30 10:00", "1")]
        set_prices({"2026-03-01 09:00": "60"})
        lay_down(alice, trades)
        run(alice, now=at("2026-04-01 10:00"))
        check(alice, trades, {"2026-03-01 09:00": "60"}, today=date(2026, 4, 1))
        more = {"2026-03-01 09:00": "60", "2026-03-30 12:00": "80"}
        set_prices(more)
        assert run(alice, now=at("2026-04-01 11:00")).counts["wallets"] == 0
        check(alice, trades, more, today=date(2026, 4, 1))

    def test_another_time_zone_cuts_other_days(self, alice: Person) -> None:
        set_prices(PRICES)
        lay_down(alice, [Trade("2026-03-24 23:30", "1"), Trade("2026-03-25 00:30", "1")])
        now = at("2026-03-26 10:00")
        run(alice, now=now)
        assert [i.period_start.day for i in read(alice, frequency="daily") if i.signals.buy_count] == [25, 24]
        with sql("superuser") as superuser:
            superuser.execute("UPDATE tenants_tenant SET time_zone = 'Asia/Tokyo' WHERE id = %s", [alice.tenant.id])
        run(alice, now=now)
        (both,) = [i for i in read(alice, frequency="daily") if i.signals.buy_count]
        assert (both.period_start.day, both.signals.buy_count) == (25, 2)

    def test_entries_behind_the_last_week_are_found_all_the_same(self, alice: Person) -> None:
        set_prices(PRICES)
        trades = [Trade("2026-04-08 10:00", "1"), Trade("2026-03-24 10:00", "2")]
        for trade in trades:
            lay_down(alice, [trade])
            run(alice, now=at("2026-04-09 10:00"))
        bought = {i.period_start: i.signals.buy_count for i in read(alice, frequency="daily") if i.signals.buy_count}
        assert bought == {date(2026, 4, 8): 1, date(2026, 3, 24): 1}


class TestPeriods:
    @pytest.mark.parametrize(
        ("moment", "day", "monday"),
        [
            ("2026-03-28T22:59:59Z", "2026-03-28", "2026-03-23"),
            ("2026-03-28T23:00:00Z", "2026-03-29", "2026-03-23"),  # the day of 23 hours
            ("2026-03-29T21:59:59Z", "2026-03-29", "2026-03-23"),
            ("2026-03-29T22:00:00Z", "2026-03-30", "2026-03-30"),
            ("2026-10-24T21:59:59Z", "2026-10-24", "2026-10-19"),
            ("2026-10-24T22:00:00Z", "2026-10-25", "2026-10-19"),  # the day of 25 hours
            ("2026-10-25T22:59:59Z", "2026-10-25", "2026-10-19"),
            ("2026-10-25T23:00:00Z", "2026-10-26", "2026-10-26"),
            ("2026-12-31T23:00:00Z", "2027-01-01", "2026-12-28"),
        ],
    )
    def test_follow_the_tenant_s_clock(self, moment: str, day: str, monday: str, alice: Person) -> None:
        lay_down(alice, [Trade(moment, "1")])
        run(alice, now=datetime.fromisoformat(moment))
        found = {i.frequency: i.period_start.isoformat() for i in read(alice) if i.signals.buy_count}
        assert found == {"daily": day, "weekly": monday}

    def test_a_short_and_a_long_day_have_the_prices_that_they_have(self, alice: Person) -> None:
        set_prices(
            {
                "2026-03-28 23:59": "50", "2026-03-29 00:00": "60", "2026-03-29 23:59": "62", "2026-03-30 00:00": "90",
                "2026-10-24 23:59": "50", "2026-10-25 00:00": "70", "2026-10-25 23:59": "74", "2026-10-26 00:00": "90",
            }
        )  # fmt: skip
        lay_down(alice, [Trade("2026-03-27 10:00", "1")])
        run(alice, now=at("2026-10-27 10:00"))
        reference = {i.period_start: i.signals.reference_price_eur_per_gram for i in read(alice, frequency="daily")}
        assert (reference[date(2026, 3, 29)], reference[date(2026, 10, 25)]) == (Decimal(61), Decimal(72))
        assert reference[date(2026, 5, 1)] == 90  # none was set: the one in force

    def test_go_on_without_trades_while_gold_is_held(self, alice: Person) -> None:
        lay_down(alice, [Trade("2026-03-24 10:00", "1"), Trade("2026-03-28 10:00", "-1")])
        lay_down(alice, [Trade("2026-04-14 10:00", "2")])
        run(alice, now=at("2026-04-16 10:00"))
        days = {i.period_start: i.signals for i in read(alice, frequency="daily")}
        assert [day.isoformat() for day in days] == [
            "2026-04-16", "2026-04-15", "2026-04-14", "2026-03-28", "2026-03-27", "2026-03-26", "2026-03-25",
            "2026-03-24",
        ]  # fmt: skip
        assert (days[date(2026, 3, 26)].inactivity_days, days[date(2026, 3, 26)].holding_grams) == (2, Decimal(1))
        assert days[date(2026, 3, 26)].buy_count == 0
        weeks = {i.period_start.isoformat(): i for i in read(alice, frequency="weekly")}
        assert list(weeks) == ["2026-04-13", "2026-03-23"]
        assert weeks["2026-03-23"].signals.inactivity_days == 1
        assert weeks["2026-04-13"].signals.inactivity_days == 2  # until now, while the week runs

    def test_quiet_ones_cost_no_rows(self, alice: Person) -> None:
        lay_down(alice, [Trade("2026-01-05 10:00", "1")])
        run(alice, now=at("2026-11-20 10:00"))
        assert len(rows(alice)) == 2
        found = read(alice)
        assert len(found) == 320 + 46
        assert {tuple(i.sentences) for i in found[:-2]} == {
            ("You haven't bought recently. Consider dollar-cost averaging for consistent growth.",)
        }
        assert len({i.id for i in found}) == len(found)

    def test_appear_with_the_next_run_and_not_before(self, alice: Person) -> None:
        lay_down(alice, [Trade("2026-03-24 10:00", "1")])
        run(alice, now=at("2026-03-24 12:00"))
        assert [i.period_start.day for i in read(alice, frequency="daily")] == [24]
        for hour in ("09:00", "10:00"):
            run(alice, now=at(f"2026-03-27 {hour}"))
            assert [i.period_start.day for i in read(alice, frequency="daily")] == [27, 26, 25, 24]

    def test_gold_that_was_never_bought_counts_from_when_it_came(self, alice: Person) -> None:
        lay_down(alice, [Trade("2026-03-24 10:00", "1", kind="adjustment")])
        run(alice, now=at("2026-03-26 10:00"))
        assert [i.signals.inactivity_days for i in read(alice, frequency="daily")] == [2, 1, 0]
        assert read(alice)[0].signals.average_cost_eur_per_gram == 0

    def test_who_has_no_gold_and_no_trade_has_none(self, alice: Person, bob: Person) -> None:
        lay_down(bob, [Trade("2026-03-24 10:00", "1")])
        run(alice, now=at("2026-03-26 10:00"))
        assert read(alice) == []

    def test_of_other_tenants_are_not_touched(self, alice: Person, charlie: Person) -> None:
        for who in (alice, charlie):
            lay_down(who, [Trade("2026-03-24 10:00", "1")])
        run(alice, now=at("2026-03-24 12:00"))
        assert (len(read(alice)), read(charlie)) == (2, [])
