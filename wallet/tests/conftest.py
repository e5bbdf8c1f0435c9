"""Trades done both ways: at once, from the market last seen, and step by step at the desk."""

from typing import Any
from uuid import UUID

import pytest

from aurix.tests.attacks import sql
from aurix.tests.cast import Person, person
from wallet import markets
from wallet.markets import Market
from wallet.pricing import Fees


def market_in_force(tenant_id: UUID) -> Market | None:
    """What a process that has just traded knows; None where there is no price."""
    with sql("superuser") as connection:
        price = connection.execute("SELECT id, price FROM wallet_goldprice ORDER BY id DESC LIMIT 1").fetchone()
        terms = connection.execute(
            "SELECT version, min_fee_cents, buy_fee_rate, sell_fee_rate FROM tenants_terms WHERE tenant_id = %s"
            " ORDER BY version DESC LIMIT 1",
            [tenant_id],
        ).fetchone()
    if price is None:
        return None
    assert terms
    price_id, euros = price
    version, minimum, buy_rate, sell_rate = terms
    return Market(price_id, euros, version, Fees(buy_rate, minimum), Fees(sell_rate, minimum))


@pytest.fixture(params=["at once", "at the desk"])
def both_ways(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every trade of the test begins with the market known, or with nothing known."""

    def last_seen(*, tenant_id: UUID) -> Any:
        return market_in_force(tenant_id) if request.param == "at once" else None

    monkeypatch.setattr(markets, "last_seen", last_seen)


@pytest.fixture
def sam(tom: Person) -> Person:
    """A second member of the tenant's staff."""
    return person("sam", tom.tenant, role="tenant_admin")
