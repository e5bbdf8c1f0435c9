"""Money that comes from banks and goes to them: models. Imported by ``wallet.models``, where Django looks.

What may follow what, who must have approved, and that money is held and booked exactly once is kept by triggers, see
``migrations/sql/payments.sql``.
"""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from aurix.ids import uuid7

IBAN_LENGTH = 34
NAME_LENGTH = 70
"""As SEPA has it (EPC115-06): names have at most 70 characters."""


class BankAccount(models.Model):
    """An account that a customer has registered to be paid out to."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant_id = models.UUIDField()
    wallet_id = models.UUIDField()
    iban = models.CharField(max_length=IBAN_LENGTH, help_text="without spaces, upper case")
    holder_name = models.CharField(max_length=NAME_LENGTH)
    created_at = models.DateTimeField()
    removed_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["tenant_id", "wallet_id", "iban"],
                condition=Q(removed_at__isnull=True),
                name="bank_account_registered_once",
            ),
        ]

    def __str__(self) -> str:
        return str(self.id)


class Deposit(models.Model):
    """Euros that a customer has announced, or that have come."""

    class Status(models.TextChoices):
        ANNOUNCED = "announced"
        RECEIVED = "received"
        CANCELLED = "cancelled"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant_id = models.UUIDField()
    wallet_id = models.UUIDField()
    reference = models.CharField(max_length=25, help_text="ISO 11649, to be given with the bank transfer")
    cents = models.BigIntegerField(help_text="as announced, or as recorded by staff")
    status = models.CharField(max_length=16, choices=Status, default=Status.ANNOUNCED)
    received_cents = models.BigIntegerField(null=True, help_text="what has come; may differ where staff matched it")
    note = models.CharField(max_length=200, blank=True, default="", help_text="of the staff")
    recorded_by = models.UUIDField(null=True, help_text="staff; null for the customer and for bank statements")
    entry_id = models.UUIDField(null=True, help_text="in the ledger")
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant_id", "reference"], name="deposit_reference"),
            models.UniqueConstraint(fields=["tenant_id", "entry_id"], name="deposit_entry"),
            models.CheckConstraint(condition=Q(cents__gt=0), name="deposit_positive"),
            models.CheckConstraint(
                condition=Q(status="received", received_cents__gt=0, entry_id__isnull=False)
                | Q(status__in=["announced", "cancelled"], received_cents__isnull=True, entry_id__isnull=True),
                name="deposit_received_is_booked",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["tenant_id", "wallet_id", "-id"], name="deposit_by_wallet"),
            models.Index(fields=["tenant_id", "status", "id"], name="deposit_by_status"),
        ]

    def __str__(self) -> str:
        return self.reference

    @property
    def is_waiting(self) -> bool:
        """Whether its money may still come: also after the customer took the announcement back."""
        return self.status != self.Status.RECEIVED


class PaymentFile(models.Model):
    """A pain.001 file, as it was made for the bank. Append-only."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False, help_text="without hyphens the MsgId")
    tenant_id = models.UUIDField()
    orders = models.BigIntegerField(help_text="how many it holds")
    cents = models.BigIntegerField(help_text="their sum")
    document = models.TextField(help_text="XML")
    made_by = models.UUIDField()
    created_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(orders__gt=0, cents__gt=0), name="payment_file_not_empty"),
        ]

    def __str__(self) -> str:
        return self.id.hex


class Withdrawal(models.Model):
    """Euros that a customer wants paid out. Its amount is held from the request on until it has left or is given back.

    IBAN and name are those of the bank account at the time of the request, whatever becomes of it later.
    """

    class Status(models.TextChoices):
        REQUESTED = "requested"
        APPROVED = "approved"
        REJECTED = "rejected"
        CANCELLED = "cancelled"
        EXPORTED = "exported"
        SETTLED = "settled"
        RETURNED = "returned"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False, help_text="without hyphens the EndToEndId")
    tenant_id = models.UUIDField()
    wallet_id = models.UUIDField()
    user_id = models.UUIDField(help_text="the wallet's owner, who cannot approve it")
    bank_account_id = models.UUIDField()
    iban = models.CharField(max_length=IBAN_LENGTH)
    holder_name = models.CharField(max_length=NAME_LENGTH)
    cents = models.BigIntegerField()
    status = models.CharField(max_length=16, choices=Status, default=Status.REQUESTED)
    approvals_needed = models.BigIntegerField(default=1, help_text="1 or 2, by the tenant's terms at the request")
    first_approved_by = models.UUIDField(null=True, help_text="where two are needed")
    approved_by = models.UUIDField(null=True)
    reason = models.CharField(max_length=200, blank=True, default="", help_text="of a rejection or return")
    payment_file_id = models.UUIDField(null=True)
    entry_id = models.UUIDField(null=True, help_text="in the ledger, once settled")
    return_entry_id = models.UUIDField(null=True, help_text="in the ledger, where it came back after it was settled")
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant_id", "entry_id"], name="withdrawal_entry"),
            models.UniqueConstraint(fields=["tenant_id", "return_entry_id"], name="withdrawal_return_entry"),
            models.CheckConstraint(condition=Q(cents__gt=0), name="withdrawal_positive"),
            models.CheckConstraint(condition=Q(approvals_needed__in=[1, 2]), name="withdrawal_approvals"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["tenant_id", "wallet_id", "-id"], name="withdrawal_by_wallet"),
            models.Index(fields=["tenant_id", "status", "id"], name="withdrawal_by_status"),
            models.Index(fields=["tenant_id", "payment_file_id"], name="withdrawal_by_file"),
        ]

    def __str__(self) -> str:
        return self.id.hex


class BankLine(models.Model):
    """A booked line of a bank statement of the tenant's account, imported once whatever files it is in."""

    class Status(models.TextChoices):
        UNMATCHED = "unmatched"
        MATCHED = "matched"
        TO_RETURN = "to_return"
        RETURNED = "returned"
        DISMISSED = "dismissed"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant_id = models.UUIDField()
    identity = models.BinaryField(help_text="SHA-256 of what tells it from every other line of the account")
    booked_on = models.DateField()
    cents = models.BigIntegerField(help_text="in hundredths of the currency; negative: out of the account")
    currency = models.CharField(max_length=3)
    end_to_end_id = models.CharField(max_length=35, blank=True, default="")
    bank_reference = models.CharField(max_length=140, blank=True, default="")
    remittance = models.CharField(max_length=500, blank=True, default="", help_text="what the payer wrote")
    party_name = models.CharField(max_length=140, blank=True, default="")
    party_iban = models.CharField(max_length=IBAN_LENGTH, blank=True, default="")
    status = models.CharField(max_length=16, choices=Status, default=Status.UNMATCHED)
    deposit_id = models.UUIDField(null=True)
    withdrawal_id = models.UUIDField(null=True)
    payment_file_id = models.UUIDField(null=True, help_text="in which it is sent back")
    reason = models.CharField(max_length=200, blank=True, default="", help_text="why it was dismissed")
    decided_by = models.UUIDField(null=True, help_text="staff; null where the import matched it")
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant_id", "identity"], name="bank_line_once"),
            models.UniqueConstraint(fields=["tenant_id", "deposit_id"], name="bank_line_deposit"),
            models.CheckConstraint(condition=~Q(cents=0), name="bank_line_not_zero"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["tenant_id", "status", "id"], name="bank_line_by_status"),
            models.Index(fields=["tenant_id", "payment_file_id"], name="bank_line_by_file"),
        ]

    def __str__(self) -> str:
        return str(self.id)


class Answer(models.Model):
    """What a POST that moves money was answered, kept for ever under its idempotency key. Append-only.

    Trades have no row here: their ledger entry is their answer.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant_id = models.UUIDField()
    user_id = models.UUIDField()
    operation = models.CharField(max_length=32)
    idempotency_key = models.CharField(max_length=128)
    fingerprint = models.BinaryField(help_text="SHA-256 of the request as the client sent it")
    body = models.TextField(help_text="JSON")
    created_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["tenant_id", "user_id", "operation", "idempotency_key"], name="answer_idempotency_key"
            ),
        ]

    def __str__(self) -> str:
        return str(self.id)
