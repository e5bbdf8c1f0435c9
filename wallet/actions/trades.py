"""Buying and selling. Always in this order: lock, replay, check, write, record."""

from uuid import UUID

from aurix.action import COMMIT, frugal_action
from aurix.actor import Actor
from aurix.errors import IdempotencyKeyReused, Refusal
from wallet import ledger, locks, markets, policies, pricing, queries
from wallet.entries import Entry
from wallet.errors import QuoteNotFound
from wallet.pricing import Deal, Order


@frugal_action
def trade(*, by: Actor, order: Order, key: str, fingerprint: bytes) -> tuple[Entry, bool]:
    """Exchange euros and gold at the current price. Returns the entry and whether it is a replay.

    Nearly every trade is done at once: computed from the price and terms last seen, and written by the database if
    nothing speaks against it. Whatever does not pass there is done, or refused, at the desk, step by step.

    ``fingerprint`` is the hash of what the client sent: a key that was used for something else is refused.
    Raises: IdempotencyKeyReused, WalletFrozen, InsufficientBalance, InsufficientGold, AmountBelowMinimum,
    AmountAboveMaximum, QuoteNotFound, PriceUnavailable, and what ``locks.trading_desk`` raises.
    """
    if entry := _at_once(by=by, order=order, key=key, fingerprint=fingerprint):
        return entry, False
    desk = locks.trading_desk(actor=by, side=order.side, key=key)
    if desk.replayed_id:
        return _replay(by.tenant_id, desk.replayed_id, fingerprint), True
    policies.check_can_trade(desk)
    if order.quote_id:
        raise QuoteNotFound  # none are issued yet
    deal = pricing.deal(order, price=desk.market.price, fees=desk.market.fees(order.side))
    policies.check_can_afford(desk, deal)
    entry = ledger.post(
        _posting(deal),
        tenant_id=by.tenant_id,
        wallet_id=desk.wallet_id,
        actor_id=by.user_id,
        key=key,
        fingerprint=fingerprint,
        then=COMMIT,
    )
    markets.remember(desk.market, tenant_id=by.tenant_id)
    return entry, False


def _at_once(*, by: Actor, order: Order, key: str, fingerprint: bytes) -> Entry | None:
    """The whole trade in one round trip; None, and nothing done, when it needs a closer look."""
    market = markets.last_seen(tenant_id=by.tenant_id)
    if market is None or order.quote_id:
        return None
    try:
        deal = pricing.deal(order, price=market.price, fees=market.fees(order.side))
    except Refusal:
        return None  # it may be lawful at the price that is in force by now
    return ledger.trade(_posting(deal), by=by, market=market, key=key, fingerprint=fingerprint)


def _posting(deal: Deal) -> ledger.Posting:
    return ledger.Posting(
        kind=deal.side,
        gold_delta=deal.gold_delta,
        cash_delta=deal.cash_delta,
        price=deal.price,
        gross=deal.gross,
        fee=deal.fee,
    )


def _replay(tenant_id: UUID, entry_id: UUID, fingerprint: bytes) -> Entry:
    entry, first_fingerprint = queries.entry_with_fingerprint(tenant_id, entry_id)
    if first_fingerprint != fingerprint:
        raise IdempotencyKeyReused
    return entry
