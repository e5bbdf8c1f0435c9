"""What a customer may do. Each rule raises the reason, with what is required and what there is."""

from aurix import money
from wallet.errors import InsufficientBalance, InsufficientGold, WalletFrozen
from wallet.locks import Desk
from wallet.pricing import Deal


def check_can_trade(desk: Desk) -> None:
    """Raises: WalletFrozen."""
    if desk.frozen_reason:
        raise WalletFrozen


def check_can_afford(desk: Desk, deal: Deal) -> None:
    """Raises: InsufficientBalance, InsufficientGold."""
    if desk.available + deal.cash_delta < 0:
        details = {"required": money.format_cents(deal.total), "available": money.format_cents(desk.available)}
        raise InsufficientBalance(details=details)
    if desk.gold + deal.gold_delta < 0:
        details = {"required": money.format_grams(deal.grams), "available": money.format_grams(desk.gold)}
        raise InsufficientGold(details=details)
