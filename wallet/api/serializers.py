"""Input and output of the wallet's calls. Amounts go out as decimal strings: euros 2 places, grams and prices 8."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, time
from typing import Any
from uuid import UUID

from django.utils.dateparse import parse_date, parse_datetime
from rest_framework import serializers
from rest_framework.request import Request

from aurix import clock, money
from aurix.api import cursors
from aurix.api.renderers import JSONRenderer
from aurix.api.serializers import DecimalString, StrictSerializer, StrictUUID, read
from aurix.errors import BadRequest
from wallet.entries import Entry
from wallet.errors import InvalidAmount
from wallet.models import LedgerEntry
from wallet.pricing import Order, Side
from wallet.queries import EARLIEST, LATEST, WalletView


class OrderInput(StrictSerializer):
    """Exactly one of the three."""

    grams = DecimalString(places=8, otherwise=InvalidAmount, required=False)
    eur = DecimalString(places=2, otherwise=InvalidAmount, required=False)
    quote_id = StrictUUID(required=False)


class WalletOutput(serializers.Serializer[Any]):
    wallet_id = serializers.UUIDField()
    tenant_id = serializers.UUIDField()
    user_id = serializers.UUIDField()
    gold_balance_grams = serializers.CharField(help_text="8 places")
    fiat_balance_eur = serializers.CharField(help_text="2 places")
    available_eur = serializers.CharField(help_text="the balance less what withdrawals under way hold; 2 places")
    gold_price_eur = serializers.CharField(help_text="8 places; null before the first price", allow_null=True)
    updated_at = serializers.DateTimeField()


class TransactionOutput(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    type = serializers.ChoiceField(LedgerEntry.Kind.choices)
    gold_grams = serializers.CharField(help_text="8 places")
    price_eur_per_gram = serializers.CharField(help_text="8 places; null where nothing was traded", allow_null=True)
    gross_eur = serializers.CharField(help_text="2 places")
    fee_eur = serializers.CharField(help_text="2 places")
    status = serializers.ChoiceField(["posted"])
    gold_balance_grams = serializers.CharField(help_text="after it; 8 places")
    fiat_balance_eur = serializers.CharField(help_text="after it; 2 places")
    created_at = serializers.DateTimeField()


class TransactionsOutput(serializers.Serializer[Any]):
    items = TransactionOutput(many=True)
    next_cursor = serializers.CharField(allow_null=True)


class TradeOutput(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    type = serializers.ChoiceField(["buy", "sell"])
    gold_grams = serializers.CharField(help_text="8 places")
    price_eur_per_gram = serializers.CharField(help_text="8 places")
    gross_eur = serializers.CharField(help_text="2 places")
    fee_eur = serializers.CharField(help_text="2 places")
    total_eur = serializers.CharField(required=False, help_text="what a buyer paid; 2 places")
    net_eur = serializers.CharField(required=False, help_text="what a seller received; 2 places")
    created_at = serializers.DateTimeField()


class BalancesOutput(serializers.Serializer[Any]):
    gold_balance_grams = serializers.CharField(help_text="8 places")
    fiat_balance_eur = serializers.CharField(help_text="2 places")


class ReceiptOutput(serializers.Serializer[Any]):
    transaction = TradeOutput()
    wallet = BalancesOutput()


class PriceInput(StrictSerializer):
    price_eur = DecimalString(places=8, help_text="euros per gram, above 0")


class PriceOutput(serializers.Serializer[Any]):
    status = serializers.ChoiceField(["updated"])
    price_eur = serializers.CharField(help_text="8 places")


def read_order(request: Request, *, side: Side) -> Order:
    """The order in a request's body. Raises: BadRequest, InvalidAmount."""
    values = read(OrderInput, request=request)
    if len(values) != 1:
        raise BadRequest("Give exactly one of grams, eur and quote_id.")
    ((name, value),) = values.items()
    if not value:
        raise InvalidAmount(f"{name} must be above 0.", details={"fields": {name: "must be above 0"}})
    if name == "eur":
        return Order(side, cents=money.cents(value))
    return Order(side, **{name: value})


def read_kind(request: Request) -> str | None:
    """The query parameter ``type``. Raises: BadRequest."""
    kind = cursors.single(request, "type")
    if kind is not None and kind not in LedgerEntry.Kind.values:
        reason = f"must be one of {', '.join(LedgerEntry.Kind.values)}"
        raise BadRequest(f"type {reason}.", details={"fields": {"type": reason}})
    return kind


def read_period(request: Request) -> tuple[datetime, datetime]:
    """The query parameters ``from`` (included) and ``to`` (not included). Raises: BadRequest."""
    return _read_moment(request, "from", EARLIEST), _read_moment(request, "to", LATEST)


def _read_moment(request: Request, name: str, default: datetime) -> datetime:
    text = cursors.single(request, name)
    if text is None:
        return default
    try:
        if day := parse_date(text):
            return datetime.combine(day, time(), tzinfo=UTC)
        moment = parse_datetime(text)
    except ValueError:  # well formed, but no such day or hour
        moment = None
    if moment is None or moment.tzinfo is None:
        reason = "must be a time such as 2026-04-02T10:05:00Z, or a day"
        raise BadRequest(f"{name} {reason}.", details={"fields": {name: reason}})
    return moment


def wallet(view: WalletView, *, tenant_id: UUID, user_id: UUID) -> dict[str, Any]:
    """``GET /wallet``'s answer."""
    return {
        "wallet_id": str(view.id),
        "tenant_id": str(tenant_id),
        "user_id": str(user_id),
        "gold_balance_grams": money.format_grams(view.gold),
        "fiat_balance_eur": money.format_cents(view.cash),
        "available_eur": money.format_cents(view.cash - view.held),
        "gold_price_eur": money.format_grams(view.price) if view.price is not None else None,
        "updated_at": clock.rfc3339(view.updated_at),
    }


def receipt(entry: Entry) -> dict[str, Any]:
    """A trade's answer. It depends on the entry alone, so that a replay is equal byte for byte, for ever."""
    named = ("total_eur", -entry.cash_delta) if entry.kind == "buy" else ("net_eur", entry.cash_delta)
    return {
        "transaction": {
            **_movement(entry),
            named[0]: money.format_cents(named[1]),
            "created_at": clock.rfc3339(entry.created_at),
        },
        "wallet": _balances(entry),
    }


def transaction(entry: Entry) -> dict[str, Any]:
    """An item of ``GET /transactions``."""
    return {
        **_movement(entry),
        "status": "posted",
        **_balances(entry),
        "created_at": clock.rfc3339(entry.created_at),
    }


def _movement(entry: Entry) -> dict[str, Any]:
    return {
        "id": str(entry.id),
        "type": entry.kind,
        "gold_grams": money.format_grams(abs(entry.gold_delta)),
        "price_eur_per_gram": money.format_grams(entry.price) if entry.price is not None else None,
        "gross_eur": money.format_cents(entry.gross),
        "fee_eur": money.format_cents(entry.fee),
    }


def _balances(entry: Entry) -> dict[str, str]:
    return {
        "gold_balance_grams": money.format_grams(entry.gold_after),
        "fiat_balance_eur": money.format_cents(entry.cash_after),
    }


class CsvRenderer(JSONRenderer):
    """Makes ``Accept: text/csv`` acceptable. What it renders are refusals, which are JSON like everywhere."""

    media_type = "text/csv"
    format = "csv"


def csv_lines(entries: Iterable[Entry]) -> Iterator[str]:
    """A header and a line for each entry, with the fields of ``transaction``. No value needs quoting."""
    yield ",".join(_CSV_COLUMNS) + "\r\n"
    for entry in entries:
        values = transaction(entry)
        yield ",".join(values[name] or "" for name in _CSV_COLUMNS) + "\r\n"


_CSV_COLUMNS = tuple(TransactionOutput().fields)
