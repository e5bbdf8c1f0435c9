"""The wallet over HTTP: parse, one action or query, render."""

from collections.abc import Sequence
from itertools import chain
from typing import Any, ClassVar
from uuid import UUID

from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from aurix import clock, money
from aurix.api import cursors, idempotency
from aurix.api.permissions import SignedIn, actor_of
from aurix.api.ratelimits import Limit
from aurix.api.schema import errors
from aurix.api.serializers import read
from aurix.api.views import ApiViewSet
from wallet import queries
from wallet.actions import prices, trades
from wallet.api import serializers
from wallet.entries import Entry
from wallet.models import LedgerEntry
from wallet.pricing import Side

MOMENT = "a time such as 2026-04-02T10:05:00Z, or a day"


class WalletViewSet(ApiViewSet):
    """The signed-in customer's wallet."""

    permission_classes = (SignedIn,)
    rate_limits = {"retrieve": Limit("wallet")}

    @extend_schema(responses={200: serializers.WalletOutput, **errors(401, 403, 429)})
    def retrieve(self, request: Request) -> Response:
        """The balances, and the price of gold."""
        actor = actor_of(request)
        view = queries.wallet_of(actor)
        return Response(serializers.wallet(view, tenant_id=actor.tenant_id, user_id=actor.user_id))


class _TradeViewSet(ApiViewSet):
    permission_classes = (SignedIn,)
    side: ClassVar[Side]

    def _trade(self, request: Request) -> Response:
        key = idempotency.read_key(request)
        order = serializers.read_order(request, side=self.side)
        fingerprint = idempotency.fingerprint(request.data)
        entry, replayed = trades.trade(by=actor_of(request), order=order, key=key, fingerprint=fingerprint)
        headers = {idempotency.REPLAYED_HEADER: "true"} if replayed else None
        return Response(serializers.receipt(entry), headers=headers)


_TRADE: dict[str, Any] = {
    "request": serializers.OrderInput,
    "responses": {200: serializers.ReceiptOutput, **errors(400, 401, 403, 422, 429, 503)},
    "parameters": [idempotency.HEADER],
}


class BuyViewSet(_TradeViewSet):
    """Buying gold."""

    rate_limits = {"create": Limit("buy")}
    side = "buy"

    @extend_schema(**_TRADE)
    def create(self, request: Request) -> Response:
        """Buy gold by `grams`, or for `eur` in all, at the current price."""
        return self._trade(request)


class SellViewSet(_TradeViewSet):
    """Selling gold."""

    rate_limits = {"create": Limit("sell")}
    side = "sell"

    @extend_schema(**_TRADE)
    def create(self, request: Request) -> Response:
        """Sell gold by `grams`, or so that `eur` are received, at the current price."""
        return self._trade(request)


class TransactionViewSet(ApiViewSet):
    """The movements of the signed-in customer's wallet."""

    rate_limits = {action: Limit("transactions") for action in ("list", "retrieve", "export")}

    def get_permissions(self) -> Sequence[Any]:
        """Pages check the actor's standing in their own query."""
        return [SignedIn()] if self.action in {"list", "export"} else super().get_permissions()

    def get_renderers(self) -> list[BaseRenderer]:
        """``Accept: text/csv`` is understood where CSV is answered; errors stay JSON."""
        return [*super().get_renderers(), *([serializers.CsvRenderer()] if self.action == "export" else [])]

    @extend_schema(
        responses={200: serializers.TransactionsOutput, **errors(400, 401, 403, 429)},
        parameters=[
            *cursors.parameters(default=20, high=100),
            OpenApiParameter("type", enum=LedgerEntry.Kind.values),
            OpenApiParameter("from", description=f"{MOMENT}; included"),
            OpenApiParameter("to", description=f"{MOMENT}; not included"),
        ],
    )
    def list(self, request: Request) -> Response:
        """Newest first. The opening entry is listed with `type=opening` only."""
        kind = serializers.read_kind(request)
        since, until = serializers.read_period(request)
        actor = actor_of(request)

        def fetch(after: cursors.Position | None, most: int) -> list[Entry]:
            before = int(after[0]) if after else queries.LAST_NUMBER
            return queries.entries(actor, before=before, most=most, kind=kind, since=since, until=until)

        page = cursors.page(
            request,
            name="transactions",
            scope=f"{actor.tenant_id}/{actor.user_id}",
            filters={"type": kind, "from": since.isoformat(), "to": until.isoformat()},
            default=20,
            high=100,
            fetch=fetch,
            position=lambda entry: [entry.number],
            render=serializers.transaction,
        )
        return Response(page)

    @extend_schema(
        responses={(200, "text/csv"): OpenApiTypes.STR, **errors(400, 401, 403, 429)},
        parameters=[
            OpenApiParameter("type", enum=LedgerEntry.Kind.values),
            OpenApiParameter("from", description=f"{MOMENT}; included"),
            OpenApiParameter("to", description=f"{MOMENT}; not included"),
        ],
    )
    def export(self, request: Request) -> StreamingHttpResponse:
        """The same as CSV, all of it, streamed."""
        kind = serializers.read_kind(request)
        since, until = serializers.read_period(request)
        entries = queries.all_entries(actor_of(request), kind=kind, since=since, until=until)
        first = next(entries, None)  # asks the actor's standing while a refusal can still be answered
        found = chain([first], entries) if first else iter(())
        return StreamingHttpResponse(
            serializers.csv_lines(found),
            content_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": 'attachment; filename="transactions.csv"'},
        )

    @extend_schema(responses={200: serializers.TransactionOutput, **errors(401, 403, 404, 429)})
    def retrieve(self, request: Request, pk: UUID) -> Response:
        """One movement."""
        return Response(serializers.transaction(queries.entry(actor_of(request), entry_id=pk)))


class GoldPriceViewSet(ApiViewSet):
    """The price of gold, for the platform's admins."""

    administration = True

    @extend_schema(request=serializers.PriceInput, responses={200: serializers.PriceOutput, **errors(400, 401, 403)})
    def create(self, request: Request) -> Response:
        """Set the price for every tenant, at once."""
        values = read(serializers.PriceInput, request=request)
        current = prices.set_price_as(by=actor_of(request), price=values["price_eur"], now=clock.now())
        return Response({"status": "updated", "price_eur": money.format_grams(current.price)})
