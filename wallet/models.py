"""Wallets, the ledger, and the price of gold. The rules that must always hold are in the database:
see ``migrations/sql`` for the triggers that append an entry and refuse every other change.
"""

from typing import Any, ClassVar

from django.db import models
from django.db.models import F, Q

from aurix.ids import uuid7

GRAMS: dict[str, Any] = {"max_digits": 24, "decimal_places": 8}


class Wallet(models.Model):
    """Euros and grams of one user: a cache of the last ledger entry, and the lock for the next one.

    Only triggers write: the ledger's balances, number and hash, the withdrawals' ``held``. The application may only
    freeze or close.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant_id = models.UUIDField()
    user_id = models.UUIDField(help_text="the owner, in accounts")
    gold = models.DecimalField(**GRAMS, default=0, help_text="grams")
    cash = models.BigIntegerField(default=0, help_text="cents")
    held = models.BigIntegerField(
        default=0, db_default=0, help_text="cents of cash that withdrawals under way have set aside"
    )
    number = models.BigIntegerField(default=0, help_text="of the last entry")
    hash = models.BinaryField(default=bytes(32), help_text="of the last entry; 32 zero bytes before the first")
    frozen_reason = models.CharField(max_length=200, blank=True, default="", help_text="empty: not frozen")
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField(help_text="when the last entry was posted")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant_id", "user_id"], name="wallet_one_per_user"),
            # One, and not four: each is read anew for every statement.
            models.CheckConstraint(
                condition=Q(gold__gte=0, held__gte=0, cash__gte=F("held"), number__gte=0),
                name="wallet_nothing_negative",
            ),
        ]

    def __str__(self) -> str:
        return str(self.id)


class LedgerEntry(models.Model):
    """One movement of one wallet. Append-only and hash-chained.

    The database numbers it, dates it, computes the balances after it and its hash, and moves the wallet to it,
    all in one trigger, so that whoever can insert can only insert what is right.
    """

    class Kind(models.TextChoices):
        OPENING = "opening"
        DEPOSIT = "deposit"
        WITHDRAWAL = "withdrawal"
        BUY = "buy"
        SELL = "sell"
        TRANSFER = "transfer"
        ADJUSTMENT = "adjustment"
        REVERSAL = "reversal"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant_id = models.UUIDField()
    wallet_id = models.UUIDField()
    number = models.BigIntegerField(help_text="1, 2, 3 … in the wallet, without gaps")
    kind = models.CharField(max_length=16, choices=Kind)
    gold_delta = models.DecimalField(**GRAMS, help_text="grams")
    cash_delta = models.BigIntegerField(help_text="cents")
    price = models.DecimalField(**GRAMS, null=True, help_text="the customer's, euros per gram; trades only")
    reference_price = models.DecimalField(**GRAMS, null=True, help_text="the market's, before the spread")
    gross = models.BigIntegerField(help_text="cents, before the fee")
    fee = models.BigIntegerField(help_text="cents")
    spread = models.BigIntegerField(default=0, help_text="cents within gross that are the tenant's margin")
    gold_after = models.DecimalField(**GRAMS, help_text="grams")
    cash_after = models.BigIntegerField(help_text="cents")
    quote_id = models.UUIDField(null=True)
    idempotency_key = models.CharField(max_length=128, null=True)  # noqa: DJ001  null: an entry without a key
    fingerprint = models.BinaryField(null=True, help_text="SHA-256 of the request as the client sent it")
    actor_id = models.UUIDField(null=True, help_text="who did it; null for the platform")
    request_id = models.CharField(max_length=128, blank=True, default="")
    created_at = models.DateTimeField()
    previous_hash = models.BinaryField()
    hash = models.BinaryField()

    class Meta:
        db_table = "wallet_ledger"
        verbose_name_plural = "ledger entries"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant_id", "wallet_id", "number"], name="ledger_number"),
            models.UniqueConstraint(
                fields=["tenant_id", "wallet_id", "kind", "idempotency_key"],
                condition=Q(idempotency_key__isnull=False),
                name="ledger_idempotency_key",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.wallet_id} #{self.number}"


class GoldPrice(models.Model):
    """The price of gold from a moment on, for every tenant. Append-only: the highest id is the current one."""

    id = models.BigAutoField(primary_key=True)
    price = models.DecimalField(**GRAMS, help_text="euros per gram")
    source = models.CharField(max_length=32, help_text="manual, or the feed's name")
    set_by = models.UUIDField(null=True, help_text="null for the command line and feeds")
    created_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [models.CheckConstraint(condition=Q(price__gt=0), name="gold_price_positive")]

    def __str__(self) -> str:
        return f"{self.price} EUR/g"


from wallet.inspections import Discrepancy, Reconciliation, VerifiedHead  # noqa: E402  its own file, for its length
from wallet.payments import (  # noqa: E402  likewise
    Answer,
    BankAccount,
    BankLine,
    Deposit,
    PaymentFile,
    Withdrawal,
)
from wallet.transfers import Reversal, Transfer  # noqa: E402  likewise

__all__ = [
    "GRAMS",
    "Answer",
    "BankAccount",
    "BankLine",
    "Deposit",
    "Discrepancy",
    "GoldPrice",
    "LedgerEntry",
    "PaymentFile",
    "Reconciliation",
    "Reversal",
    "Transfer",
    "VerifiedHead",
    "Wallet",
    "Withdrawal",
]
