"""ETL runs in the back-office: how they went, and asking for one."""

from typing import Any

from django.contrib import admin, messages
from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest

from aurix import clock
from aurix.actor import Actor
from insights import queries, tasks
from insights.actions import runs
from insights.models import EtlRun


@admin.register(EtlRun)
class EtlRunAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not generic at run time
    list_display = ("id", "trigger", "rebuild", "state", "progress", "seconds", "error", "created_at")
    list_filter = ("trigger", "rebuild")
    list_per_page = 25  # the state of each is the sum of its parts
    ordering = ("-id",)
    show_full_result_count = False
    actions = ("again",)

    def get_readonly_fields(self, request: HttpRequest, obj: models.Model | None = None) -> tuple[str, ...]:
        """All of them, and how it goes."""
        return (*(field.name for field in EtlRun._meta.fields), "state", "progress", "seconds", "error")

    get_fields = get_readonly_fields

    def state(self, row: EtlRun) -> str:
        """Queued, running, succeeded or failed."""
        return queries.run(run_id=row.id).status

    def progress(self, row: EtlRun) -> str:
        """Tenants done, entries, snapshots."""
        counts = queries.run(run_id=row.id).counts
        return (
            f"{counts['tenants_done']} of {counts['tenants']} tenants, {counts['entries']} entries,"
            f" {counts['snapshots']} snapshots"
        )

    def seconds(self, row: EtlRun) -> str:
        """How long it took."""
        took = queries.run(run_id=row.id).duration_seconds
        return "" if took is None else f"{took:.1f}"

    def error(self, row: EtlRun) -> str:
        """What went wrong, by tenant."""
        return queries.run(run_id=row.id).error or ""

    @admin.action(description="Run again: bring all snapshots up to date")
    def again(self, request: HttpRequest, rows: QuerySet[EtlRun]) -> None:
        """As the person who is signed in; the workers do it."""
        user: Any = request.user  # accounts.User: the site lets nobody else in
        by = Actor(tenant_id=user.tenant_id, user_id=user.id, session_id=None, role="admin")
        run_id = runs.start_as(by=by, now=clock.now())
        tasks.announce(run_id)
        messages.success(request, f"Asked for run {run_id}.")
