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


class InvalidIban(Refusal):
    code = "invalid_iban"
    message = "This is not an IBAN."


class IbanNotRegistered(_Unprocessable):
    code = "iban_not_registered"
    message = "Register this bank account first: POST /bank-accounts."


class _Conflict(Refusal):
    status = 409


class WrongState(_Conflict):
    """Somebody else was faster, or it is too early; ``details.status`` says where it stands."""

    code = "wrong_state"
    message = "This cannot be done in its present state."


class SecondPersonNeeded(Refusal):
    status = 403
    code = "second_person_needed"
    message = "Another member of staff must approve it."


class OwnWithdrawal(Refusal):
    status = 403
    code = "own_withdrawal"
    message = "Nobody approves a withdrawal of his own."


class NoSettlementAccount(_Unprocessable):
    code = "no_settlement_account"
    message = "The organisation has named no bank account to pay from yet."


class NothingToExport(_Unprocessable):
    code = "nothing_to_export"
    message = "No payment is waiting to be sent."


class StatementRefused(_Unprocessable):
    """A bank statement that is not understood, or not this tenant's."""

    code = "statement_refused"
    message = "This bank statement cannot be imported."


class CannotBeReturned(_Unprocessable):
    code = "cannot_be_returned"
    message = "Only euros that came from a known IBAN can be sent back."


class AmountDiffers(_Unprocessable):
    code = "amount_differs"
    message = "The amounts are not the same."


class OwnAddress(_Unprocessable):
    code = "own_address"
    message = "This is your own email address."


class TransferExpired(_Unprocessable):
    code = "transfer_expired"
    message = "The transfer has expired; the gold goes back to its sender."


class NotReversible(_Unprocessable):
    code = "not_reversible"
    message = "Only a buy or a sell can be reversed."


class OwnTrade(Refusal):
    status = 403
    code = "own_trade"
    message = "Nobody decides on a trade of his own."
