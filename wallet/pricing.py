"""What a trade costs. Pure arithmetic: no Django, no clock, no I/O.

Gross is grams times price, rounded to the cent against the customer (up on a buy, down on a sell), so that no round
trip ever profits from rounding. The fee is the larger of the minimum and gross times rate, rounded half up.
"""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal
from uuid import UUID

from aurix import money
from wallet.errors import AmountAboveMaximum, AmountBelowMinimum

Side = Literal["buy", "sell"]

MAX_GRAMS = Decimal(10) ** 10
MAX_CENTS = 10**15
"""Beyond any balance, and small enough that every sum of them fits its column."""


@dataclass(frozen=True, slots=True)
class Order:
    """What the customer asks for: a weight in grams, euros in cents (paid in all, or received net), or a quote."""

    side: Side
    grams: Decimal | None = None
    cents: int | None = None
    quote_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Fees:
    """A tenant's fee for one side: ``rate`` of gross, at least ``minimum`` cents."""

    rate: Decimal
    minimum: int

    def on(self, gross: int) -> int:
        """The fee in cents on a gross of ``gross`` cents."""
        return max(self.minimum, money.share_half_up(cents=gross, rate=self.rate))


@dataclass(frozen=True, slots=True)
class Deal:
    """An order with its price: ``grams`` are positive, ``gross`` and ``fee`` are cents."""

    side: Side
    grams: Decimal
    price: Decimal
    gross: int
    fee: int

    @property
    def total(self) -> int:
        """Cents that a buyer pays in all, or that a seller receives net."""
        return self.gross + self.fee if self.side == "buy" else self.gross - self.fee

    @property
    def gold_delta(self) -> Decimal:
        """Grams that come into the wallet."""
        return self.grams if self.side == "buy" else -self.grams

    @property
    def cash_delta(self) -> int:
        """Cents that come into the wallet."""
        return -self.total if self.side == "buy" else self.total


def deal(order: Order, *, price: Decimal, fees: Fees) -> Deal:
    """Price an order at ``price`` euros per gram.

    Raises: AmountBelowMinimum when nothing would be bought or paid out, AmountAboveMaximum.
    """
    if (order.grams or 0) > MAX_GRAMS or (order.cents or 0) > MAX_CENTS:
        raise AmountAboveMaximum
    if order.grams is not None:
        worth = money.worth_up if order.side == "buy" else money.worth_down
        gross = worth(grams=order.grams, price=price)
        priced = Deal(order.side, order.grams, price, gross, fees.on(gross))
    elif order.side == "buy":
        priced = _buy_for(order.cents or 0, price=price, fees=fees)
    else:
        priced = _sell_for(order.cents or 0, price=price, fees=fees)
    if priced.gross > MAX_CENTS or priced.grams > MAX_GRAMS:
        raise AmountAboveMaximum
    if priced.gross <= 0 or priced.grams <= 0 or priced.total <= 0:
        raise AmountBelowMinimum
    return priced


def _buy_for(total: int, *, price: Decimal, fees: Fees) -> Deal:
    """All that ``total`` cents buy, fee included.

    Where the fee steps up by a cent, one total is skipped: no gross reaches it with its own fee. The customer named
    the total, so it is kept, and the fee is the cent smaller that it has just below the step.
    """
    gross = _largest(lambda cents: cents + fees.on(cents) <= total, below=total + 1)
    if gross >= 0 and gross + fees.on(gross) < total:
        gross += 1
    if gross <= 0:
        raise AmountBelowMinimum
    return Deal("buy", money.grams_down(cents=gross, price=price), price, gross, total - gross)


def _sell_for(net: int, *, price: Decimal, fees: Fees) -> Deal:
    """The least gold that pays out ``net`` cents after the fee."""
    ceiling = 2 * (net + fees.minimum) + 2
    while ceiling - fees.on(ceiling) < net:
        ceiling *= 2
    gross = _largest(lambda cents: cents - fees.on(cents) < net, below=ceiling) + 1
    return Deal("sell", money.grams_up(cents=gross, price=price), price, gross, gross - net)


def _largest(holds: Callable[[int], bool], *, below: int) -> int:
    """The largest cents from 0 up to, not including, ``below`` for which ``holds``; -1 when there are none.

    ``holds`` is true up to some point and false from there on.
    """
    low, high = -1, below
    while high - low > 1:
        middle = (low + high) // 2
        if holds(middle):
            low = middle
        else:
            high = middle
    return low
