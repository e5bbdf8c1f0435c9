"""Input and output of the calls about deposits, withdrawals and bank accounts. Euros are strings with 2 places."""

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request

from aurix import clock, money, sepa
from aurix.api import cursors
from aurix.api.serializers import DecimalString, StrictChar, StrictSerializer, StrictUUID, read
from aurix.errors import BadRequest
from tenants.queries import SettlementAccountView
from wallet import references
from wallet.actions.statements import Choice, Imported
from wallet.errors import AmountAboveMaximum, InvalidAmount, InvalidIban
from wallet.models import BankAccount, BankLine, Deposit, PaymentFile, Withdrawal

_REASON = 200


class BankAccountInput(StrictSerializer):
    iban = StrictChar(max_length=sepa.LONGEST_IBAN, help_text="of the SEPA area; spaces are allowed")
    holder_name = StrictChar(max_length=70, help_text="whose account it is, in Latin letters")


class BankAccountOutput(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    iban = serializers.CharField()
    holder_name = serializers.CharField()
    created_at = serializers.DateTimeField()


class BankAccountsOutput(serializers.Serializer[Any]):
    items = BankAccountOutput(many=True)
    next_cursor = serializers.CharField(allow_null=True)


class DepositInput(StrictSerializer):
    eur = DecimalString(places=2, otherwise=InvalidAmount, help_text="what will be transferred")


class DepositOutput(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    status = serializers.ChoiceField(Deposit.Status.choices)
    eur = serializers.CharField(help_text="as announced")
    received_eur = serializers.CharField(help_text="what has come; null until then", allow_null=True)
    reference = serializers.CharField(help_text="to be given with the bank transfer: ISO 11649")
    transaction_id = serializers.UUIDField(help_text="null until it is received", allow_null=True)
    created_at = serializers.DateTimeField()


class PayToOutput(serializers.Serializer[Any]):
    holder_name = serializers.CharField()
    iban = serializers.CharField()
    bic = serializers.CharField(allow_null=True)


class DepositDetailOutput(DepositOutput):
    pay_to = PayToOutput(allow_null=True, help_text="null before the organisation has named its account")


class DepositsOutput(serializers.Serializer[Any]):
    items = DepositOutput(many=True)
    next_cursor = serializers.CharField(allow_null=True)


class WithdrawalInput(StrictSerializer):
    eur = DecimalString(places=2, otherwise=InvalidAmount)
    iban = StrictChar(max_length=sepa.LONGEST_IBAN, help_text="of a bank account that was registered before")


class WithdrawalOutput(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    status = serializers.ChoiceField(Withdrawal.Status.choices)
    eur = serializers.CharField()
    bank_account_id = serializers.UUIDField()
    iban_ending = serializers.CharField(help_text="its last 4 characters")
    reason = serializers.CharField(help_text="of a rejection or return; else null", allow_null=True)
    transaction_id = serializers.UUIDField(help_text="null until it is settled", allow_null=True)
    created_at = serializers.DateTimeField()


class WithdrawalsOutput(serializers.Serializer[Any]):
    items = WithdrawalOutput(many=True)
    next_cursor = serializers.CharField(allow_null=True)


class RecordInput(StrictSerializer):
    wallet_id = StrictUUID()
    eur = DecimalString(places=2, otherwise=InvalidAmount)
    note = StrictChar(max_length=_REASON, help_text="where the money came from")


class ReceiveInput(StrictSerializer):
    eur = DecimalString(
        places=2, otherwise=InvalidAmount, required=False, help_text="where it is not what was announced"
    )


class ReasonInput(StrictSerializer):
    reason = StrictChar(max_length=_REASON)


class StaffDepositOutput(DepositOutput):
    wallet_id = serializers.UUIDField()
    note = serializers.CharField(allow_null=True)
    recorded_by = serializers.UUIDField(allow_null=True)


class StaffDepositsOutput(serializers.Serializer[Any]):
    items = StaffDepositOutput(many=True)
    next_cursor = serializers.CharField(allow_null=True)


class StaffWithdrawalOutput(WithdrawalOutput):
    wallet_id = serializers.UUIDField()
    user_id = serializers.UUIDField()
    iban = serializers.CharField()
    holder_name = serializers.CharField()
    approvals_needed = serializers.IntegerField()
    first_approved_by = serializers.UUIDField(allow_null=True)
    approved_by = serializers.UUIDField(allow_null=True)
    payment_file_id = serializers.UUIDField(allow_null=True)
    return_transaction_id = serializers.UUIDField(allow_null=True)


class StaffWithdrawalsOutput(serializers.Serializer[Any]):
    items = StaffWithdrawalOutput(many=True)
    next_cursor = serializers.CharField(allow_null=True)


class PaymentFileOutput(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    orders = serializers.IntegerField()
    eur = serializers.CharField(help_text="their sum")
    made_by = serializers.UUIDField()
    document_url = serializers.CharField(help_text="pain.001.001.09")
    created_at = serializers.DateTimeField()


class PaymentFilesOutput(serializers.Serializer[Any]):
    items = PaymentFileOutput(many=True)
    next_cursor = serializers.CharField(allow_null=True)


class ImportedOutput(serializers.Serializer[Any]):
    lines = serializers.IntegerField(help_text="in the file")
    new = serializers.IntegerField(help_text="of those, the ones that had not been imported before")
    matched = serializers.IntegerField(help_text="of the new ones; the others wait for the staff")


class BankLineOutput(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    status = serializers.ChoiceField(BankLine.Status.choices)
    booked_on = serializers.DateField()
    amount = serializers.CharField(help_text="2 places; negative: out of the account")
    currency = serializers.CharField()
    remittance = serializers.CharField()
    party_name = serializers.CharField()
    party_iban = serializers.CharField()
    end_to_end_id = serializers.CharField()
    bank_reference = serializers.CharField()
    deposit_id = serializers.UUIDField(allow_null=True)
    withdrawal_id = serializers.UUIDField(allow_null=True)
    payment_file_id = serializers.UUIDField(allow_null=True)
    decided_by = serializers.UUIDField(allow_null=True)


class BankLinesOutput(serializers.Serializer[Any]):
    items = BankLineOutput(many=True)
    next_cursor = serializers.CharField(allow_null=True)


class MatchInput(StrictSerializer):
    """Exactly one of the three."""

    deposit_id = StrictUUID(required=False)
    withdrawal_id = StrictUUID(required=False)
    wallet_id = StrictUUID(required=False)


def read_cents(values: dict[str, Any]) -> int:
    """The field ``eur``. Raises: InvalidAmount, AmountAboveMaximum."""
    cents = money.cents(values["eur"])
    if not cents:
        raise InvalidAmount("eur must be above 0.", details={"fields": {"eur": "must be above 0"}})
    if cents > sepa.MOST_CENTS:
        raise AmountAboveMaximum("The amount is larger than a bank transfer can be.")
    return cents


def read_iban(text: str) -> str:
    """Raises: InvalidIban."""
    try:
        return sepa.parse_iban(text)
    except sepa.IbanError as problem:
        raise InvalidIban(f"iban {problem}.", details={"fields": {"iban": str(problem)}}) from problem


def read_bank_account(request: Request) -> tuple[str, str]:
    """IBAN and holder's name in a request's body. Raises: BadRequest, InvalidIban."""
    values = read(BankAccountInput, request=request)
    name = " ".join(values["holder_name"].split())
    if not sepa.is_latin_name(name):
        reason = "must be written in Latin letters"
        raise BadRequest(f"holder_name {reason}.", details={"fields": {"holder_name": reason}})
    return read_iban(values["iban"]), name


def read_choice(request: Request) -> Choice:
    """What to match a line with. Raises: BadRequest."""
    values = read(MatchInput, request=request)
    if len(values) != 1:
        raise BadRequest("Give exactly one of deposit_id, withdrawal_id and wallet_id.")
    return Choice(**values)


def read_status(request: Request, *, options: list[str]) -> str | None:
    """The query parameter ``status``. Raises: BadRequest."""
    status = cursors.single(request, "status")
    if status is not None and status not in options:
        reason = f"must be one of {', '.join(options)}"
        raise BadRequest(f"status {reason}.", details={"fields": {"status": reason}})
    return status


def bank_account(row: BankAccount) -> dict[str, Any]:
    """An item of ``GET /bank-accounts``."""
    return {
        "id": str(row.id),
        "iban": row.iban,
        "holder_name": row.holder_name,
        "created_at": clock.rfc3339(row.created_at),
    }


def deposit(row: Deposit) -> dict[str, Any]:
    """A deposit as its owner sees it."""
    return {
        "id": str(row.id),
        "status": str(row.status),
        "eur": money.format_cents(row.cents),
        "received_eur": money.format_cents(row.received_cents) if row.received_cents else None,
        "reference": references.formatted(row.reference),
        "transaction_id": _text(row.entry_id),
        "created_at": clock.rfc3339(row.created_at),
    }


def deposit_detail(row: Deposit, account: SettlementAccountView | None) -> dict[str, Any]:
    """The same with where to transfer the money."""
    to = {"holder_name": account.holder_name, "iban": account.iban, "bic": account.bic or None} if account else None
    return {**deposit(row), "pay_to": to}


def staff_deposit(row: Deposit) -> dict[str, Any]:
    """A deposit as the staff see it."""
    return {
        **deposit(row),
        "wallet_id": str(row.wallet_id),
        "note": row.note or None,
        "recorded_by": _text(row.recorded_by),
    }


def withdrawal(row: Withdrawal) -> dict[str, Any]:
    """A withdrawal as its owner sees it."""
    return {
        "id": str(row.id),
        "status": str(row.status),
        "eur": money.format_cents(row.cents),
        "bank_account_id": str(row.bank_account_id),
        "iban_ending": row.iban[-4:],
        "reason": row.reason or None,
        "transaction_id": _text(row.entry_id),
        "created_at": clock.rfc3339(row.created_at),
    }


def staff_withdrawal(row: Withdrawal) -> dict[str, Any]:
    """A withdrawal as the staff see it."""
    return {
        **withdrawal(row),
        "wallet_id": str(row.wallet_id),
        "user_id": str(row.user_id),
        "iban": row.iban,
        "holder_name": row.holder_name,
        "approvals_needed": row.approvals_needed,
        "first_approved_by": _text(row.first_approved_by),
        "approved_by": _text(row.approved_by),
        "payment_file_id": _text(row.payment_file_id),
        "return_transaction_id": _text(row.return_entry_id),
    }


def payment_file(row: PaymentFile) -> dict[str, Any]:
    """A payment file, without its document."""
    return {
        "id": str(row.id),
        "orders": row.orders,
        "eur": money.format_cents(row.cents),
        "made_by": str(row.made_by),
        "document_url": f"/admin/payment-files/{row.id}/document",
        "created_at": clock.rfc3339(row.created_at),
    }


def imported(done: Imported) -> dict[str, Any]:
    """What an import did."""
    return {"lines": done.lines, "new": done.new, "matched": done.matched}


def bank_line(row: BankLine) -> dict[str, Any]:
    """A line of a bank statement."""
    return {
        "id": str(row.id),
        "status": str(row.status),
        "booked_on": row.booked_on.isoformat(),
        "amount": money.format_cents(row.cents),
        "currency": row.currency,
        "remittance": row.remittance,
        "party_name": row.party_name,
        "party_iban": row.party_iban,
        "end_to_end_id": row.end_to_end_id,
        "bank_reference": row.bank_reference,
        "deposit_id": _text(row.deposit_id),
        "withdrawal_id": _text(row.withdrawal_id),
        "payment_file_id": _text(row.payment_file_id),
        "decided_by": _text(row.decided_by),
    }


def _text(identifier: Any) -> str | None:
    return str(identifier) if identifier else None
