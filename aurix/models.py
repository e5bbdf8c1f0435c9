"""What the platform itself stores: events waiting for the relay, and the audit trail."""

from typing import Any

from django.db import models
from django.db.models import Func, Value

from aurix.ids import uuid7


class TransactionId(models.TextField):  # type: ignore[type-arg]  # not generic at run time
    """The number of a transaction, which PostgreSQL never uses twice. Compare and read it in SQL."""

    def db_type(self, connection: Any) -> str:
        """What 64 bits of it are called."""
        return "xid8"


class OutboxEvent(models.Model):
    """Something that happened and that others want to know, written in the transaction in which it happened.

    ``subject_id`` is the wallet or user it is about: events of one subject leave in the order of ``sequence``, which is
    drawn under the subject's lock. ``transaction_id`` tells the relay which events have been committed since it last
    looked. Whoever may write an event may neither change nor remove it.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant_id = models.UUIDField()
    sequence = models.BigIntegerField(
        db_default=Func(Value("aurix_outbox_sequence"), function="nextval"), editable=False
    )
    subject_id = models.UUIDField()
    type = models.CharField(max_length=64)
    payload = models.JSONField()
    created_at = models.DateTimeField()
    transaction_id = TransactionId(db_default=Func(function="pg_current_xact_id"), editable=False)

    class Meta:
        db_table = "aurix_outbox"

    def __str__(self) -> str:
        return f"{self.type} {self.id}"


class RelayPosition(models.Model):
    """How far a target has been served: two moments of the database and a place between them.

    A moment is a ``pg_snapshot``, written as text. Every event that is visible in ``done`` has left or is held. While
    there is a ``doing``, so has every event up to ``sequence`` that became visible from ``done`` to ``doing``.
    """

    target = models.CharField(max_length=64, unique=True)
    done = models.TextField(default="1:1:", help_text="the default is before everything")
    doing = models.TextField(blank=True, default="")
    sequence = models.BigIntegerField(default=0)
    published = models.BigIntegerField(default=0)
    cluster = models.BigIntegerField(help_text="system_identifier: transaction ids mean nothing in another cluster")
    updated_at = models.DateTimeField()

    class Meta:
        db_table = "aurix_relay_position"

    def __str__(self) -> str:
        return self.target


class HeldEvent(models.Model):
    """An event that a target has refused, or that waits behind such a one of its subject: the dead letters.

    ``attempts`` is 0 for one that waits behind. A ``dead`` one is not tried again until somebody requeues it. The
    envelope is kept as it is to be sent, so that it outlives the outbox row.
    """

    target = models.CharField(max_length=64)
    event_id = models.UUIDField()
    subject_id = models.UUIDField()
    sequence = models.BigIntegerField()
    envelope = models.TextField()
    attempts = models.IntegerField()
    dead = models.BooleanField(default=False)
    retry_at = models.DateTimeField()
    error = models.TextField(blank=True)
    created_at = models.DateTimeField()

    class Meta:
        db_table = "aurix_held_event"
        constraints = [models.UniqueConstraint(fields=["target", "subject_id", "event_id"], name="held_once")]

    def __str__(self) -> str:
        return f"{self.event_id} for {self.target}"


class WebhookEndpoint(models.Model):
    """Where a tenant's events are posted to. ``types`` are what is wanted, such as ``org.aurix.wallet.*``; none: all.

    ``failures`` counts rounds in a row in which nothing arrived; until ``retry_at`` there is a pause. The secrets are
    sealed; the one before signs too until ``previous_until``. While ``replay_from`` is set, everything written since
    then, behind ``replay_after`` in the outbox's sequence, is still to be sent again.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant_id = models.UUIDField()
    url = models.CharField(max_length=2048)
    types = models.JSONField(default=list)
    secret = models.TextField()
    previous_secret = models.TextField(blank=True, default="")
    previous_until = models.DateTimeField(null=True)
    failures = models.IntegerField(default=0)
    retry_at = models.DateTimeField()
    succeeded_at = models.DateTimeField(null=True)
    disabled_at = models.DateTimeField(null=True)
    disabled_reason = models.CharField(max_length=200, blank=True, default="")
    replay_from = models.DateTimeField(null=True)
    replay_after = models.BigIntegerField(default=0)
    created_at = models.DateTimeField()

    class Meta:
        db_table = "aurix_webhook_endpoint"

    def __str__(self) -> str:
        return self.url


class WebhookDelivery(models.Model):
    """An event on its way to an endpoint, or there. It leaves when no earlier one of its subject is failing.

    A ``dead`` one is not tried again until somebody requeues it. The envelope is kept until the event has arrived, so
    that it outlives the outbox row. ``status`` is HTTP's of the last attempt.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    tenant_id = models.UUIDField()
    endpoint_id = models.UUIDField()
    event_id = models.UUIDField()
    subject_id = models.UUIDField()
    sequence = models.BigIntegerField()
    type = models.CharField(max_length=80)
    envelope = models.TextField()
    attempts = models.IntegerField(default=0)
    dead = models.BooleanField(default=False)
    failing_since = models.DateTimeField(null=True)
    retry_at = models.DateTimeField()
    delivered_at = models.DateTimeField(null=True)
    status = models.IntegerField(null=True)
    error = models.TextField(blank=True, default="")
    created_at = models.DateTimeField()

    class Meta:
        db_table = "aurix_webhook_delivery"
        verbose_name_plural = "webhook deliveries"
        constraints = [
            models.UniqueConstraint(fields=["tenant_id", "endpoint_id", "event_id"], name="webhook_delivery_once"),
        ]
        indexes = [models.Index(fields=["tenant_id", "endpoint_id", "created_at"], name="webhook_delivery_by_time")]

    def __str__(self) -> str:
        return f"{self.event_id} to {self.endpoint_id}"


class Job(models.Model):
    """How runs of one kind of task have ended."""

    name = models.CharField(max_length=200, primary_key=True)
    succeeded = models.BigIntegerField(default=0)
    failed = models.BigIntegerField(default=0)
    last_success_at = models.DateTimeField(null=True)
    last_failure_at = models.DateTimeField(null=True)
    last_error = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        db_table = "aurix_job"

    def __str__(self) -> str:
        return self.name


class AuditEvent(models.Model):
    """Who did what to whom, with before and after. Append-only. Holds ids, never personal data.

    ``tenant_id`` is null for what concerns the whole platform, such as the gold price.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant_id = models.UUIDField(null=True)
    actor_id = models.UUIDField(null=True, help_text="null for the command line")
    action = models.CharField(max_length=64)
    subject_id = models.CharField(max_length=64)
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)
    request_id = models.CharField(max_length=128, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        db_table = "aurix_audit"
        indexes = [models.Index(fields=["tenant_id", "created_at"], name="audit_by_tenant")]

    def __str__(self) -> str:
        return f"{self.action} {self.subject_id}"
