"""Users, their sessions, and the refresh tokens that keep a session going.

References between them carry the tenant and live in the database only (``aurix.schema.tenant_reference``).
"""

from datetime import datetime
from typing import ClassVar

from django.contrib.auth.models import AbstractBaseUser
from django.db import models
from django.db.models import F, Q

from accounts import emails
from aurix.ids import uuid7

SCHEDULING = {
    "django_celery_beat.change_periodictask",
    *(
        f"django_celery_beat.{verb}_{schedule}"
        for verb in ("add", "change")
        for schedule in ("intervalschedule", "crontabschedule")
    ),
}
"""When the known background jobs run, and whether; not which there are."""


class User(AbstractBaseUser):
    """A person in a tenant. The same email in two tenants is two accounts.

    The properties below are what Django's admin asks for: the platform's admins may look at everything there, and
    change nothing (rule 8: what changes is done by verbs).
    """

    class Role(models.TextChoices):
        USER = "user"
        TENANT_ADMIN = "tenant_admin"
        ADMIN = "admin"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant_id = models.UUIDField()
    email = models.CharField(max_length=emails.MAX_LENGTH, help_text="as it was typed")
    # Folding a character can make three of it.
    email_folded = models.CharField(max_length=3 * emails.MAX_LENGTH, editable=False, help_text="what is compared")
    role = models.CharField(max_length=16, choices=Role, default=Role.USER)
    closed_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField()
    password_changed_at = models.DateTimeField()
    last_login = None  # sessions know

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    objects: ClassVar[models.Manager["User"]] = models.Manager()  # no create_user here

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant_id", "email_folded"], name="user_email"),
            models.UniqueConstraint(fields=["tenant_id", "id"], name="user_in_tenant"),
            models.CheckConstraint(condition=Q(role__in=["user", "tenant_admin", "admin"]), name="user_role_known"),
            models.CheckConstraint(condition=~Q(email_folded=""), name="user_email_folded_not_empty"),
        ]
        indexes: ClassVar = [
            # The one search over all tenants: a login that does not name its tenant.
            models.Index(fields=["email_folded"], name="user_by_email_anywhere"),
        ]

    def __str__(self) -> str:
        return str(self.id)

    @property
    def is_active(self) -> bool:  # type: ignore[override]  # derived, where Django has a flag
        """Not closed."""
        return self.closed_at is None

    @property
    def is_staff(self) -> bool:
        """May enter the back-office."""
        return self.role == self.Role.ADMIN and self.is_active

    @property
    def is_superuser(self) -> bool:
        """Nobody may do everything."""
        return False

    def has_perm(self, perm: str, obj: object = None) -> bool:
        """Admins may view, and edit the schedules of background jobs; Django's other permissions are nobody's."""
        return self.is_staff and (perm.rpartition(".")[2].startswith("view_") or perm in SCHEDULING)

    def has_module_perms(self, app_label: str) -> bool:
        """Admins see every app's section."""
        return self.is_staff


class SessionQuerySet(models.QuerySet["Session"]):
    def end(self, *, reason: str, now: datetime) -> int:
        """End those that have not ended yet; returns how many there were."""
        return self.filter(ended_at__isnull=True).update(ended_at=now, end_reason=reason)


class Session(models.Model):
    """One login, from its first tokens to the logout. Every token names its session and dies with it."""

    class EndReason(models.TextChoices):
        LOGOUT = "logout"
        PASSWORD_CHANGED = "password_changed"  # noqa: S105  a reason, not a password
        TOKEN_REUSED = "token_reused"  # noqa: S105  likewise
        ACCOUNT_CLOSED = "account_closed"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant_id = models.UUIDField()
    user_id = models.UUIDField()
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(help_text="when the last refresh token runs out")
    ended_at = models.DateTimeField(null=True)
    end_reason = models.CharField(max_length=32, choices=EndReason, blank=True, default="")

    objects = SessionQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True, end_reason="") | Q(ended_at__isnull=False) & ~Q(end_reason=""),
                name="session_end_has_reason",
            ),
            models.CheckConstraint(condition=Q(expires_at__gt=F("created_at")), name="session_expires_later"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["tenant_id", "user_id"], condition=Q(ended_at__isnull=True), name="session_open"),
        ]

    def __str__(self) -> str:
        return str(self.id)


class RefreshToken(models.Model):
    """The hash of a refresh token. Used ones are kept: one that comes back was stolen, or its answer was."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant_id = models.UUIDField()
    session_id = models.UUIDField()
    token_hash = models.BinaryField(help_text="SHA-256")
    issued_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant_id", "token_hash"], name="refresh_token_hash"),
            models.UniqueConstraint(
                fields=["tenant_id", "session_id"], condition=Q(used_at__isnull=True), name="refresh_token_one_live"
            ),
            models.CheckConstraint(condition=Q(expires_at__gt=F("issued_at")), name="refresh_token_expires_later"),
        ]

    def __str__(self) -> str:
        return str(self.id)
