"""Money by Hypothesis: every price against an oracle in exact fractions, written from the contract alone."""

from decimal import Decimal
from fractions import Fraction
from math import ceil, floor

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from aurix import money
from wallet import pricing
from wallet.errors import AmountAboveMaximum, AmountBelowMinimum
from wallet.pricing import Deal, Fees, Order

GRAIN = Decimal("0.00000001")
grams = st.integers(1, 10**13).map(lambda grains: Decimal(grains) * GRAIN)
prices = st.integers(10**8, 10**13).map(lambda units: Decimal(units) * GRAIN)
cents = st.integers(1, 10**11)
fees = st.builds(
    Fees, rate=st.integers(0, 10**8 - 1).map(lambda units: Decimal(units) * GRAIN), minimum=st.integers(0, 10**6)
)
usual_fees = st.builds(
    Fees, rate=st.sampled_from([Decimal("0.005"), Decimal("0.0125"), Decimal(0)]), minimum=st.just(50)
)


def half_up(value: Fraction) -> int:
    return floor(value + Fraction(1, 2))


def fee_on(gross: int, fees: Fees) -> int:
    return max(fees.minimum, half_up(gross * Fraction(fees.rate)))


def priced(order: Order, price: Decimal, fees: Fees) -> Deal | None:
    try:
        return pricing.deal(order, price=price, fees=fees)
    except (AmountBelowMinimum, AmountAboveMaximum):
        return None


class TestByGrams:
    @given(grams=grams, price=prices, fees=fees)
    @example(grams=Decimal("1.25"), price=Decimal(65), fees=Fees(rate=Decimal("0.005"), minimum=50))
    def test_buy_equals_the_oracle(self, grams: Decimal, price: Decimal, fees: Fees) -> None:
        gross = ceil(Fraction(grams) * Fraction(price) * 100)
        deal = priced(Order("buy", grams=grams), price, fees)
        if gross > pricing.MAX_CENTS:
            assert deal is None
        else:
            assert deal == Deal("buy", grams, price, gross, fee_on(gross, fees))

    @given(grams=grams, price=prices, fees=fees)
    def test_sell_equals_the_oracle(self, grams: Decimal, price: Decimal, fees: Fees) -> None:
        gross = floor(Fraction(grams) * Fraction(price) * 100)
        deal = priced(Order("sell", grams=grams), price, fees)
        if gross > pricing.MAX_CENTS or gross - fee_on(gross, fees) <= 0:
            assert deal is None
        else:
            assert deal == Deal("sell", grams, price, gross, fee_on(gross, fees))

    def test_the_contract_s_example(self) -> None:
        deal = priced(Order("buy", grams=Decimal("1.25")), Decimal(65), Fees(rate=Decimal("0.005"), minimum=50))
        assert deal is not None
        assert (deal.gross, deal.fee, deal.total) == (8125, 50, 8175)


class TestByEuros:
    @given(total=cents, price=prices, fees=fees)
    def test_a_buyer_pays_exactly_what_was_named(self, total: int, price: Decimal, fees: Fees) -> None:
        if deal := priced(Order("buy", cents=total), price, fees):
            assert deal.total == total
            assert deal.gross == ceil(Fraction(deal.grams) * Fraction(price) * 100)

    @given(total=cents, price=prices, fees=fees)
    def test_a_buyer_s_fee_is_the_formula_s_or_a_cent_less_where_none_fits(
        self, total: int, price: Decimal, fees: Fees
    ) -> None:
        if deal := priced(Order("buy", cents=total), price, fees):
            formula = fee_on(deal.gross, fees)
            if deal.fee != formula:
                assert deal.fee == formula - 1
                assert all(
                    gross + fee_on(gross, fees) != total for gross in (deal.gross - 1, deal.gross, deal.gross + 1)
                )

    @given(total=cents, price=prices, fees=fees)
    def test_a_buyer_gets_all_the_gold_that_gross_pays_for(self, total: int, price: Decimal, fees: Fees) -> None:
        if deal := priced(Order("buy", cents=total), price, fees):
            assert Fraction(deal.grams) * Fraction(price) * 100 <= deal.gross
            assert Fraction(deal.grams + GRAIN) * Fraction(price) * 100 > deal.gross

    @given(net=cents, price=prices, fees=fees)
    def test_a_seller_receives_exactly_what_was_named(self, net: int, price: Decimal, fees: Fees) -> None:
        if deal := priced(Order("sell", cents=net), price, fees):
            assert deal.total == net
            assert deal.fee == fee_on(deal.gross, fees)
            assert deal.gross == floor(Fraction(deal.grams) * Fraction(price) * 100)

    @given(net=cents, price=prices, fees=usual_fees)
    def test_a_seller_gives_no_more_gold_than_needed(self, net: int, price: Decimal, fees: Fees) -> None:
        deal = priced(Order("sell", cents=net), price, fees)
        assert deal is not None
        less = priced(Order("sell", grams=deal.grams - GRAIN), price, fees) if deal.grams > GRAIN else None
        assert less is None or less.total < net

    @pytest.mark.parametrize("total", [1, 49, 50])
    def test_refuses_a_buy_that_the_fee_eats_up(self, total: int) -> None:
        with pytest.raises(AmountBelowMinimum):
            pricing.deal(Order("buy", cents=total), price=Decimal(65), fees=Fees(rate=Decimal(0), minimum=50))


class TestRoundTrips:
    @given(grams=grams, price=prices, fees=fees)
    def test_buying_and_selling_the_same_gold_never_profits(self, grams: Decimal, price: Decimal, fees: Fees) -> None:
        bought, sold = priced(Order("buy", grams=grams), price, fees), priced(Order("sell", grams=grams), price, fees)
        if bought and sold:
            assert sold.total <= bought.total

    @given(total=cents, price=prices, fees=fees)
    def test_spending_and_selling_it_all_never_profits(self, total: int, price: Decimal, fees: Fees) -> None:
        bought = priced(Order("buy", cents=total), price, fees)
        sold = priced(Order("sell", grams=bought.grams), price, fees) if bought else None
        if sold:
            assert sold.total <= total

    @given(net=cents, price=prices, fees=fees)
    def test_selling_and_buying_back_never_profits(self, net: int, price: Decimal, fees: Fees) -> None:
        sold = priced(Order("sell", cents=net), price, fees)
        back = priced(Order("buy", cents=net), price, fees) if sold else None
        if sold and back:
            assert back.grams <= sold.grams


class TestAmounts:
    @pytest.mark.parametrize(
        "text",
        ["", " 1", "1 ", "+1", "-1", "1e3", ".5", "1.", "1,5", "NaN", "Infinity", "0x1", "\u0661", "1_0", "1.123"],
    )
    def test_refuses_what_is_not_plain_euros(self, text: str) -> None:
        with pytest.raises(money.AmountError):
            money.parse_decimal(text, places=2)

    @given(amount=st.integers(0, 10**18))
    def test_cents_survive_writing_and_reading(self, amount: int) -> None:
        assert money.cents(money.parse_decimal(money.format_cents(amount), places=2)) == amount

    @given(grams=grams)
    def test_grams_survive_writing_and_reading(self, grams: Decimal) -> None:
        text = money.format_grams(grams)
        assert money.parse_decimal(text, places=8) == grams
        assert len(text.partition(".")[2]) == 8
