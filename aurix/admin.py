"""The audit trail in the back-office, to look at; and the events that a target has refused, to decide on."""

from collections.abc import Callable
from typing import Any, NoReturn

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest

from aurix.models import AuditEvent, HeldEvent
from aurix.relay import held


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
