"""Deposits, withdrawals and bank accounts over HTTP, for customers."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from aurix import clock
from aurix.api import cursors, idempotency
from aurix.api.permissions import actor_of
from aurix.api.ratelimits import Limit
from aurix.api.schema import errors
from aurix.api.serializers import read
from aurix.api.views import ApiViewSet
from tenants import queries as tenants
from wallet import payment_queries
from wallet.actions import bank_accounts, deposits, withdrawals
from wallet.answers import Attempt, Kept
from wallet.api import payment_serializers as serializers
from wallet.models import BankAccount, Deposit, Withdrawal

_PAYMENTS = Limit("payments")


def attempt(request: Request, *, operation: str, render: Callable[[Any], dict[str, Any]], sent: Any = None) -> Attempt:
    """The request under its idempotency key. What is compared is the path and ``sent``, the body by default.

    Raises: IdempotencyKeyRequired, InvalidIdempotencyKey, and what is wrong with the body.
    """
    return Attempt(
        user_id=actor_of(request).user_id,
        operation=operation,
        key=idempotency.read_key(request),
        fingerprint=idempotency.fingerprint([request.path, request.data if sent is None else sent]),
        render=render,
    )


def answer(kept: Kept, *, status: int = 200) -> Response:
    """An answer that was kept under its key."""
    headers = {idempotency.REPLAYED_HEADER: "true"} if kept.replayed else None
    return Response(kept.body, status=status, headers=headers)


def own_page(request: Request, rows: QuerySet[Any], *, name: str, render: Callable[[Any], dict[str, Any]]) -> Response:
    """A page of the actor's rows, newest first."""
    actor = actor_of(request)

    def fetch(after: cursors.Position | None, most: int) -> list[Any]:
        before = UUID(str(after[0])) if after else payment_queries.LAST
        return payment_queries.own_page(actor, rows, before=before, most=most)

    page = cursors.page(
        request,
        name=name,
        scope=f"{actor.tenant_id}/{actor.user_id}",
        filters={},
        default=20,
        high=100,
        fetch=fetch,
        position=lambda row: [str(row.id)],
        render=render,
    )
    return Response(page)


class BankAccountViewSet(ApiViewSet):
    """The bank accounts that the signed-in customer may be paid out to."""

    rate_limits = dict.fromkeys(("list", "create", "destroy"), _PAYMENTS)

    @extend_schema(
        responses={200: serializers.BankAccountsOutput, **errors(400, 401, 403, 429)},
        parameters=cursors.parameters(default=20, high=100),
    )
    def list(self, request: Request) -> Response:
        """Newest first."""
        rows = BankAccount.objects.filter(removed_at__isnull=True)
        return own_page(request, rows, name="bank-accounts", render=serializers.bank_account)

    @extend_schema(
        request=serializers.BankAccountInput,
        responses={
            200: serializers.BankAccountOutput,
            201: serializers.BankAccountOutput,
            **errors(400, 401, 403, 404, 429),
        },
    )
    def create(self, request: Request) -> Response:
        """Register one. 200 where it is registered already."""
        iban, name = serializers.read_bank_account(request)
        row, new = bank_accounts.register(by=actor_of(request), iban=iban, holder_name=name, now=clock.now())
        return Response(serializers.bank_account(row), status=201 if new else 200)

    @extend_schema(responses={204: None, **errors(401, 403, 404, 429)})
    def destroy(self, request: Request, pk: UUID) -> Response:
        """Remove one. Withdrawals under way to it go on."""
        bank_accounts.remove(by=actor_of(request), account_id=pk, now=clock.now())
        return Response(status=204)


class DepositViewSet(ApiViewSet):
    """Euros that the signed-in customer transfers to the wallet."""

    rate_limits = dict.fromkeys(("list", "create", "retrieve", "cancel"), _PAYMENTS)

    @extend_schema(
        responses={200: serializers.DepositsOutput, **errors(400, 401, 403, 429)},
        parameters=cursors.parameters(default=20, high=100),
    )
    def list(self, request: Request) -> Response:
        """Newest first."""
        return own_page(request, Deposit.objects.all(), name="deposits", render=serializers.deposit)

    @extend_schema(
        request=serializers.DepositInput,
        responses={201: serializers.DepositDetailOutput, **errors(400, 401, 403, 404, 422, 429)},
        parameters=[idempotency.HEADER],
    )
    def create(self, request: Request) -> Response:
        """Announce a bank transfer. With the `reference` in its text it is booked as soon as it has come."""

        def render(row: Deposit) -> dict[str, Any]:
            return serializers.deposit_detail(row, tenants.settlement_account(row.tenant_id))

        trial = attempt(request, operation="deposit", render=render)
        cents = serializers.read_cents(read(serializers.DepositInput, request=request))
        return answer(deposits.announce(by=actor_of(request), cents=cents, attempt=trial, now=clock.now()), status=201)

    @extend_schema(responses={200: serializers.DepositDetailOutput, **errors(401, 403, 404, 429)})
    def retrieve(self, request: Request, pk: UUID) -> Response:
        """One deposit, and where to transfer it."""
        actor = actor_of(request)
        row = payment_queries.own(actor, Deposit.objects.all(), row_id=pk)
        return Response(serializers.deposit_detail(row, payment_queries.pay_to(actor)))

    @extend_schema(request=None, responses={200: serializers.DepositOutput, **errors(401, 403, 404, 409, 429)})
    def cancel(self, request: Request, pk: UUID) -> Response:
        """Take an announcement back. Money that comes all the same is booked."""
        return Response(serializers.deposit(deposits.cancel(by=actor_of(request), deposit_id=pk, now=clock.now())))


class WithdrawalViewSet(ApiViewSet):
    """Euros that the signed-in customer wants paid out."""

    rate_limits = dict.fromkeys(("list", "create", "retrieve", "cancel"), _PAYMENTS)

    @extend_schema(
        responses={200: serializers.WithdrawalsOutput, **errors(400, 401, 403, 429)},
        parameters=cursors.parameters(default=20, high=100),
    )
    def list(self, request: Request) -> Response:
        """Newest first."""
        return own_page(request, Withdrawal.objects.all(), name="withdrawals", render=serializers.withdrawal)

    @extend_schema(
        request=serializers.WithdrawalInput,
        responses={201: serializers.WithdrawalOutput, **errors(400, 401, 403, 404, 422, 429)},
        parameters=[idempotency.HEADER],
    )
    def create(self, request: Request) -> Response:
        """Ask to be paid out to a registered bank account. The amount is held from now on."""
        trial = attempt(request, operation="withdrawal", render=serializers.withdrawal)
        values = read(serializers.WithdrawalInput, request=request)
        kept = withdrawals.request(
            by=actor_of(request),
            cents=serializers.read_cents(values),
            iban=serializers.read_iban(values["iban"]),
            attempt=trial,
            now=clock.now(),
        )
        return answer(kept, status=201)

    @extend_schema(responses={200: serializers.WithdrawalOutput, **errors(401, 403, 404, 429)})
    def retrieve(self, request: Request, pk: UUID) -> Response:
        """One withdrawal."""
        row = payment_queries.own(actor_of(request), Withdrawal.objects.all(), row_id=pk)
        return Response(serializers.withdrawal(row))

    @extend_schema(request=None, responses={200: serializers.WithdrawalOutput, **errors(401, 403, 404, 409, 429)})
    def cancel(self, request: Request, pk: UUID) -> Response:
        """Take a request back before it is approved; the amount is available again."""
        row = withdrawals.cancel(by=actor_of(request), withdrawal_id=pk, now=clock.now())
        return Response(serializers.withdrawal(row))
