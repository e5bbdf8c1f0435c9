"""Snapshots and what the ETL knows about itself. Every row can be made again from the ledger and the prices."""

from typing import Any, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import CompositePrimaryKey, Q

from aurix.ids import uuid7

GRAMS: dict[str, Any] = {"max_digits": 24, "decimal_places": 8}


class Frequency(models.TextChoices):
    """How long a period is: a calendar day, or Monday to Sunday, both in the tenant's time zone."""

    DAILY = "daily"
    WEEKLY = "weekly"


class State(models.TextChoices):
    """How far a run, or a tenant's part of it, has come."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class Watermark(models.Model):
    """What has been looked at for a tenant. Whoever works on its snapshots holds this row's lock meanwhile."""

    tenant_id = models.UUIDField(primary_key=True)
    time_zone = models.CharField(max_length=63, help_text="in which the days were cut")
    covered_from = models.DateField(help_text="a Monday")
    covered_to = models.DateField(help_text="the day of the last look")
    price_id = models.BigIntegerField(default=0, help_text="of the newest price that was looked at")
    generation = models.BigIntegerField(default=0, help_text="grows with every change that a reader could see")

    def __str__(self) -> str:
        return f"{self.tenant_id} to {self.covered_to}"


class Progress(models.Model):
    """What has been seen of a wallet: its entries up to ``number``. Entries of a wallet commit in order, without gaps.

    A week is the least that is recomputed, so its beginning is kept: entry ``week_number`` is the first that moved
    gold in the week of the last one that did. ``week_start`` is that week's Monday.
    """

    pk = CompositePrimaryKey("tenant_id", "wallet_id")
    tenant_id = models.UUIDField()
    wallet_id = models.UUIDField()
    number = models.BigIntegerField()
    week_number = models.BigIntegerField(default=1)
    week_start = models.DateField(null=True)

    class Meta:
        verbose_name_plural = "progress"

    def __str__(self) -> str:
        return f"{self.wallet_id} to #{self.number}"


class Period(models.Model):
    """A day or week of a tenant, and the market in it: prices in euros per gram, the same for all its customers."""

    pk = CompositePrimaryKey("tenant_id", "period_start", "frequency")
    tenant_id = models.UUIDField()
    period_start = models.DateField()
    frequency = models.CharField(max_length=6, choices=Frequency)
    period_end = models.DateField(help_text="its last day")
    as_of = models.DateField(help_text="its last day that has come")
    price_count = models.IntegerField(help_text="how many prices were set in it")
    reference_price = models.DecimalField(
        **GRAMS, null=True, help_text="the mean of those prices; without any, the one in force; null before the first"
    )
    lowest_price = models.DecimalField(**GRAMS, null=True)
    highest_price = models.DecimalField(**GRAMS, null=True)
    volatility = models.DecimalField(
        max_digits=24, decimal_places=8, help_text="standard deviation of those prices, in percent of their mean"
    )
    generated_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(frequency__in=["daily", "weekly"]), name="period_frequency_known"),
        ]

    def __str__(self) -> str:
        return f"{self.frequency} {self.period_start}"


class Snapshot(models.Model):
    """What a customer did in a day or week in which gold moved: sums, exactly as the ledger has them.

    A period without a row is like the one before it, with nothing done: readers derive it. Ratios and averages are
    derived as well, so no rounding is stored.
    """

    pk = CompositePrimaryKey("tenant_id", "user_id", "frequency", "period_start")
    tenant_id = models.UUIDField()
    user_id = models.UUIDField()
    frequency = models.CharField(max_length=6, choices=Frequency)
    period_start = models.DateField()
    buy_count = models.IntegerField()
    sell_count = models.IntegerField()
    bought = models.DecimalField(**GRAMS, help_text="grams")
    sold = models.DecimalField(**GRAMS, help_text="grams")
    bought_value = models.DecimalField(max_digits=48, decimal_places=16, help_text="grams times price of all buys, EUR")
    sold_value = models.DecimalField(max_digits=48, decimal_places=16, help_text="the same of all sells")
    gross = models.BigIntegerField(help_text="cents, of all trades, before fees")
    fees = models.BigIntegerField(help_text="cents, of all trades")
    holding = models.DecimalField(**GRAMS, help_text="grams at the end")
    moved_on = models.DateField(help_text="when gold last moved")
    traded_on = models.DateField(null=True, help_text="the day of the last trade; null without one")
    buy_prices = ArrayField(models.DecimalField(**GRAMS), help_text="the market's price at each buy")
    generated_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(frequency__in=["daily", "weekly"]), name="snapshot_frequency_known"),
        ]

    def __str__(self) -> str:
        return f"{self.frequency} {self.period_start} of {self.user_id}"


class Advice(models.Model):
    """What a language model has written about a customer's period; true while the signals have that hash."""

    pk = CompositePrimaryKey("tenant_id", "user_id", "frequency", "period_start")
    tenant_id = models.UUIDField()
    user_id = models.UUIDField()
    frequency = models.CharField(max_length=6, choices=Frequency)
    period_start = models.DateField()
    signals_hash = models.BinaryField(help_text="SHA-256")
    model = models.CharField(max_length=200)
    prompt_version = models.IntegerField()
    sentences = models.JSONField()
    created_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "advice"

    def __str__(self) -> str:
        return f"{self.frequency} {self.period_start} of {self.user_id}"


class AdviceBudget(models.Model):
    """Calls of the language model for a tenant on a day (UTC)."""

    pk = CompositePrimaryKey("tenant_id", "day")
    tenant_id = models.UUIDField()
    day = models.DateField()
    calls = models.IntegerField()

    def __str__(self) -> str:
        return f"{self.calls} on {self.day} for {self.tenant_id}"


class EtlRun(models.Model):
    """A request to bring all snapshots, or one tenant's, up to date. How it goes is the sum of its parts."""

    class Trigger(models.TextChoices):
        SCHEDULE = "schedule"
        API = "api"
        COMMAND = "command"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    trigger = models.CharField(max_length=8, choices=Trigger)
    rebuild = models.BooleanField(default=False, help_text="forget what was seen, and make everything again")
    requested_by = models.UUIDField(null=True, help_text="null for the schedule and the command line")
    tenants = models.JSONField(help_text="their ids")
    created_at = models.DateTimeField()

    class Meta:
        verbose_name = "ETL run"

    def __str__(self) -> str:
        return str(self.id)


class EtlPart(models.Model):
    """A run's work for one tenant. Counts grow with each step that commits, so they are right after any crash."""

    pk = CompositePrimaryKey("tenant_id", "run_id")
    tenant_id = models.UUIDField()
    run_id = models.UUIDField()
    status = models.CharField(max_length=9, choices=State, default=State.QUEUED)
    wallets = models.BigIntegerField(default=0, help_text="that had moved")
    entries = models.BigIntegerField(default=0, help_text="of the ledger, new ones")
    snapshots = models.BigIntegerField(default=0, help_text="written or removed")
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    error = models.CharField(max_length=500, blank=True, default="")

    class Meta:
        verbose_name = "ETL part"
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(status__in=["queued", "running", "succeeded", "failed"]), name="etl_part_status_known"
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["tenant_id", "run_id"],
                condition=Q(status__in=["queued", "running"]),
                name="etl_part_unfinished",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.status} {self.tenant_id} of {self.run_id}"
