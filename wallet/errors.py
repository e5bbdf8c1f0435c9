"""Why a movement is refused; codes and statuses are the contract's."""

from aurix.errors import Refusal


class InvalidAmount(Refusal):
    code = "invalid_amount"
    message = "The amount is not valid."


class _Unprocessable(Refusal):
    status = 422


class InsufficientBalance(_Unprocessable):
    code = "insufficient_balance"
    message = "There are not enough euros in the wallet."


class InsufficientGold(_Unprocessable):
    code = "insufficient_gold"
    message = "There is not enough gold in the wallet."


class AmountBelowMinimum(_Unprocessable):
    code = "amount_below_minimum"
    message = "The amount is too small: nothing would be left after the fee."


class AmountAboveMaximum(_Unprocessable):
    code = "amount_above_maximum"
    message = "The amount is larger than any trade can be."


class QuoteNotFound(_Unprocessable):
    code = "quote_not_found"
    message = "There is no such quote."


class WalletFrozen(Refusal):
    status = 403
    code = "wallet_frozen"
    message = "This wallet is frozen. Please contact your provider."


class PriceUnavailable(Refusal):
    status = 503
    code = "price_unavailable"
    message = "There is no price for gold right now. Please try again."
