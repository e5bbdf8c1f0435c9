"""Tenants and the versions of their terms."""

from typing import ClassVar

from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q

from aurix.ids import uuid7


class Tenant(models.Model):
    """An organisation. Its code is what customers type when they log in."""

    class Status(models.TextChoices):
        ACTIVE = "active"
        DEACTIVATED = "deactivated"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    code = models.CharField(max_length=63, unique=True, validators=[RegexValidator(r"^[a-z0-9][a-z0-9-]{0,62}$")])
    name = models.CharField(max_length=200)
    status = models.CharField(max_length=16, choices=Status, default=Status.ACTIVE)
    time_zone = models.CharField(max_length=63, default="Europe/Vienna")
    created_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(status__in=["active", "deactivated"]), name="tenant_status_known"),
            models.CheckConstraint(condition=Q(code__regex=r"^[a-z0-9][a-z0-9-]{0,62}$"), name="tenant_code_plain"),
        ]

    def __str__(self) -> str:
        return self.code


class Terms(models.Model):
    """On which terms a tenant's customers trade. Append-only: the highest version is in force."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant_id = models.UUIDField()
    version = models.BigIntegerField()
    buy_fee_rate = models.DecimalField(max_digits=9, decimal_places=8)
    sell_fee_rate = models.DecimalField(max_digits=9, decimal_places=8)
    min_fee_cents = models.BigIntegerField()
    set_by = models.UUIDField(null=True, help_text="null for the command line")
    created_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "terms"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant_id", "version"], name="terms_version"),
            models.CheckConstraint(
                condition=Q(buy_fee_rate__gte=0, buy_fee_rate__lt=1, sell_fee_rate__gte=0, sell_fee_rate__lt=1),
                name="terms_rates_are_shares",
            ),
            models.CheckConstraint(condition=Q(min_fee_cents__gte=0), name="terms_min_fee_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.tenant_id} v{self.version}"


class SettlementAccount(models.Model):
    """The bank account that a tenant's customers pay to and are paid from. Append-only: the last version counts."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant_id = models.UUIDField()
    version = models.BigIntegerField()
    holder_name = models.CharField(max_length=70)
    iban = models.CharField(max_length=34, help_text="without spaces, upper case")
    bic = models.CharField(max_length=11, blank=True, default="", help_text="empty: the bank finds itself by the IBAN")
    set_by = models.UUIDField(null=True, help_text="null for the command line")
    created_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant_id", "version"], name="settlement_account_version"),
        ]

    def __str__(self) -> str:
        return f"{self.tenant_id} v{self.version}"
