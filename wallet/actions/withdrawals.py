"""Withdrawals: requested, which holds the amount, approved, exported and settled; or given back on the way.

Every verb locks the wallet and then the withdrawal, so that each step is taken once, whatever races.
"""

from collections.abc import Collection
from contextlib import AbstractContextManager
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from aurix import audit, money, outbox, tenancy
from aurix.actor import Actor
from tenants import queries as tenants
from wallet import answers, ledger, locks, staff
from wallet.answers import Attempt, Kept
from wallet.errors import (
    IbanNotRegistered,
    InsufficientBalance,
    OwnWithdrawal,
    SecondPersonNeeded,
    WalletFrozen,
    WrongState,
)
from wallet.models import BankAccount, Wallet, Withdrawal

Status = Withdrawal.Status
MOST_RELEASED = 1000
"""Withdrawals that ``release`` gives back in one transaction."""


def request(*, by: Actor, cents: int, iban: str, attempt: Attempt, now: datetime) -> Kept:
    """Hold ``cents`` of the actor's wallet for a transfer to an account that the actor has registered.

    Raises: NotFound (no wallet), WalletFrozen, IbanNotRegistered, InsufficientBalance, IdempotencyKeyReused.
    """
    with tenancy.tenant_scope(by.tenant_id):
        if known := answers.replay(attempt, tenant_id=by.tenant_id):
            return known
        wallet = locks.own_wallet(actor=by)
        _check_open(wallet)
        account = _registered(wallet, iban)
        if cents > wallet.cash - wallet.held:
            details = {
                "required": money.format_cents(cents),
                "available": money.format_cents(wallet.cash - wallet.held),
            }
            raise InsufficientBalance(details=details)
        threshold = tenants.withdrawal_approval_cents(by.tenant_id)
        withdrawal = Withdrawal(
            tenant_id=by.tenant_id,
            wallet_id=wallet.id,
            user_id=by.user_id,
            bank_account_id=account.id,
            iban=account.iban,
            holder_name=account.holder_name,
            cents=cents,
            approvals_needed=2 if cents > threshold else 1,
            created_at=now,
            updated_at=now,
        )
        withdrawal.save(force_insert=True)
        _tell(withdrawal, before=None, by=by.user_id, now=now)
        return answers.keep(attempt, withdrawal, tenant_id=by.tenant_id, now=now)


def cancel(*, by: Actor, withdrawal_id: UUID, now: datetime) -> Withdrawal:
    """Take a request back before it is approved; once more changes nothing. Raises: NotFound, WrongState."""
    with tenancy.tenant_scope(by.tenant_id):
        wallet = locks.own_wallet(actor=by)
        rows = Withdrawal.objects.filter(tenant_id=by.tenant_id, wallet_id=wallet.id, id=withdrawal_id)
        withdrawal = locks.locked(rows)
        if withdrawal.status != Status.CANCELLED:
            move(withdrawal, to=Status.CANCELLED, after={Status.REQUESTED}, by=by.user_id, now=now)
        return withdrawal


def release(*, tenant_id: UUID, user_id: UUID, by: UUID | None, reason: str, now: datetime) -> int:
    """Give back everything that a customer has asked for and that is not exported yet; says how many there were.

    For an account that is closed: ``by`` is who closes it, None for the command line.
    """
    with tenancy.tenant_scope(tenant_id):
        rows = Withdrawal.objects.filter(tenant_id=tenant_id, user_id=user_id)
        waiting = rows.filter(status__in=[Status.REQUESTED, Status.APPROVED])
        locks.wallets(tenant_id=tenant_id, wallet_ids=waiting.values_list("wallet_id", flat=True))
        released = locks.all_locked(waiting, most=MOST_RELEASED)
        for withdrawal in released:
            withdrawal.reason = reason
            move(withdrawal, to=Status.REJECTED, after={Status.REQUESTED, Status.APPROVED}, by=by, now=now)
        return len(released)


def approve(*, by: Actor, withdrawal_id: UUID, now: datetime) -> Withdrawal:
    """Approve a request, as the tenant's staff. Above the tenant's threshold the first of two changes no status.

    Raises: Forbidden, NotFound, WrongState, WalletFrozen, OwnWithdrawal, SecondPersonNeeded.
    """
    with _of_staff(by, withdrawal_id, "approve a withdrawal") as tenant_id:
        wallet, withdrawal = lock(tenant_id=tenant_id, withdrawal_id=withdrawal_id)
        if withdrawal.status == Status.APPROVED and by.user_id == withdrawal.approved_by:
            return withdrawal
        if withdrawal.status != Status.REQUESTED:
            raise WrongState(details={"status": withdrawal.status})
        _check_open(wallet)
        if by.user_id == withdrawal.user_id:
            raise OwnWithdrawal
        if withdrawal.approvals_needed > 1 and withdrawal.first_approved_by is None:
            return _approve_first(withdrawal, by=by.user_id, now=now)
        if by.user_id == withdrawal.first_approved_by:
            raise SecondPersonNeeded
        withdrawal.approved_by = by.user_id
        move(withdrawal, to=Status.APPROVED, after={Status.REQUESTED}, by=by.user_id, now=now)
        return withdrawal


def reject(*, by: Actor, withdrawal_id: UUID, reason: str, now: datetime) -> Withdrawal:
    """Refuse a withdrawal that is not exported yet, as the tenant's staff; once more changes nothing.

    Raises: Forbidden, NotFound, WrongState.
    """
    with _of_staff(by, withdrawal_id, "reject a withdrawal") as tenant_id:
        _, withdrawal = lock(tenant_id=tenant_id, withdrawal_id=withdrawal_id)
        if withdrawal.status != Status.REJECTED:
            withdrawal.reason = reason
            after = {Status.REQUESTED, Status.APPROVED}
            move(withdrawal, to=Status.REJECTED, after=after, by=by.user_id, now=now)
        return withdrawal


def settle(*, by: Actor, withdrawal_id: UUID, attempt: Attempt, now: datetime) -> Kept:
    """Book that the money has left the bank, as the tenant's staff.

    Raises: Forbidden, NotFound, WrongState, WalletFrozen, IdempotencyKeyReused.
    """
    with _of_staff(by, withdrawal_id, "settle a withdrawal") as tenant_id:
        if known := answers.replay(attempt, tenant_id=tenant_id):
            return known
        wallet, withdrawal = lock(tenant_id=tenant_id, withdrawal_id=withdrawal_id)
        book_out(withdrawal, wallet=wallet, by=by.user_id, now=now)
        return answers.keep(attempt, withdrawal, tenant_id=tenant_id, now=now)


def return_(*, by: Actor, withdrawal_id: UUID, reason: str, attempt: Attempt, now: datetime) -> Kept:
    """Give back what the bank could not pay out, as the tenant's staff: its hold ends, or it is booked back.

    Raises: Forbidden, NotFound, WrongState, WalletFrozen, IdempotencyKeyReused.
    """
    with _of_staff(by, withdrawal_id, "return a withdrawal") as tenant_id:
        if known := answers.replay(attempt, tenant_id=tenant_id):
            return known
        wallet, withdrawal = lock(tenant_id=tenant_id, withdrawal_id=withdrawal_id)
        book_back(withdrawal, wallet=wallet, reason=reason, by=by.user_id, now=now)
        return answers.keep(attempt, withdrawal, tenant_id=tenant_id, now=now)


def lock(*, tenant_id: UUID, withdrawal_id: UUID) -> tuple[Wallet, Withdrawal]:
    """A withdrawal with its wallet, both locked. Raises: NotFound."""
    rows = Withdrawal.objects.filter(tenant_id=tenant_id, id=withdrawal_id)
    wallet_id = rows.values_list("wallet_id", flat=True).first()
    wallet = locks.wallet(tenant_id=tenant_id, wallet_id=wallet_id or withdrawal_id)
    return wallet, locks.locked(rows)


def book_out(withdrawal: Withdrawal, *, wallet: Wallet, by: UUID | None, now: datetime) -> None:
    """End the hold and post the entry; the caller holds both locks. ``by`` is None for a bank statement.

    Raises: WrongState, WalletFrozen.
    """
    _check_open(wallet)
    move(withdrawal, to=Status.SETTLED, after={Status.EXPORTED}, by=by, now=now)
    withdrawal.entry_id = _post(withdrawal, "withdrawal", -withdrawal.cents, by)
    withdrawal.save(update_fields=["entry_id"])


def book_back(withdrawal: Withdrawal, *, wallet: Wallet, reason: str, by: UUID | None, now: datetime) -> None:
    """Give the amount back; the caller holds both locks. Raises: WrongState, WalletFrozen."""
    withdrawal.reason = reason
    if withdrawal.status == Status.SETTLED:
        _check_open(wallet)
        withdrawal.return_entry_id = _post(withdrawal, "deposit", withdrawal.cents, by)
    move(withdrawal, to=Status.RETURNED, after={Status.EXPORTED, Status.SETTLED}, by=by, now=now)


def move(withdrawal: Withdrawal, *, to: Status, after: Collection[Status], by: UUID | None, now: datetime) -> None:
    """Take a locked withdrawal one step on. Raises: WrongState when it is not where the step begins."""
    if withdrawal.status not in after:
        raise WrongState(details={"status": withdrawal.status})
    before, withdrawal.status, withdrawal.updated_at = withdrawal.status, to, now
    withdrawal.save(
        update_fields=["status", "approved_by", "reason", "payment_file_id", "return_entry_id", "updated_at"]
    )
    _tell(withdrawal, before=before, by=by, now=now)


def _of_staff(by: Actor, withdrawal_id: UUID, why: str) -> AbstractContextManager[UUID]:
    return staff.in_tenant_of(by=by, rows=Withdrawal.objects.filter(id=withdrawal_id), why=why)


def _registered(wallet: Wallet, iban: str) -> BankAccount:
    rows = BankAccount.objects.filter(tenant_id=wallet.tenant_id, wallet_id=wallet.id, removed_at__isnull=True)
    account = rows.filter(iban=iban).first()
    if account is None:
        raise IbanNotRegistered
    return account


def _approve_first(withdrawal: Withdrawal, *, by: UUID, now: datetime) -> Withdrawal:
    withdrawal.first_approved_by, withdrawal.updated_at = by, now
    withdrawal.save(update_fields=["first_approved_by", "updated_at"])
    audit.record(
        action="withdrawal.first_approved",
        subject_id=withdrawal.id,
        tenant_id=withdrawal.tenant_id,
        by=by,
        now=now,
    )
    return withdrawal


def _post(withdrawal: Withdrawal, kind: str, cents: int, by: UUID | None) -> UUID:
    entry = ledger.post(
        ledger.Posting(kind=kind, gold_delta=Decimal(0), cash_delta=cents, gross=abs(cents)),
        tenant_id=withdrawal.tenant_id,
        wallet_id=withdrawal.wallet_id,
        actor_id=by,
    )
    return entry.id


def _check_open(wallet: Wallet) -> None:
    if wallet.frozen_reason:
        raise WalletFrozen


def _tell(withdrawal: Withdrawal, *, before: str | None, by: UUID | None, now: datetime) -> None:
    """The audit trail, and the world outside."""
    audit.record(
        action=f"withdrawal.{withdrawal.status}",
        subject_id=withdrawal.id,
        tenant_id=withdrawal.tenant_id,
        by=by,
        now=now,
        before={"status": before} if before else None,
        after={"status": withdrawal.status, "cents": withdrawal.cents},
    )
    outbox.emit(
        tenant_id=withdrawal.tenant_id,
        subject_id=withdrawal.wallet_id,
        event=f"withdrawal.{withdrawal.status}",
        payload={
            "withdrawal_id": str(withdrawal.id),
            "wallet_id": str(withdrawal.wallet_id),
            "amount_cents": withdrawal.cents,
        },
        now=now,
    )
