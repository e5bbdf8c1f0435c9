"""What the platform itself stores: events waiting for the relay, and the audit trail."""

from django.db import models
from django.db.models import Func, Value

from aurix.ids import uuid7


class OutboxEvent(models.Model):
    """Something that happened and that others want to know, written in the transaction in which it happened.

    ``subject_id`` is the wallet or user it is about: events of one subject leave in the order of ``sequence``.
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

    class Meta:
        db_table = "aurix_outbox"

    def __str__(self) -> str:
        return f"{self.type} {self.id}"


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
