"""Accounts in the back-office: to look at. What changes an account is a verb, and none is offered here yet."""

from django.contrib import admin

from accounts.models import Session, User


@admin.register(User)
class UserAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not generic at run time
    list_display = ("email", "tenant_id", "role", "created_at", "closed_at")
    list_filter = ("role",)
    search_fields = ("email_folded",)
    ordering = ("-created_at",)
    fields = readonly_fields = (
        "id", "tenant_id", "email", "role", "created_at", "password_changed_at", "closed_at",
    )  # fmt: skip


@admin.register(Session)
class SessionAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # likewise
    list_display = ("id", "tenant_id", "user_id", "created_at", "expires_at", "ended_at", "end_reason")
    list_filter = ("end_reason",)
    search_fields = ("=user_id",)
    ordering = ("-created_at",)
    fields = readonly_fields = (
        "id", "tenant_id", "user_id", "created_at", "expires_at", "ended_at", "end_reason",
    )  # fmt: skip
