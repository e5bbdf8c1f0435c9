"""A customer's life by Hypothesis: any sequence of calls over the API, against a model in plain fractions."""

from decimal import Decimal
from fractions import Fraction
from math import ceil, floor
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, multiple, rule, run_state_machine_as_test

from aurix import clock
from aurix.tests.cast import Person, person
from tenants.queries import TenantView
from wallet.actions import prices, verification

FEE_RATE, MIN_FEE = Fraction(5, 1000), 50
grams = st.integers(1, 50 * 10**8).map(lambda grains: f"{Decimal(grains).scaleb(-8):f}")
euros = st.integers(1, 3_000_00).map(lambda cents: f"{cents // 100}.{cents % 100:02d}")


def fee(gross: int) -> int:
    return max(MIN_FEE, floor(gross * FEE_RATE + Fraction(1, 2)))


class Customer(RuleBasedStateMachine):
    """What the model knows: cents, grams, the price, and every receipt by its key."""

    tenant: TenantView
    done = Bundle("done")

    def __init__(self) -> None:
        super().__init__()
        self.person: Person = person("model", self.tenant)
        self.cash, self.gold = 10_000_00, Fraction(0)
        self.price = Fraction(65)
        self.receipts: list[dict[str, Any]] = []
        prices.set_price(price=Decimal(65), now=clock.now())

    @rule(cents=st.integers(10_00, 200_00))
    def price_moves(self, cents: int) -> None:
        prices.set_price(price=Decimal(cents) / 100, now=clock.now())
        self.price = Fraction(cents, 100)

    @rule(target=done, weight=grams)
    def buy_grams(self, weight: str) -> Any:
        gross = ceil(Fraction(weight) * self.price * 100)
        total = gross + fee(gross)
        answer, key = self._trade("buy", grams=weight)
        if total > self.cash:
            return self._refused(answer, "insufficient_balance")
        return self._booked(answer, key, "buy", {"grams": weight}, -total, Fraction(weight))

    @rule(target=done, amount=euros)
    def buy_euros(self, amount: str) -> Any:
        total = int(Fraction(amount) * 100)
        answer, key = self._trade("buy", eur=amount)
        if total <= MIN_FEE:
            return self._refused(answer, "amount_below_minimum")
        if total > self.cash:
            return self._refused(answer, "insufficient_balance")
        bought = Fraction(answer.json()["transaction"]["gold_grams"])
        assert bought * self.price * 100 <= total
        return self._booked(answer, key, "buy", {"eur": amount}, -total, bought)

    @rule(target=done, weight=grams)
    def sell_grams(self, weight: str) -> Any:
        gross = floor(Fraction(weight) * self.price * 100)
        answer, key = self._trade("sell", grams=weight)
        if gross - fee(gross) <= 0:
            return self._refused(answer, "amount_below_minimum")
        if Fraction(weight) > self.gold:
            return self._refused(answer, "insufficient_gold")
        return self._booked(answer, key, "sell", {"grams": weight}, gross - fee(gross), -Fraction(weight))

    @rule(receipt=done)
    def retry(self, receipt: tuple[str, str, dict[str, str], bytes]) -> None:
        side, key, order, content = receipt
        answer = self.person.post(f"/wallet/{side}", order, Idempotency_Key=key)
        assert (answer.status_code, answer.content) == (200, content)
        assert answer["Idempotency-Replayed"] == "true"

    @rule(receipt=done)
    def reuse_the_key(self, receipt: tuple[str, str, dict[str, str], bytes]) -> None:
        side, key, _, _ = receipt
        answer = self.person.post(f"/wallet/{side}", {"grams": "77"}, Idempotency_Key=key)
        self._refused(answer, "idempotency_key_reused")

    @rule(limit=st.integers(1, 5))
    def page_through_everything(self, limit: int) -> None:
        seen: list[dict[str, Any]] = []
        path: str | None = f"/transactions?limit={limit}"
        while path:
            page = self.person.get(path).json()
            seen += page["items"]
            path = f"/transactions?limit={limit}&cursor={page['next_cursor']}" if page["next_cursor"] else None
        assert [item["id"] for item in seen] == [receipt["transaction"]["id"] for receipt in reversed(self.receipts)]

    @invariant()
    def the_wallet_is_the_model(self) -> None:
        wallet = self.person.get("/wallet").json()
        assert Fraction(wallet["fiat_balance_eur"]) * 100 == self.cash
        assert Fraction(wallet["gold_balance_grams"]) == self.gold
        assert Fraction(wallet["gold_price_eur"]) == self.price

    def teardown(self) -> None:
        assert verification.verify(tenant_id=self.tenant.id).discrepancies == []

    def _trade(self, side: str, **order: str) -> tuple[Any, str]:
        key = str(uuid4())
        return self.person.post(f"/wallet/{side}", order, Idempotency_Key=key), key

    def _refused(self, answer: Any, code: str) -> Any:
        assert (answer.status_code, answer.json()["error"]["code"]) == (422, code)
        return multiple()

    def _booked(self, answer: Any, key: str, side: str, order: dict[str, str], cash: int, gold: Fraction) -> Any:
        assert answer.status_code == 200, answer.content
        self.cash += cash
        self.gold += gold
        receipt = answer.json()
        self.receipts.append(receipt)
        assert Fraction(receipt["wallet"]["fiat_balance_eur"]) * 100 == self.cash
        assert Fraction(receipt["wallet"]["gold_balance_grams"]) == self.gold
        return (side, key, order, answer.content)


@pytest.mark.slow
def test_any_sequence_of_calls_agrees_with_the_model(tenant: TenantView) -> None:
    machine = type("Machine", (Customer,), {"tenant": tenant})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=25,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )
