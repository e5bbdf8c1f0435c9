"""The audit trail in the back-office: to look at."""

from django.contrib import admin

from aurix.models import AuditEvent


@admin.register(AuditEvent)
class AuditEventAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not generic at run time
    list_display = ("created_at", "action", "tenant_id", "subject_id", "actor_id", "request_id")
    search_fields = ("=action", "=subject_id", "=request_id")
    ordering = ("-created_at",)
    show_full_result_count = False
    fields = readonly_fields = (
        "id", "created_at", "action", "tenant_id", "subject_id", "actor_id", "request_id", "before", "after",
    )  # fmt: skip
