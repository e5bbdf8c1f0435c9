"""The audit trail in the back-office, to look at; what a target or a webhook has refused, to decide on."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest

from aurix import clock
from aurix.actor import Actor
from aurix.models import AuditEvent, HeldEvent, WebhookDelivery, WebhookEndpoint
from aurix.relay import held
from aurix.webhooks import endpoints, letters, replays


@admin.register(AuditEvent)
class AuditEventAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not generic at run time
    list_display = ("created_at", "action", "tenant_id", "subject_id", "actor_id", "request_id")
    search_fields = ("=action", "=subject_id", "=request_id")
    ordering = ("-created_at",)
    show_full_result_count = False
    fields = readonly_fields = (
        "id", "created_at", "action", "tenant_id", "subject_id", "actor_id", "request_id", "before", "after",
    )  # fmt: skip


@admin.register(HeldEvent)
class HeldEventAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # likewise
    """Dead letters, and what waits behind them. The verbs are those of ``manage.py relay``."""

    list_display = ("event_id", "target", "subject_id", "dead", "attempts", "error", "retry_at", "created_at")
    list_display_links = None
    list_filter = ("dead", "target")
    search_fields = ("=event_id", "=subject_id")
    ordering = ("target", "sequence")
    show_full_result_count = False
    actions = ("requeue", "discard")

    def change_view(self, *_: Any, **__: Any) -> NoReturn:
        """There is no page for one: the list says it all."""
        raise Http404

    @admin.action(description="Try the dead ones again")
    def requeue(self, request: HttpRequest, rows: QuerySet[HeldEvent]) -> None:
        """From the first attempt on."""
        self._each(request, rows, held.requeue)

    @admin.action(description="Give the dead ones up for good")
    def discard(self, request: HttpRequest, rows: QuerySet[HeldEvent]) -> None:
        """So that what waits behind them leaves."""
        self._each(request, rows, held.discard)

    def _each(self, request: HttpRequest, rows: QuerySet[HeldEvent], verb: Callable[..., int]) -> None:
        by = request.user.pk
        done = sum(verb(target=row.target, event_id=row.event_id, by=by) for row in list(rows.filter(dead=True)))
        messages.success(request, f"Done: {done}.")


@admin.register(WebhookEndpoint)
class WebhookEndpointAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # likewise
    """Where tenants have their events posted to. Made and changed over the API, where the secret is shown."""

    list_display = ("url", "tenant_id", "types", "failures", "succeeded_at", "disabled_at", "disabled_reason")
    list_display_links = None
    list_filter = (("disabled_at", admin.EmptyFieldListFilter),)
    search_fields = ("=id", "=tenant_id", "url")
    ordering = ("tenant_id", "id")
    show_full_result_count = False
    actions = ("enable", "replay_hour", "replay_day", "replay_all")

    def change_view(self, *_: Any, **__: Any) -> NoReturn:
        """There is no page for one: the list says all that is no secret."""
        raise Http404

    @admin.action(description="Enable, and post what waits at once")
    def enable(self, request: HttpRequest, rows: QuerySet[WebhookEndpoint]) -> None:
        """As the API's ``enable``."""
        for row in list(rows):
            endpoints.enable(by=_actor(request), tenant_id=row.tenant_id, endpoint_id=row.id, now=clock.now())
        messages.success(request, "Enabled.")

    @admin.action(description="Send again: the last hour")
    def replay_hour(self, request: HttpRequest, rows: QuerySet[WebhookEndpoint]) -> None:
        """What was written since then."""
        self._replay(request, rows, clock.now() - timedelta(hours=1))

    @admin.action(description="Send again: the last day")
    def replay_day(self, request: HttpRequest, rows: QuerySet[WebhookEndpoint]) -> None:
        """What was written since then."""
        self._replay(request, rows, clock.now() - timedelta(days=1))

    @admin.action(description="Send again: all that is retained")
    def replay_all(self, request: HttpRequest, rows: QuerySet[WebhookEndpoint]) -> None:
        """As far as EVENT_RETENTION_HOURS goes."""
        self._replay(request, rows, datetime(2000, 1, 1, tzinfo=UTC))

    def _replay(self, request: HttpRequest, rows: QuerySet[WebhookEndpoint], moment: datetime) -> None:
        for row in list(rows):
            replays.since(
                by=_actor(request), tenant_id=row.tenant_id, endpoint_id=row.id, moment=moment, now=clock.now()
            )
        messages.success(request, "Queued.")


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # likewise
    """What is on its way to webhooks, what has arrived, and what was given up."""

    list_display = (
        "event_id", "type", "endpoint_id", "attempts", "dead", "status", "error", "retry_at", "delivered_at",
    )  # fmt: skip
    list_display_links = None
    list_filter = ("dead", ("delivered_at", admin.EmptyFieldListFilter))
    search_fields = ("=event_id", "=subject_id", "=endpoint_id", "=tenant_id")
    ordering = ("-created_at",)
    show_full_result_count = False
    actions = ("requeue", "discard")

    def change_view(self, *_: Any, **__: Any) -> NoReturn:
        """There is no page for one."""
        raise Http404

    @admin.action(description="Try the failing and dead ones again")
    def requeue(self, request: HttpRequest, rows: QuerySet[WebhookDelivery]) -> None:
        """From the first attempt on."""
        self._each(request, rows, letters.requeue)

    @admin.action(description="Give the failing and dead ones up for good")
    def discard(self, request: HttpRequest, rows: QuerySet[WebhookDelivery]) -> None:
        """So that what waits behind them leaves."""
        self._each(request, rows, letters.discard)

    def _each(self, request: HttpRequest, rows: QuerySet[WebhookDelivery], verb: Callable[..., int]) -> None:
        done = sum(
            verb(
                by=_actor(request),
                tenant_id=row.tenant_id,
                endpoint_id=row.endpoint_id,
                event_id=row.event_id,
                now=clock.now(),
            )
            for row in list(rows.filter(delivered_at=None, attempts__gt=0))
        )
        messages.success(request, f"Done: {done}.")


def _actor(request: HttpRequest) -> Actor:
    user: Any = request.user
    return Actor(tenant_id=user.tenant_id, user_id=user.pk, session_id=None, role="admin")
