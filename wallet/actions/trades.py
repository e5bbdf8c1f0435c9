"""Buying and selling. Always in this order: lock, replay, check, write."""

from uuid import UUID

from aurix.action import COMMIT, frugal_action
from aurix.actor import Actor
from aurix.errors import IdempotencyKeyReused
from wallet import ledger, locks, policies, pricing, queries
from wallet.entries import Entry
from wallet.errors import QuoteNotFound
from wallet.pricing import Order


@frugal_action
def trade(*, by: Actor, order: Order, key: str, fingerprint: bytes) -> tuple[Entry, bool]:
    """Exchange euros and gold at the current price. Returns the entry and whether it is a replay.

    ``fingerprint`` is the hash of what the client sent: a key that was used for something else is refused.
    Raises: IdempotencyKeyReused, WalletFrozen, InsufficientBalance, InsufficientGold, AmountBelowMinimum,
    AmountAboveMaximum, QuoteNotFound, PriceUnavailable, and what ``locks.trading_desk`` raises.
    """
    desk = locks.trading_desk(actor=by, side=order.side, key=key)
    if desk.replayed_id:
        return _replay(desk.actor.tenant_id, desk.replayed_id, fingerprint), True
    policies.check_can_trade(desk)
    if order.quote_id:
        raise QuoteNotFound  # none are issued yet
    deal = pricing.deal(order, price=desk.price, fees=desk.fees)
    policies.check_can_afford(desk, deal)
    posting = ledger.Posting(
        kind=deal.side,
        gold_delta=deal.gold_delta,
        cash_delta=deal.cash_delta,
        price=deal.price,
        gross=deal.gross,
        fee=deal.fee,
    )
    entry = ledger.post(
        posting,
        tenant_id=by.tenant_id,
        wallet_id=desk.wallet_id,
        actor_id=by.user_id,
        key=key,
        fingerprint=fingerprint,
        then=COMMIT,
    )
    return entry, False


def _replay(tenant_id: UUID, entry_id: UUID, fingerprint: bytes) -> Entry:
    entry, first_fingerprint = queries.entry_with_fingerprint(tenant_id, entry_id)
    if first_fingerprint != fingerprint:
        raise IdempotencyKeyReused
    return entry
