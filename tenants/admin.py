"""Tenants and their terms in the back-office: to look at."""

from django.contrib import admin

from tenants.models import SettlementAccount, Tenant, Terms


@admin.register(Tenant)
class TenantAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not generic at run time
    list_display = ("code", "name", "status", "time_zone", "created_at")
    list_filter = ("status",)
    search_fields = ("code", "name")
    fields = readonly_fields = ("id", "code", "name", "status", "time_zone", "created_at")


@admin.register(Terms)
class TermsAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # likewise
    list_display = ("tenant_id", "version", "buy_fee_rate", "sell_fee_rate", "min_fee_cents", "set_by", "created_at")
    fields = readonly_fields = ("id", *list_display)


@admin.register(SettlementAccount)
class SettlementAccountAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # likewise
    list_display = ("tenant_id", "version", "holder_name", "iban", "bic", "set_by", "created_at")
    fields = readonly_fields = ("id", *list_display)
