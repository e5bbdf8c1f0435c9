"""Deposits, withdrawals and bank lines in the back-office: rows to look at, and verbs that call the API's actions."""

from collections.abc import Callable
from typing import Any, ClassVar
from uuid import UUID, uuid4

from django.contrib import admin, messages
from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest

from aurix import clock
from aurix.actor import Actor
from aurix.errors import Refusal
from wallet import tasks
from wallet.actions import deposits, reconciliation, reversals, statements, withdrawals
from wallet.answers import Attempt
from wallet.models import (
    BankAccount,
    BankLine,
    Deposit,
    Discrepancy,
    PaymentFile,
    Reconciliation,
    Reversal,
    Transfer,
    Withdrawal,
)


def actor_of(request: HttpRequest) -> Actor:
    """Who is signed in, as the API knows people; the site lets the platform's admins in and nobody else."""
    user: Any = request.user
    return Actor(tenant_id=user.tenant_id, user_id=user.id, session_id=None, role="admin")


def for_each(request: HttpRequest, rows: QuerySet[Any], verb: Callable[[UUID], object]) -> None:
    """Call ``verb`` with the id of each row, a transaction each, and say what was done and what was refused."""
    done = 0
    for row_id in rows.values_list("id", flat=True):
        try:
            verb(row_id)
        except Refusal as refusal:
            messages.error(request, f"{row_id}: {refusal.text}")
        else:
            done += 1
    if done:
        messages.success(request, f"Done: {done}.")


def _attempt(request: HttpRequest, operation: str) -> Attempt:
    # Each click is a request of its own: a form that is sent twice finds the row in its new state.
    return Attempt(actor_of(request).user_id, operation, str(uuid4()), b"", render=lambda _: {})


class _Rows(admin.ModelAdmin):  # type: ignore[type-arg]  # not generic at run time
    """Rows that nobody edits."""

    show_full_result_count = False
    ordering = ("-id",)
    search_fields: ClassVar[tuple[str, ...]] = ("=id", "=wallet_id")

    def get_readonly_fields(self, request: HttpRequest, obj: models.Model | None = None) -> tuple[str, ...]:
        """All of them."""
        return tuple(field.name for field in self.model._meta.fields)

    get_fields = get_readonly_fields


@admin.register(Withdrawal)
class WithdrawalAdmin(_Rows):
    list_display = ("id", "tenant_id", "wallet_id", "cents", "status", "approvals_needed", "first_approved_by",
                    "approved_by", "created_at")  # fmt: skip
    list_filter = ("status",)
    actions = ("approve", "reject", "settle", "return_")

    @admin.action(description="Approve")
    def approve(self, request: HttpRequest, rows: QuerySet[Withdrawal]) -> None:
        """As the person who is signed in: above the threshold somebody else must approve too."""
        by = actor_of(request)
        for_each(request, rows, lambda pk: withdrawals.approve(by=by, withdrawal_id=pk, now=clock.now()))

    @admin.action(description="Reject")
    def reject(self, request: HttpRequest, rows: QuerySet[Withdrawal]) -> None:
        """Before it is exported."""
        by, reason = actor_of(request), "rejected in the back-office"
        for_each(request, rows, lambda pk: withdrawals.reject(by=by, withdrawal_id=pk, reason=reason, now=clock.now()))

    @admin.action(description="Settle: the bank has paid it out")
    def settle(self, request: HttpRequest, rows: QuerySet[Withdrawal]) -> None:
        """Posts the entry."""
        by = actor_of(request)

        def verb(pk: UUID) -> None:
            trial = _attempt(request, "withdrawal.settle")
            withdrawals.settle(by=by, withdrawal_id=pk, attempt=trial, now=clock.now())

        for_each(request, rows, verb)

    @admin.action(description="Return: the bank could not pay it out")
    def return_(self, request: HttpRequest, rows: QuerySet[Withdrawal]) -> None:
        """Ends the hold, or books it back."""
        by, reason = actor_of(request), "returned in the back-office"

        def verb(pk: UUID) -> None:
            trial = _attempt(request, "withdrawal.return")
            withdrawals.return_(by=by, withdrawal_id=pk, reason=reason, attempt=trial, now=clock.now())

        for_each(request, rows, verb)


@admin.register(Deposit)
class DepositAdmin(_Rows):
    list_display = ("id", "tenant_id", "wallet_id", "reference", "cents", "status", "received_cents", "created_at")
    list_filter = ("status",)
    search_fields = ("=id", "=wallet_id", "=reference")
    actions = ("receive",)

    @admin.action(description="Receive: the announced amount has come")
    def receive(self, request: HttpRequest, rows: QuerySet[Deposit]) -> None:
        """Posts the entry."""
        by = actor_of(request)

        def verb(pk: UUID) -> None:
            trial = _attempt(request, "deposit.receive")
            deposits.receive(by=by, deposit_id=pk, cents=None, attempt=trial, now=clock.now())

        for_each(request, rows, verb)


@admin.register(BankLine)
class BankLineAdmin(_Rows):
    list_display = ("id", "tenant_id", "booked_on", "cents", "currency", "remittance", "party_name", "status")
    list_filter = ("status",)
    search_fields = ("=id", "=bank_reference", "=end_to_end_id")
    actions = ("send_back", "dismiss")

    @admin.action(description="Return: send the money back with the next payment file")
    def send_back(self, request: HttpRequest, rows: QuerySet[BankLine]) -> None:
        """Unmatched ones only."""
        by = actor_of(request)
        for_each(request, rows, lambda pk: statements.send_back(by=by, line_id=pk, now=clock.now()))

    @admin.action(description="Dismiss: no customer's money")
    def dismiss(self, request: HttpRequest, rows: QuerySet[BankLine]) -> None:
        """Unmatched ones only."""
        by, reason = actor_of(request), "dismissed in the back-office"
        for_each(request, rows, lambda pk: statements.dismiss(by=by, line_id=pk, reason=reason, now=clock.now()))


@admin.register(PaymentFile)
class PaymentFileAdmin(_Rows):
    list_display = ("id", "tenant_id", "orders", "cents", "made_by", "created_at")
    search_fields = ("=id",)


@admin.register(BankAccount)
class BankAccountAdmin(_Rows):
    list_display = ("id", "tenant_id", "wallet_id", "iban", "holder_name", "created_at", "removed_at")


@admin.register(Transfer)
class TransferAdmin(_Rows):
    list_display = ("id", "tenant_id", "wallet_id", "receiver_wallet_id", "gold", "status", "expires_at", "created_at")
    list_filter = ("status",)


@admin.register(Reversal)
class ReversalAdmin(_Rows):
    list_display = ("id", "tenant_id", "wallet_id", "reversed_id", "status", "reason", "proposed_by", "decided_by")
    list_filter = ("status",)
    actions = ("approve", "reject")

    @admin.action(description="Approve: post the compensating entry")
    def approve(self, request: HttpRequest, rows: QuerySet[Reversal]) -> None:
        """As another person than who proposed it."""
        by = actor_of(request)

        def verb(pk: UUID) -> None:
            trial = _attempt(request, "reversal.approve")
            reversals.approve(by=by, reversal_id=pk, attempt=trial, now=clock.now())

        for_each(request, rows, verb)

    @admin.action(description="Reject")
    def reject(self, request: HttpRequest, rows: QuerySet[Reversal]) -> None:
        """Drop the proposal."""
        by = actor_of(request)
        for_each(request, rows, lambda pk: reversals.reject(by=by, reversal_id=pk, now=clock.now()))


@admin.register(Reconciliation)
class ReconciliationAdmin(_Rows):
    list_display = ("id", "status", "full", "wallets", "entries", "discrepancies", "created_at", "finished_at")
    list_filter = ("status", "full")
    search_fields = ("=id",)
    actions = ("again", "again_fully")

    @admin.action(description="Run again: what moved since it was last verified")
    def again(self, request: HttpRequest, rows: QuerySet[Reconciliation]) -> None:
        """Ask for a run, as the person who is signed in; the worker does it."""
        self._ask(request, full=False)

    @admin.action(description="Run again: everything")
    def again_fully(self, request: HttpRequest, rows: QuerySet[Reconciliation]) -> None:
        """Ask for a full run."""
        self._ask(request, full=True)

    def _ask(self, request: HttpRequest, *, full: bool) -> None:
        run_id = reconciliation.request_as(by=actor_of(request), full=full, now=clock.now())
        tasks.announce(run_id)
        messages.success(request, f"Asked for run {run_id}.")


@admin.register(Discrepancy)
class DiscrepancyAdmin(_Rows):
    list_display = ("id", "tenant_id", "wallet_id", "number", "check_name", "expected", "found", "created_at")
    list_filter = ("check_name",)
    search_fields = ("=id", "=run_id", "=wallet_id")
