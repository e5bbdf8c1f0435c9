"""What reconciliation leaves behind: models. Imported by ``wallet.models``, where Django looks.

The application's role can write none of these tables: who can write a wallet cannot say that it was verified.
"""

from typing import Any, ClassVar

from django.db import models

from aurix.ids import uuid7


class Reconciliation(models.Model):
    """One run, over all tenants or one."""

    class Status(models.TextChoices):
        QUEUED = "queued"
        RUNNING = "running"
        SUCCEEDED = "succeeded", "Succeeded: everything agrees"
        DISCREPANCIES = "discrepancies", "Finished: something does not agree"
        FAILED = "failed", "Failed before the end"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    full = models.BooleanField(default=False, help_text="every entry, not only what moved since it was last verified")
    only_tenant = models.UUIDField(null=True, help_text="null: all tenants")
    requested_by = models.UUIDField(null=True, help_text="null for the schedule and the command line")
    status = models.CharField(max_length=16, choices=Status, default=Status.QUEUED)
    tenants = models.IntegerField(default=0, help_text="done so far")
    wallets = models.BigIntegerField(default=0, help_text="that were looked at")
    entries = models.BigIntegerField(default=0, help_text="that were looked at")
    discrepancies = models.BigIntegerField(default=0)
    error = models.TextField(blank=True, default="")
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "wallet_reconciliation"

    def __str__(self) -> str:
        return str(self.id)


class Discrepancy(models.Model):
    """Something that a run found not to agree. Append-only."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    run_id = models.UUIDField()
    tenant_id = models.UUIDField()
    wallet_id = models.UUIDField(null=True, help_text="null: of the tenant as a whole")
    number = models.BigIntegerField(default=0, help_text="of the first broken entry; 0: of no single entry")
    check_name = models.CharField(max_length=32)
    expected = models.TextField()
    found = models.TextField()
    created_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "discrepancies"
        indexes: ClassVar[list[Any]] = [models.Index(fields=["tenant_id", "run_id"], name="discrepancy_by_run")]

    def __str__(self) -> str:
        return f"{self.check_name}: expected {self.expected}, found {self.found}"


class VerifiedHead(models.Model):
    """A wallet as it was when all its entries had been verified: where the next incremental run begins."""

    id = models.UUIDField(primary_key=True, editable=False, help_text="the wallet's")
    tenant_id = models.UUIDField()
    number = models.BigIntegerField()
    gold = models.DecimalField(max_digits=24, decimal_places=8, help_text="grams")
    cash = models.BigIntegerField(help_text="cents")
    hash = models.BinaryField()
    verified_at = models.DateTimeField()

    class Meta:
        db_table = "wallet_verified_head"

    def __str__(self) -> str:
        return f"{self.id} at {self.number}"
