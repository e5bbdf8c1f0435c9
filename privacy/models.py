"""Exports that take longer than a request, requests for erasure, and what a tenant has decided about them."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from aurix.ids import uuid7


class Export(models.Model):
    """A copy of everything that is known of a person, being made, ready for a while, or gone again.

    While it is ready its file is in the folder of exports, named after its id.
    """

    class Status(models.TextChoices):
        PREPARING = "preparing"
        READY = "ready"
        EXPIRED = "expired"
        REVOKED = "revoked"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant_id = models.UUIDField()
    user_id = models.UUIDField()
    status = models.CharField(max_length=9, choices=Status, default=Status.PREPARING)
    entries = models.BigIntegerField(default=0, help_text="rows that have been written so far")
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(help_text="when the file is removed, or the work given up")
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["tenant_id", "user_id"], condition=Q(status="preparing"), name="export_one_at_a_time"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["tenant_id", "user_id", "-id"], name="export_by_user"),
            models.Index(
                fields=["tenant_id", "expires_at"], condition=Q(status__in=["preparing", "ready"]), name="export_alive"
            ),
        ]

    def __str__(self) -> str:
        return str(self.id)


class Policy(models.Model):
    """How a tenant handles requests for erasure; without a row the defaults below hold."""

    tenant_id = models.UUIDField(primary_key=True)
    asks_password = models.BooleanField(default=False, help_text="a request has to prove the password again")
    refuses_balance = models.BooleanField(
        default=False, help_text="refuse a request while there is money; else staff pays it out"
    )
    cooling_off_days = models.BigIntegerField(default=14, help_text="from the request to the erasure")

    class Meta:
        verbose_name_plural = "policies"
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(cooling_off_days__gte=0, cooling_off_days__lte=28), name="policy_within_a_month"
            ),
        ]

    def __str__(self) -> str:
        return str(self.tenant_id)


class ErasureRequest(models.Model):
    """A person's wish to be forgotten, from the request to its certificate: the register of the tenant's staff.

    ``due_at`` is the law's month (GDPR, article 12, paragraph 3). A ``hold_reason`` stops the erasure, nothing else.
    """

    class Status(models.TextChoices):
        ACCEPTED = "accepted"
        ERASED = "erased"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant_id = models.UUIDField()
    user_id = models.UUIDField()
    status = models.CharField(max_length=8, choices=Status, default=Status.ACCEPTED)
    created_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, help_text="when account, holds and exports were all seen to")
    erase_after = models.DateTimeField(help_text="when the cooling-off period ends")
    due_at = models.DateTimeField()
    hold_reason = models.CharField(max_length=200, blank=True, default="", help_text="of a legal hold; empty: none")
    paid_out_by = models.UUIDField(null=True, help_text="staff who saw to what was left in the wallet")
    paid_out_at = models.DateTimeField(null=True)
    erased_at = models.DateTimeField(null=True)
    certificate = models.JSONField(null=True, help_text="how many rows of each table were overwritten or removed")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant_id", "user_id"], name="erasure_once"),
            models.CheckConstraint(
                condition=Q(status="accepted", erased_at__isnull=True, certificate__isnull=True)
                | Q(status="erased", erased_at__isnull=False, certificate__isnull=False, hold_reason=""),
                name="erasure_certified",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["tenant_id", "status", "id"], name="erasure_by_status"),
        ]

    def __str__(self) -> str:
        return str(self.id)
