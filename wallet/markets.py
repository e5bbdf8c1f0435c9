"""What this process last saw of each tenant's market: the price and the terms that were in force at a trade.

A trade is computed from it before the database is asked, and is written only if the database finds, under the wallet's
lock, that both are still in force. So it may be as old as it likes, and needs no expiry and no invalidation.
"""

from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from wallet.pricing import Fees, Side


@dataclass(frozen=True, slots=True)
class Market:
    """A price (euros per gram) and a tenant's terms, each with the number that identifies it."""

    price_id: int
    price: Decimal
    terms_version: int
    buy_fees: Fees
    sell_fees: Fees

    def fees(self, side: Side) -> Fees:
        """What a trade of that side pays."""
        return self.buy_fees if side == "buy" else self.sell_fees


_seen: dict[UUID, Market] = {}


def last_seen(*, tenant_id: UUID) -> Market | None:
    """The tenant's market as of the last look at it; None before the first."""
    return _seen.get(tenant_id)


def remember(market: Market, *, tenant_id: UUID) -> None:
    """Keep what was just seen."""
    _seen[tenant_id] = market
