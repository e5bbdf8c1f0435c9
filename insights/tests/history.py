"""A customer's past, and what a plain Python loop makes of it: written without a look at the SQL."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any
from zoneinfo import ZoneInfo

import psycopg

from aurix import clock
from aurix.actor import Actor
from aurix.ids import uuid7
from aurix.tenancy import tenant_scope
from aurix.tests.attacks import sql, tampering
from aurix.tests.cast import Person
from insights import etl, queries
from insights.actions import runs
from insights.models import EtlRun

VIENNA = ZoneInfo("Europe/Vienna")
_INSERT = """
INSERT INTO wallet_ledger (id, tenant_id, wallet_id, number, kind, gold_delta, cash_delta, price, reference_price,
                           gross, fee, spread, gold_after, cash_after, request_id, created_at, previous_hash, hash)
VALUES (%(id)s, %(tenant_id)s, %(wallet_id)s, %(number)s, %(kind)s, %(gold)s, %(cash)s, %(price)s, %(price)s,
        %(gross)s, %(fee)s, 0, %(gold_after)s, %(cash_after)s, '', %(at)s, %(hash)s, %(hash)s)
"""


@dataclass(frozen=True)
class Trade:
    """Grams bought, or sold when they are negative, in a local time such as ``2026-03-29 00:30``, or in UTC (``Z``)."""

    at: str
    grams: str
    price: str = "65"
    fee: int = 50
    kind: str = ""

    @property
    def moment(self) -> datetime:
        """When."""
        read = datetime.fromisoformat(self.at)
        return read if read.tzinfo else read.replace(tzinfo=VIENNA)

    @property
    def what(self) -> str:
        """The kind of entry."""
        return self.kind or ("buy" if Decimal(self.grams) > 0 else "sell")


def lay_down(person: Person, trades: list[Trade]) -> None:
    """Append to the customer's ledger as if it had happened then; hashes are made up."""
    with tampering() as connection:
        row = connection.execute("SELECT number, gold, cash FROM wallet_wallet WHERE id = %s", [person.wallet_id])
        number, gold, cash = row.fetchone() or (0, Decimal(0), 0)
        for trade in trades:
            number, grams = number + 1, Decimal(trade.grams)
            values = _entry(trade, grams)
            gold, cash = gold + grams, cash + values["cash"]
            ids = {"id": uuid7(), "tenant_id": person.tenant.id, "wallet_id": person.wallet_id, "number": number}
            rest = {"gold_after": gold, "cash_after": cash, "at": trade.moment, "hash": bytes(32)}
            connection.execute(_INSERT, {**values, **ids, **rest})
        _move_wallet(connection, person, number, gold, cash)


def _entry(trade: Trade, grams: Decimal) -> dict[str, Any]:
    if trade.what not in {"buy", "sell"}:
        return {"kind": trade.what, "gold": grams, "cash": 0, "price": None, "gross": 0, "fee": 0}
    rounding = ROUND_CEILING if grams > 0 else ROUND_FLOOR
    gross = int((abs(grams) * Decimal(trade.price) * 100).to_integral_value(rounding))
    cash = -(gross + trade.fee) if grams > 0 else gross - trade.fee
    return {"kind": trade.what, "gold": grams, "cash": cash, "price": trade.price, "gross": gross, "fee": trade.fee}


def _move_wallet(connection: psycopg.Connection, person: Person, number: int, gold: Decimal, cash: int) -> None:
    connection.execute(
        "UPDATE wallet_wallet SET number = %s, gold = %s, cash = %s WHERE id = %s",
        [number, gold, cash, person.wallet_id],
    )


def set_prices(prices: dict[str, str]) -> None:
    """The whole history of the market: ``{"2026-03-29 12:00": "65"}``, in local time."""
    with tampering() as connection:
        connection.execute("DELETE FROM wallet_goldprice")
        for at, price in sorted(prices.items()):
            connection.execute(
                "INSERT INTO wallet_goldprice (price, source, created_at) VALUES (%s, 'test', %s)",
                [price, datetime.fromisoformat(at).replace(tzinfo=VIENNA)],
            )


def run(person: Person, *, rebuild: bool = False, now: datetime | None = None) -> queries.RunView:
    """The ETL for the person's tenant, with the clock standing at ``now``."""
    moment = now or clock.now()
    run_id = runs.start(trigger=EtlRun.Trigger.COMMAND, only=person.tenant.id, rebuild=rebuild, now=moment)
    for part in runs.unfinished(run_id=run_id):
        assert runs.work(part=part, clock=lambda: moment)
    return queries.run(run_id=run_id)


def step(person: Person, *, now: datetime) -> etl.Step:
    """One step of it."""
    with tenant_scope(person.tenant.id):
        return etl.step(tenant_id=person.tenant.id, wait=True, now=now)


def read(person: Person, *, frequency: str | None = None) -> list[queries.Insight]:
    """All that the customer could read."""
    return queries.insights(tenant_id=person.tenant.id, user_id=person.user_id, frequency=frequency, most=10_000)


def actor(person: Person) -> Actor:
    """The person, as the back-office knows it: without a session."""
    return Actor(tenant_id=person.tenant.id, user_id=person.user_id, session_id=None, role="user")


def rows(person: Person, table: str = "insights_snapshot") -> list[dict[str, Any]]:
    """What the ETL has stored for the tenant, without the times of storing."""
    with sql("superuser") as connection:
        query = f"SELECT to_jsonb(t) - 'generated_at' FROM {table} t WHERE tenant_id = %s ORDER BY 1"
        found = [row for (row,) in connection.execute(query, [person.tenant.id])]
    return [row | {"buy_prices": sorted(row.get("buy_prices", []))} for row in found]


# --- The same by hand --------------------------------------------------------------------------------------------


def by_hand(trades: list[Trade], prices: dict[str, str], *, today: date) -> dict[tuple[str, date], dict[str, Any]]:
    """The contract's signals of every period that a customer with these trades has, as exact fractions of Decimals."""
    found: dict[tuple[str, date], dict[str, Any]] = {}
    if not trades:
        return found
    for frequency, start, end in _calendar(min(trade.moment for trade in trades).astimezone(VIENNA).date(), today):
        inside = [trade for trade in trades if start <= trade.moment.astimezone(VIENNA).date() <= end]
        until = [trade for trade in trades if trade.moment.astimezone(VIENNA).date() <= end]
        holding = sum((Decimal(trade.grams) for trade in until), Decimal(0))
        if any(trade.what in {"buy", "sell"} for trade in inside) or holding > 0:
            found[frequency, start] = _by_hand(frequency, inside, until, holding, min(end, today)) | {
                "reference_price_eur_per_gram": _reference(prices, start, end)
            }
    return found


def _calendar(first: date, today: date) -> Iterator[tuple[str, date, date]]:
    day = first - timedelta(days=first.weekday())
    while day <= today:
        yield "daily", day, day
        if day.weekday() == 0:
            yield "weekly", day, day + timedelta(days=6)
        day += timedelta(days=1)


def _by_hand(frequency: str, inside: list[Trade], until: list[Trade], holding: Decimal, as_of: date) -> dict[str, Any]:
    buys = [trade for trade in inside if trade.what == "buy"]
    sells = [trade for trade in inside if trade.what == "sell"]
    traded = [trade for trade in until if trade.what in {"buy", "sell"}] or until
    last = max(trade.moment.astimezone(VIENNA).date() for trade in traded)
    return {
        "buy_count": len(buys),
        "sell_count": len(sells),
        "total_gold_bought_grams": _grams(buys),
        "total_gold_sold_grams": _grams(sells),
        "total_fees_eur": Decimal(sum(trade.fee for trade in buys + sells)) / 100,
        "average_buy_price_eur_per_gram": _average(buys),
        "average_sell_price_eur_per_gram": _average(sells),
        "buy_frequency_per_week": Decimal(len(buys) * (7 if frequency == "daily" else 1)),
        "sell_after_buy_ratio": Decimal(len(sells)) / len(buys) if buys else Decimal(0),
        "holding_grams": holding,
        "inactivity_days": (as_of - last).days,
    }


def _grams(trades: list[Trade]) -> Decimal:
    return sum((abs(Decimal(trade.grams)) for trade in trades), Decimal(0))


def _average(trades: list[Trade]) -> Decimal:
    value = sum((abs(Decimal(trade.grams)) * Decimal(trade.price) for trade in trades), Decimal(0))
    return value / _grams(trades) if trades else Decimal(0)


def _reference(prices: dict[str, str], start: date, end: date) -> Decimal:
    days = [(date.fromisoformat(at[:10]), Decimal(price)) for at, price in sorted(prices.items())]
    inside = [price for day, price in days if start <= day <= end]
    if inside:
        return sum(inside, Decimal(0)) / len(inside)
    before = [price for day, price in days if day < start]
    return before[-1] if before else days[-1][1]
