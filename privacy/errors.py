"""Refusals of the calls about privacy."""

from aurix.errors import Refusal


class NotReady(Refusal):
    status = 409
    code = "export_not_ready"
    message = "This export is not ready yet, or not any more."


class BalanceRemaining(Refusal):
    status = 409
    code = "balance_remaining"
    message = "Sell your gold and withdraw your euros first; then ask again."
