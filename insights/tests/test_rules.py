"""Signals and rules: pure, each at its edges."""

from datetime import date
from decimal import Decimal
from typing import Any

import orjson
import pytest

from insights import advice, rules, signals
from insights.api.serializers import number
from insights.signals import Signals, Sums

OFTEN = "You are buying frequently. Consider spacing out your purchases to reduce timing risk."
ABOVE = "You are buying at prices above the reference average. Consider waiting for a dip."
PEAKS = "You are buying frequently at peak prices. Consider averaging your purchases."
SELLS = "You tend to sell shortly after buying. Consider holding longer to reduce fee impact."
IDLE = "You haven't bought recently. Consider dollar-cost averaging for consistent growth."
BALANCED = "Your trading activity looks balanced. Keep monitoring the market."


def sums(**values: Any) -> Sums:
    """A week in which a gram was bought at 65, unless told otherwise."""
    plain: dict[str, Any] = {
        "frequency": "weekly",
        "as_of": date(2026, 4, 5),
        "buy_count": 1,
        "sell_count": 0,
        "bought": Decimal(1),
        "sold": Decimal(0),
        "bought_value": Decimal(65),
        "sold_value": Decimal(0),
        "gross": 6500,
        "fees": 50,
        "holding": Decimal(1),
        "last_trade_on": date(2026, 4, 5),
        "bought_so_far": Decimal(1),
        "bought_value_so_far": Decimal(65),
        "buy_prices": [Decimal(65)],
        "reference_price": Decimal(65),
        "lowest_price": Decimal(65),
        "highest_price": Decimal(65),
        "volatility": Decimal(0),
    }
    return Sums(**(plain | values))


def of(**values: Any) -> Signals:
    return signals.of(sums(**values))


def said(**values: Any) -> list[str]:
    return advice.sentences(of(**values))


class TestRules:
    @pytest.mark.parametrize(("buys", "fires"), [(0, False), (3, False), (4, True), (400, True)])
    def test_more_than_three_buys_are_frequent(self, buys: int, fires: bool) -> None:  # noqa: FBT001  a table
        assert (OFTEN in said(buy_count=buys, buy_prices=[Decimal(65)] * buys)) is fires

    @pytest.mark.parametrize(
        ("value", "fires"),
        [("68.25", False), ("68.25000001", True), ("68.24999999", False), ("65", False), ("100", True)],
    )
    def test_more_than_five_percent_above_the_reference_is_dear(self, value: str, fires: bool) -> None:  # noqa: FBT001
        assert (ABOVE in said(bought_value=Decimal(value))) is fires

    def test_without_a_buy_or_a_reference_nothing_is_dear(self) -> None:
        assert ABOVE not in said(buy_count=0, bought=Decimal(0), bought_value=Decimal(0))
        assert ABOVE not in said(reference_price=None, lowest_price=None, highest_price=None)

    @pytest.mark.parametrize(
        ("buys", "sells", "fires"),
        [(0, 0, False), (0, 9, False), (1, 0, False), (1, 1, True), (2, 1, False), (3, 2, True), (4, 2, False)],
    )
    def test_more_than_half_as_many_sells_as_buys_are_hasty(
        self,
        buys: int,
        sells: int,
        fires: bool,  # noqa: FBT001
    ) -> None:
        assert (SELLS in said(buy_count=buys, sell_count=sells)) is fires

    @pytest.mark.parametrize(
        ("buys", "holding", "fires"), [(0, "0.00000001", True), (0, "0", False), (1, "1", False), (1, "0", False)]
    )
    def test_holding_without_buying_is_idle(self, buys: int, holding: str, fires: bool) -> None:  # noqa: FBT001
        assert (IDLE in said(buy_count=buys, holding=Decimal(holding))) is fires

    @pytest.mark.parametrize(
        ("prices", "fires"),
        [
            (["76", "76"], True),
            (["75", "75"], True),
            (["74.99999999", "75"], False),
            (["80"], False),
            (["75", "75", "60"], True),
            (["75", "75", "60", "60"], False),
        ],
    )
    def test_most_buys_in_the_top_quarter_of_the_range_are_at_peaks(self, prices: list[str], fires: bool) -> None:  # noqa: FBT001
        values = {"lowest_price": Decimal(60), "highest_price": Decimal(80), "reference_price": Decimal(79)}
        found = said(buy_count=len(prices), buy_prices=[Decimal(price) for price in prices], **values)
        assert (PEAKS in found) is fires

    def test_where_the_price_stood_still_there_is_no_peak(self) -> None:
        assert said(buy_count=3, buy_prices=[Decimal(65)] * 3) == [BALANCED]

    def test_none_of_them_is_balanced(self) -> None:
        assert said() == [BALANCED]
        assert said(buy_count=0, holding=Decimal(0), bought=Decimal(0)) == [BALANCED]

    def test_all_that_fire_speak_in_order(self) -> None:
        found = said(
            buy_count=4,
            sell_count=3,
            bought_value=Decimal(80),
            buy_prices=[Decimal(80)] * 4,
            lowest_price=Decimal(60),
            highest_price=Decimal(80),
        )
        assert found == [OFTEN, ABOVE, PEAKS, SELLS]
        assert [rule.text for rule in rules.RULES] == [OFTEN, ABOVE, PEAKS, SELLS, IDLE]


class TestSignals:
    def test_are_zero_where_there_is_nothing_to_divide_by(self) -> None:
        found = of(
            buy_count=0, bought=Decimal(0), bought_value=Decimal(0), gross=0, fees=0, bought_so_far=Decimal(0),
            bought_value_so_far=Decimal(0), buy_prices=[], reference_price=None,
        )  # fmt: skip
        assert found.average_buy_price_eur_per_gram == found.average_sell_price_eur_per_gram == 0
        assert found.sell_after_buy_ratio == found.fee_drag_percent == found.average_cost_eur_per_gram == 0
        assert found.reference_price_eur_per_gram == found.market_over_cost_percent == found.peak_buy_share == 0

    def test_average_by_grams(self) -> None:
        found = of(bought=Decimal("3"), bought_value=Decimal("200"), sold=Decimal(4), sold_value=Decimal(270))
        assert found.average_buy_price_eur_per_gram == Decimal("66.66666667")
        assert found.average_sell_price_eur_per_gram == Decimal("67.5")

    def test_count_buys_per_seven_days(self) -> None:
        assert of(buy_count=4).buy_frequency_per_week == 4
        assert of(buy_count=4, frequency="daily").buy_frequency_per_week == 28

    def test_compare_cost_and_market(self) -> None:
        found = of(bought_so_far=Decimal(2), bought_value_so_far=Decimal(100), reference_price=Decimal(65))
        assert (found.average_cost_eur_per_gram, found.market_over_cost_percent) == (Decimal(50), Decimal(30))

    def test_say_what_fees_take(self) -> None:
        assert of(gross=10_000, fees=50).fee_drag_percent == Decimal("0.5")

    def test_never_count_days_backwards(self) -> None:
        assert of(last_trade_on=date(2026, 4, 6)).inactivity_days == 0
        assert of(last_trade_on=date(2026, 3, 30)).inactivity_days == 6


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("5.25", b"5.25"), ("1.00000000", b"1"), ("0", b"0"), ("100", b"100"), ("0.10", b"0.1"), ("-1.50", b"-1.5"),
        ("0E-8", b"0"), ("1E+3", b"1000"), ("1234567890123456.12345678", b"1234567890123456.12345678"),
    ],
)  # fmt: skip
def test_numbers_have_the_digits_that_they_have(value: str, text: bytes) -> None:
    assert orjson.dumps(number(Decimal(value))) == text
