"""Gold on its way from one customer to another, and reversals of trades: models. Imported by ``wallet.models``."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from aurix.ids import uuid7


class Transfer(models.Model):
    """Gold that a customer has sent to an email address, until somebody accepts it there or it comes back.

    It leaves the sender's wallet with the first entry and arrives with the second: the receiver's, or the sender's own.
    The address is kept as a keyed hash, which finds its owner and tells nobody else anything.
    """

    class Status(models.TextChoices):
        PENDING = "pending"
        ACCEPTED = "accepted"
        CANCELLED = "cancelled"
        EXPIRED = "expired"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant_id = models.UUIDField()
    wallet_id = models.UUIDField(help_text="the sender's")
    receiver = models.BinaryField(help_text="HMAC-SHA-256 of the folded address")
    receiver_wallet_id = models.UUIDField(null=True, help_text="known once it is accepted")
    gold = models.DecimalField(max_digits=24, decimal_places=8, help_text="grams")
    status = models.CharField(max_length=16, choices=Status, default=Status.PENDING)
    hidden = models.BooleanField(default=False, help_text="the receiver does not want it; the sender is not told")
    expires_at = models.DateTimeField()
    out_entry_id = models.UUIDField(help_text="in the sender's ledger")
    in_entry_id = models.UUIDField(null=True, help_text="in the receiver's, or the sender's where it came back")
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant_id", "out_entry_id"], name="transfer_out_entry"),
            models.UniqueConstraint(fields=["tenant_id", "in_entry_id"], name="transfer_in_entry"),
            models.CheckConstraint(condition=Q(gold__gt=0), name="transfer_positive"),
            models.CheckConstraint(
                condition=Q(status="pending", in_entry_id__isnull=True, receiver_wallet_id__isnull=True)
                | Q(status="accepted", in_entry_id__isnull=False, receiver_wallet_id__isnull=False)
                | Q(status__in=["cancelled", "expired"], in_entry_id__isnull=False, receiver_wallet_id__isnull=True),
                name="transfer_arrives_once",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["tenant_id", "wallet_id", "-id"], name="transfer_by_sender"),
            models.Index(fields=["tenant_id", "receiver", "-id"], name="transfer_by_receiver"),
            models.Index(fields=["tenant_id", "expires_at"], condition=Q(status="pending"), name="transfer_by_expiry"),
        ]

    def __str__(self) -> str:
        return str(self.id)


class Reversal(models.Model):
    """A trade that staff want undone. Its entry carries the trade's id as key and the trade's hash as fingerprint."""

    class Status(models.TextChoices):
        PROPOSED = "proposed"
        APPROVED = "approved"
        REJECTED = "rejected"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant_id = models.UUIDField()
    wallet_id = models.UUIDField()
    user_id = models.UUIDField(help_text="the wallet's owner, who neither proposes nor approves it")
    reversed_id = models.UUIDField(help_text="the trade's entry")
    entry_id = models.UUIDField(null=True, help_text="the reversal's, once approved")
    reason = models.CharField(max_length=200)
    status = models.CharField(max_length=16, choices=Status, default=Status.PROPOSED)
    proposed_by = models.UUIDField()
    decided_by = models.UUIDField(null=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["tenant_id", "reversed_id"], condition=~Q(status="rejected"), name="reversal_once"
            ),
            models.UniqueConstraint(fields=["tenant_id", "entry_id"], name="reversal_entry"),
        ]
        indexes: ClassVar = [models.Index(fields=["tenant_id", "status", "id"], name="reversal_by_status")]

    def __str__(self) -> str:
        return str(self.id)
