"""Wallets, ledger and prices in the back-office: to look at. Money is moved by verbs only, never by a form."""

from django.contrib import admin
from django.db import models

from wallet.models import GoldPrice, LedgerEntry, Wallet


def _all_fields(model: type[models.Model]) -> tuple[str, ...]:
    return tuple(field.name for field in model._meta.fields)


@admin.register(Wallet)
class WalletAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not generic at run time
    list_display = ("id", "tenant_id", "user_id", "gold", "cash", "number", "frozen_reason", "updated_at")
    search_fields = ("=id", "=user_id")
    show_full_result_count = False
    fields = readonly_fields = _all_fields(Wallet)


@admin.register(LedgerEntry)
class LedgerEntryAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # likewise
    list_display = ("id", "wallet_id", "number", "kind", "gold_delta", "cash_delta", "price", "fee", "created_at")
    list_filter = ("kind",)
    search_fields = ("=id", "=wallet_id")
    show_full_result_count = False
    fields = readonly_fields = _all_fields(LedgerEntry)


@admin.register(GoldPrice)
class GoldPriceAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # likewise
    list_display = ("id", "price", "source", "set_by", "created_at")
    fields = readonly_fields = _all_fields(GoldPrice)


from wallet import backoffice as backoffice  # noqa: E402  registers its pages
