"""What there is to say about a customer's day or week, in numbers. Pure arithmetic: no Django, no clock, no I/O."""

from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_EVEN, Context, Decimal

_EXACT = Context(prec=100, rounding=ROUND_HALF_EVEN)
_PLACES = Decimal("0.00000001")
_ZERO = Decimal(0)
_DAYS = {"daily": 1, "weekly": 7}
_CENTS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """A customer's period as it is kept: grams, cents, euros per gram; nothing rounded."""

    frequency: str
    as_of: date
    buy_count: int
    sell_count: int
    bought: Decimal
    sold: Decimal
    bought_value: Decimal
    sold_value: Decimal
    gross: int
    fees: int
    holding: Decimal
    last_trade_on: date
    bought_so_far: Decimal
    bought_value_so_far: Decimal
    buy_prices: list[Decimal]
    reference_price: Decimal | None
    lowest_price: Decimal | None
    highest_price: Decimal | None
    volatility: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Signals:
    """The contract's twelve, and after them what the price history adds. Rounded half to even at 8 places."""

    buy_count: int
    sell_count: int
    total_gold_bought_grams: Decimal
    total_gold_sold_grams: Decimal
    total_fees_eur: Decimal
    average_buy_price_eur_per_gram: Decimal
    average_sell_price_eur_per_gram: Decimal
    buy_frequency_per_week: Decimal
    sell_after_buy_ratio: Decimal
    reference_price_eur_per_gram: Decimal
    holding_grams: Decimal
    inactivity_days: int
    peak_buy_share: Decimal
    average_cost_eur_per_gram: Decimal
    market_over_cost_percent: Decimal
    fee_drag_percent: Decimal
    price_volatility_percent: Decimal


def of(sums: Sums) -> Signals:
    """The signals of a period."""
    reference = sums.reference_price or _ZERO
    cost = _share(sums.bought_value_so_far, sums.bought_so_far)
    return Signals(
        buy_count=sums.buy_count,
        sell_count=sums.sell_count,
        total_gold_bought_grams=sums.bought,
        total_gold_sold_grams=sums.sold,
        total_fees_eur=_share(sums.fees, _CENTS),
        average_buy_price_eur_per_gram=_share(sums.bought_value, sums.bought),
        average_sell_price_eur_per_gram=_share(sums.sold_value, sums.sold),
        buy_frequency_per_week=_share(7 * sums.buy_count, _DAYS[sums.frequency]),
        sell_after_buy_ratio=_share(sums.sell_count, sums.buy_count),
        reference_price_eur_per_gram=reference,
        holding_grams=sums.holding,
        inactivity_days=max(0, (sums.as_of - sums.last_trade_on).days),
        peak_buy_share=_share(_at_peak(sums), sums.buy_count),
        average_cost_eur_per_gram=cost,
        market_over_cost_percent=_share(100 * (reference - cost), cost) if reference else _ZERO,
        fee_drag_percent=_share(100 * sums.fees, sums.gross),
        price_volatility_percent=sums.volatility,
    )


def _at_peak(sums: Sums) -> int:
    """How many buys were made in the top quarter of the period's price range; none where the price stood still."""
    low, high = sums.lowest_price, sums.highest_price
    if low is None or high is None or low == high:
        return 0
    return sum(4 * (price - low) >= 3 * (high - low) for price in sums.buy_prices)


def _share(part: Decimal | int, whole: Decimal | int) -> Decimal:
    """``part`` over ``whole``, 0 where there is no whole."""
    if not whole:
        return _ZERO
    return _EXACT.divide(Decimal(part), Decimal(whole)).quantize(_PLACES, context=_EXACT)
