"""Deposits, withdrawals and the bank over HTTP, for a tenant's staff and the platform's."""

import hashlib
from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from aurix import clock
from aurix.api import cursors, idempotency
from aurix.api.permissions import Staff, actor_of
from aurix.api.schema import errors
from aurix.api.serializers import read
from aurix.api.views import ApiViewSet
from aurix.errors import BadRequest
from wallet import payment_queries
from wallet.actions import deposits, payment_files, statements, withdrawals
from wallet.api import parsers
from wallet.api import payment_serializers as serializers
from wallet.api.payments import answer, attempt
from wallet.models import BankLine, Deposit, PaymentFile, Withdrawal

_ITEM = errors(401, 403, 404, 409)
_LIST = errors(400, 401, 403, 404)
_MOVES = {**errors(400, 401, 403, 404, 409, 422)}


class StaffViewSet(ApiViewSet):
    """Calls for a tenant's staff and the platform's."""

    administration = True

    def get_permissions(self) -> list[Any]:
        """The default, then the role."""
        return [*super().get_permissions(), Staff()]


class TenantViewSet(StaffViewSet):
    """The path's id is the tenant's."""

    tenant_in_path = True

    def page(
        self,
        request: Request,
        tenant_id: UUID,
        rows: QuerySet[Any],
        *,
        options: list[str],
        render: Callable[[Any], dict[str, Any]],
    ) -> Response:
        """A page of the tenant's rows, newest first, of one of the statuses in ``options`` or all."""
        actor = actor_of(request)
        status = serializers.read_status(request, options=options)

        def fetch(after: cursors.Position | None, most: int) -> list[Any]:
            before = UUID(str(after[0])) if after else payment_queries.LAST
            return payment_queries.page_of_tenant(
                actor, rows, tenant_id=tenant_id, status=status, before=before, most=most
            )

        page = cursors.page(
            request,
            name=rows.model._meta.label_lower,
            scope=f"{actor.tenant_id}/{actor.user_id}/{tenant_id}",
            filters={"status": status},
            default=20,
            high=100,
            fetch=fetch,
            position=lambda row: [str(row.id)],
            render=render,
        )
        return Response(page)


def list_parameters(options: list[str]) -> list[OpenApiParameter]:
    """Of a list that ``page`` answers."""
    status = [OpenApiParameter("status", enum=options)] if options else []
    return [*cursors.parameters(default=20, high=100), *status]


class TenantDepositViewSet(TenantViewSet):
    """A tenant's deposits."""

    @extend_schema(
        responses={200: serializers.StaffDepositsOutput, **_LIST}, parameters=list_parameters(Deposit.Status.values)
    )
    def list(self, request: Request, pk: UUID) -> Response:
        """Newest first."""
        rows, options = Deposit.objects.all(), Deposit.Status.values
        return self.page(request, pk, rows, options=options, render=serializers.staff_deposit)

    @extend_schema(
        request=serializers.RecordInput,
        responses={201: serializers.StaffDepositOutput, **_MOVES},
        parameters=[idempotency.HEADER],
    )
    def create(self, request: Request, pk: UUID) -> Response:
        """Record money that has come without an announcement."""
        trial = attempt(request, operation="deposit.record", render=serializers.staff_deposit)
        values = read(serializers.RecordInput, request=request)
        kept = deposits.record(
            by=actor_of(request),
            tenant_id=pk,
            wallet_id=values["wallet_id"],
            cents=serializers.read_cents(values),
            note=values["note"],
            attempt=trial,
            now=clock.now(),
        )
        return answer(kept, status=201)


class StaffDepositViewSet(StaffViewSet):
    """One deposit."""

    @extend_schema(
        request=serializers.ReceiveInput,
        responses={200: serializers.StaffDepositOutput, **_MOVES},
        parameters=[idempotency.HEADER],
    )
    def receive(self, request: Request, pk: UUID) -> Response:
        """Book an announced deposit, with `eur` where another amount has come."""
        trial = attempt(request, operation="deposit.receive", render=serializers.staff_deposit)
        values = read(serializers.ReceiveInput, request=request)
        cents = serializers.read_cents(values) if values else None
        kept = deposits.receive(by=actor_of(request), deposit_id=pk, cents=cents, attempt=trial, now=clock.now())
        return answer(kept)


class TenantWithdrawalViewSet(TenantViewSet):
    """A tenant's withdrawals."""

    @extend_schema(
        responses={200: serializers.StaffWithdrawalsOutput, **_LIST},
        parameters=list_parameters(Withdrawal.Status.values),
    )
    def list(self, request: Request, pk: UUID) -> Response:
        """Newest first."""
        rows, options = Withdrawal.objects.all(), Withdrawal.Status.values
        return self.page(request, pk, rows, options=options, render=serializers.staff_withdrawal)


class StaffWithdrawalViewSet(StaffViewSet):
    """One withdrawal."""

    @extend_schema(responses={200: serializers.StaffWithdrawalOutput, **_ITEM})
    def retrieve(self, request: Request, pk: UUID) -> Response:
        """All that there is to know."""
        row = payment_queries.for_staff(actor_of(request), Withdrawal.objects.filter(id=pk))
        return Response(serializers.staff_withdrawal(row))

    @extend_schema(request=None, responses={200: serializers.StaffWithdrawalOutput, **_ITEM})
    def approve(self, request: Request, pk: UUID) -> Response:
        """Approve it. Above the tenant's threshold it stays `requested` until a second person does so too."""
        row = withdrawals.approve(by=actor_of(request), withdrawal_id=pk, now=clock.now())
        return Response(serializers.staff_withdrawal(row))

    @extend_schema(
        request=serializers.ReasonInput,
        responses={200: serializers.StaffWithdrawalOutput, **errors(400, 401, 403, 404, 409)},
    )
    def reject(self, request: Request, pk: UUID) -> Response:
        """Refuse it before it is exported; the amount is available again."""
        reason = read(serializers.ReasonInput, request=request)["reason"]
        row = withdrawals.reject(by=actor_of(request), withdrawal_id=pk, reason=reason, now=clock.now())
        return Response(serializers.staff_withdrawal(row))

    @extend_schema(
        request=None, responses={200: serializers.WithdrawalOutput, **_MOVES}, parameters=[idempotency.HEADER]
    )
    def settle(self, request: Request, pk: UUID) -> Response:
        """Book that the bank has paid it out."""
        trial = attempt(request, operation="withdrawal.settle", render=serializers.withdrawal, sent="")
        return answer(withdrawals.settle(by=actor_of(request), withdrawal_id=pk, attempt=trial, now=clock.now()))

    @extend_schema(
        request=serializers.ReasonInput,
        responses={200: serializers.WithdrawalOutput, **_MOVES},
        parameters=[idempotency.HEADER],
    )
    def return_(self, request: Request, pk: UUID) -> Response:
        """Give back what the bank could not pay out, or what came back."""
        trial = attempt(request, operation="withdrawal.return", render=serializers.withdrawal)
        reason = read(serializers.ReasonInput, request=request)["reason"]
        kept = withdrawals.return_(
            by=actor_of(request), withdrawal_id=pk, reason=reason, attempt=trial, now=clock.now()
        )
        return answer(kept)


class TenantPaymentFileViewSet(TenantViewSet):
    """The files with which a tenant's bank is told to pay."""

    @extend_schema(responses={200: serializers.PaymentFilesOutput, **_LIST}, parameters=list_parameters([]))
    def list(self, request: Request, pk: UUID) -> Response:
        """Newest first."""
        rows = PaymentFile.objects.defer("document")
        return self.page(request, pk, rows, options=[], render=serializers.payment_file)

    @extend_schema(
        request=None, responses={201: serializers.PaymentFileOutput, **_MOVES}, parameters=[idempotency.HEADER]
    )
    def create(self, request: Request, pk: UUID) -> Response:
        """Put every approved withdrawal, and money to be sent back, in a new file. Each is in exactly one."""
        trial = attempt(request, operation="payment_file", render=serializers.payment_file, sent="")
        kept = payment_files.make(by=actor_of(request), tenant_id=pk, attempt=trial, now=clock.now())
        return answer(kept, status=201)


class PaymentFileViewSet(StaffViewSet):
    """One payment file."""

    @extend_schema(responses={200: serializers.PaymentFileOutput, **_ITEM})
    def retrieve(self, request: Request, pk: UUID) -> Response:
        """What it holds in all."""
        return Response(serializers.payment_file(self._file(request, pk)))

    @extend_schema(responses={(200, "application/xml"): OpenApiTypes.STR, **_ITEM})
    def document(self, request: Request, pk: UUID) -> HttpResponse:
        """The pain.001 document, for the bank; always the same bytes."""
        file = self._file(request, pk)
        return HttpResponse(
            file.document,
            content_type="application/xml; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="pain.001-{file.id}.xml"'},
        )

    def _file(self, request: Request, pk: UUID) -> PaymentFile:
        return payment_queries.for_staff(actor_of(request), PaymentFile.objects.filter(id=pk))


class BankStatementViewSet(TenantViewSet):
    """Statements of a tenant's bank account."""

    parser_classes = (parsers.CamtParser, parsers.CamtTextParser, parsers.CsvParser)

    @extend_schema(
        request={("application/xml"): OpenApiTypes.STR, "text/csv": OpenApiTypes.STR},
        responses={200: serializers.ImportedOutput, **_MOVES},
        parameters=[idempotency.HEADER],
    )
    def create(self, request: Request, pk: UUID) -> Response:
        """Import CAMT.053 or CSV (`docs/bank-files.md`). Lines that are known from any file before change nothing."""
        statement: object = request.data
        if not isinstance(statement, parsers.Statement):
            raise BadRequest("The body is empty.")
        sent = hashlib.sha256(statement.raw).hexdigest()
        trial = attempt(request, operation="bank_statement", render=serializers.imported, sent=sent)
        kept = statements.import_lines(
            by=actor_of(request), tenant_id=pk, lines=statement.lines, attempt=trial, now=clock.now()
        )
        return answer(kept)


class TenantBankLineViewSet(TenantViewSet):
    """The lines of a tenant's bank statements."""

    @extend_schema(
        responses={200: serializers.BankLinesOutput, **_LIST}, parameters=list_parameters(BankLine.Status.values)
    )
    def list(self, request: Request, pk: UUID) -> Response:
        """Newest first; `status=unmatched` are those that wait for a decision."""
        rows, options = BankLine.objects.all(), BankLine.Status.values
        return self.page(request, pk, rows, options=options, render=serializers.bank_line)


class BankLineViewSet(StaffViewSet):
    """One line of a bank statement."""

    @extend_schema(
        request=serializers.MatchInput,
        responses={200: serializers.BankLineOutput, **_MOVES},
        parameters=[idempotency.HEADER],
    )
    def match(self, request: Request, pk: UUID) -> Response:
        """Say whose money it is, and book it: a deposit, a withdrawal, or a wallet that had announced nothing."""
        trial = attempt(request, operation="bank_line.match", render=serializers.bank_line)
        choice = serializers.read_choice(request)
        kept = statements.match(by=actor_of(request), line_id=pk, choice=choice, attempt=trial, now=clock.now())
        return answer(kept)

    @extend_schema(request=None, responses={200: serializers.BankLineOutput, **errors(401, 403, 404, 409, 422)})
    def return_(self, request: Request, pk: UUID) -> Response:
        """Have the money sent back to where it came from, with the next payment file."""
        return Response(serializers.bank_line(statements.send_back(by=actor_of(request), line_id=pk, now=clock.now())))

    @extend_schema(
        request=serializers.ReasonInput,
        responses={200: serializers.BankLineOutput, **errors(400, 401, 403, 404, 409)},
    )
    def dismiss(self, request: Request, pk: UUID) -> Response:
        """Note that it is no customer's: the bank's charges, the tenant's own transfers."""
        reason = read(serializers.ReasonInput, request=request)["reason"]
        row = statements.dismiss(by=actor_of(request), line_id=pk, reason=reason, now=clock.now())
        return Response(serializers.bank_line(row))
