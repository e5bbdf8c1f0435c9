"""Transfers over HTTP, for customers; reversals, for the staff."""

from decimal import Decimal
from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from aurix import clock, emails, money
from aurix.api import cursors, idempotency
from aurix.api.permissions import actor_of
from aurix.api.ratelimits import Limit
from aurix.api.schema import errors
from aurix.api.serializers import DecimalString, StrictChar, StrictSerializer, read
from aurix.api.views import ApiViewSet
from aurix.errors import BadRequest
from wallet import transfer_queries
from wallet.actions import reversals, transfers
from wallet.api.payment_serializers import ReasonInput
from wallet.api.payments import answer, attempt
from wallet.api.staff import StaffViewSet, TenantViewSet, list_parameters
from wallet.errors import AmountAboveMaximum, InvalidAmount
from wallet.models import Reversal, Transfer
from wallet.payment_queries import LAST
from wallet.pricing import MAX_GRAMS
from wallet.transfer_queries import Seen

_TRANSFERS = Limit("transfers")


class TransferInput(StrictSerializer):
    email = StrictChar(max_length=emails.MAX_LENGTH, help_text="of another customer of the same organisation")
    grams = DecimalString(places=8, otherwise=InvalidAmount)


class TransferOutput(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    direction = serializers.ChoiceField(["out", "in"])
    status = serializers.ChoiceField(Transfer.Status.choices)
    gold_grams = serializers.CharField(help_text="8 places")
    transaction_id = serializers.UUIDField(
        help_text="in the reader's own ledger; null before it is accepted", allow_null=True
    )
    expires_at = serializers.DateTimeField()
    created_at = serializers.DateTimeField()


class TransfersOutput(serializers.Serializer[Any]):
    items = TransferOutput(many=True)
    next_cursor = serializers.CharField(allow_null=True)


class ReversalOutput(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    status = serializers.ChoiceField(Reversal.Status.choices)
    reversed_transaction_id = serializers.UUIDField()
    transaction_id = serializers.UUIDField(help_text="the reversal's; null until it is approved", allow_null=True)
    wallet_id = serializers.UUIDField()
    reason = serializers.CharField()
    proposed_by = serializers.UUIDField()
    decided_by = serializers.UUIDField(allow_null=True)
    created_at = serializers.DateTimeField()


class ReversalsOutput(serializers.Serializer[Any]):
    items = ReversalOutput(many=True)
    next_cursor = serializers.CharField(allow_null=True)


def _transfer(seen: Seen) -> dict[str, Any]:
    row, incoming = seen.transfer, seen.incoming
    entry_id = row.in_entry_id if incoming else row.out_entry_id
    return {
        "id": str(row.id),
        "direction": "in" if incoming else "out",
        "status": str(row.status),
        "gold_grams": money.format_grams(row.gold),
        "transaction_id": str(entry_id) if entry_id else None,
        "expires_at": clock.rfc3339(row.expires_at),
        "created_at": clock.rfc3339(row.created_at),
    }


def _sent(row: Transfer) -> dict[str, Any]:
    return _transfer(Seen(row, incoming=False))


def _received(row: Transfer) -> dict[str, Any]:
    return _transfer(Seen(row, incoming=True))


def _read(request: Request) -> tuple[str, Decimal]:
    values = read(TransferInput, request=request)
    if not emails.is_valid(email=values["email"]):
        raise BadRequest("email is not an email address.", details={"fields": {"email": "is not an email address"}})
    grams: Decimal = values["grams"]
    if not grams:
        raise InvalidAmount("grams must be above 0.", details={"fields": {"grams": "must be above 0"}})
    if grams > MAX_GRAMS:
        raise AmountAboveMaximum
    return values["email"], grams


class TransferViewSet(ApiViewSet):
    """Gold from customer to customer."""

    rate_limits = dict.fromkeys(("list", "create", "retrieve", "accept", "hide", "cancel"), _TRANSFERS)

    @extend_schema(
        responses={200: TransfersOutput, **errors(400, 401, 403, 429)},
        parameters=cursors.parameters(default=20, high=100),
    )
    def list(self, request: Request) -> Response:
        """What was sent and what has come, newest first."""
        actor = actor_of(request)

        def fetch(after: cursors.Position | None, most: int) -> list[Seen]:
            before = UUID(str(after[0])) if after else LAST
            return transfer_queries.page(actor, before=before, most=most)

        page = cursors.page(
            request,
            name="transfers",
            scope=f"{actor.tenant_id}/{actor.user_id}",
            filters={},
            default=20,
            high=100,
            fetch=fetch,
            position=lambda seen: [str(seen.transfer.id)],
            render=_transfer,
        )
        return Response(page)

    @extend_schema(
        request=TransferInput,
        responses={201: TransferOutput, **errors(400, 401, 403, 404, 422, 429)},
        parameters=[idempotency.HEADER],
    )
    def create(self, request: Request) -> Response:
        """Send gold to an email address. It leaves at once and waits there to be accepted; what is not comes back.

        The answer is the same whether or not anybody is known there.
        """
        trial = attempt(request, operation="transfer", render=_sent)
        email, grams = _read(request)
        kept = transfers.send(by=actor_of(request), email=email, grams=grams, attempt=trial, now=clock.now())
        return answer(kept, status=201)

    @extend_schema(responses={200: TransferOutput, **errors(401, 403, 404, 429)})
    def retrieve(self, request: Request, pk: UUID) -> Response:
        """One, sent or received."""
        return Response(_transfer(transfer_queries.one(actor_of(request), transfer_id=pk)))

    @extend_schema(
        request=None,
        responses={200: TransferOutput, **errors(400, 401, 403, 404, 409, 422, 429)},
        parameters=[idempotency.HEADER],
    )
    def accept(self, request: Request, pk: UUID) -> Response:
        """Take gold that was sent to the own address."""
        actor = actor_of(request)
        transfer_queries.one(actor, transfer_id=pk)
        trial = attempt(request, operation="transfer.accept", render=_received, sent="")
        return answer(transfers.accept(by=actor, transfer_id=pk, attempt=trial, now=clock.now()))

    @extend_schema(request=None, responses={204: None, **errors(401, 403, 404, 429)})
    def hide(self, request: Request, pk: UUID) -> Response:
        """Not want it. The sender is not told; it comes back when it expires."""
        transfers.hide(by=actor_of(request), transfer_id=pk, now=clock.now())
        return Response(status=204)

    @extend_schema(
        request=None,
        responses={200: TransferOutput, **errors(400, 401, 403, 404, 409, 422, 429)},
        parameters=[idempotency.HEADER],
    )
    def cancel(self, request: Request, pk: UUID) -> Response:
        """Take the own gold back before it is accepted."""
        actor = actor_of(request)
        transfer_queries.one(actor, transfer_id=pk)
        trial = attempt(request, operation="transfer.cancel", render=_sent, sent="")
        return answer(transfers.cancel(by=actor, transfer_id=pk, attempt=trial, now=clock.now()))


def _reversal(row: Reversal) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "status": str(row.status),
        "reversed_transaction_id": str(row.reversed_id),
        "transaction_id": str(row.entry_id) if row.entry_id else None,
        "wallet_id": str(row.wallet_id),
        "reason": row.reason,
        "proposed_by": str(row.proposed_by),
        "decided_by": str(row.decided_by) if row.decided_by else None,
        "created_at": clock.rfc3339(row.created_at),
    }


class TenantReversalViewSet(TenantViewSet):
    """A tenant's reversals."""

    @extend_schema(
        responses={200: ReversalsOutput, **errors(400, 401, 403, 404)},
        parameters=list_parameters(Reversal.Status.values),
    )
    def list(self, request: Request, pk: UUID) -> Response:
        """Newest first."""
        rows, options = Reversal.objects.all(), Reversal.Status.values
        return self.page(request, pk, rows, options=options, render=_reversal)


class TransactionReversalViewSet(StaffViewSet):
    """The reversal of one transaction."""

    @extend_schema(request=ReasonInput, responses={201: ReversalOutput, **errors(400, 401, 403, 404, 409, 422)})
    def create(self, request: Request, pk: UUID) -> Response:
        """Propose to undo a buy or a sell; another member of the staff has to approve."""
        reason = read(ReasonInput, request=request)["reason"]
        row = reversals.propose(by=actor_of(request), entry_id=pk, reason=reason, now=clock.now())
        return Response(_reversal(row), status=201)


class ReversalViewSet(StaffViewSet):
    """One reversal."""

    @extend_schema(
        request=None,
        responses={200: ReversalOutput, **errors(400, 401, 403, 404, 409, 422)},
        parameters=[idempotency.HEADER],
    )
    def approve(self, request: Request, pk: UUID) -> Response:
        """Post the compensating entry, as another person than who proposed it."""
        trial = attempt(request, operation="reversal.approve", render=_reversal, sent="")
        return answer(reversals.approve(by=actor_of(request), reversal_id=pk, attempt=trial, now=clock.now()))

    @extend_schema(request=None, responses={200: ReversalOutput, **errors(401, 403, 404, 409)})
    def reject(self, request: Request, pk: UUID) -> Response:
        """Drop the proposal."""
        return Response(_reversal(reversals.reject(by=actor_of(request), reversal_id=pk, now=clock.now())))
