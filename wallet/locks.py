"""Everything that locks: the only place with ``select_for_update``. A trade locks its own wallet and nothing else."""

from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from django.db import connection

from aurix import standing
from aurix.action import BEGIN
from aurix.actor import Actor
from aurix.errors import NotFound
from wallet.errors import PriceUnavailable
from wallet.markets import Market
from wallet.pricing import Fees, Side

_DESK = """
SELECT standing, wallet_id, gold, cash, held, frozen_reason, replayed_id, price_id, price, terms_version, min_fee_cents,
       buy_fee_rate, sell_fee_rate
  FROM wallet_desk(%s, %s, %s, %s, %s)
"""
_PRICE_LOCK = 7_235_110_002


@dataclass(frozen=True, slots=True)
class Desk:
    """A locked wallet with all that a trade depends on, as of after the lock. ``available`` cents may be spent."""

    wallet_id: UUID
    gold: Decimal
    available: int
    frozen_reason: str
    replayed_id: UUID | None
    market: Market


def trading_desk(*, actor: Actor, side: Side, key: str) -> Desk:
    """Begin, enter the actor's tenant, lock the wallet for a trade, and check the actor's standing: one round trip.

    Raises: TokenRevoked, AccountDisabled, TenantInactive, Unauthorized, NotFound (no wallet), PriceUnavailable.
    """
    with connection.cursor() as cursor:
        cursor.execute(BEGIN + _DESK, [actor.tenant_id, actor.user_id, actor.session_id, side, key])
        cursor.nextset()
        state, wallet_id, gold, cash, held, frozen, replayed, *market = cursor.fetchone()
    standing.check(state)
    if wallet_id is None:
        raise NotFound("This account has no wallet.")
    price_id, price, version, minimum, *rates = market
    if price_id is None and replayed is None:
        raise PriceUnavailable
    seen = Market(price_id, price, version, *(Fees(rate=rate, minimum=minimum) for rate in rates))
    return Desk(wallet_id, gold, cash - held, frozen, replayed, seen)


def price_history() -> None:
    """Let one transaction at a time set the price, so that ids, times and commits have the same order."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_PRICE_LOCK])
