"""Exports that take longer than a request."""

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
