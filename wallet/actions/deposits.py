"""Deposits: announced by the customer, received when the money has come.

Who receives one holds the lock of its wallet and then of the deposit itself.
"""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from aurix import audit, outbox, tenancy
from aurix.actor import Actor
from wallet import answers, ledger, locks, references, staff
from wallet.answers import Attempt, Kept
from wallet.errors import WalletFrozen, WrongState
from wallet.models import Deposit, Wallet


def announce(*, by: Actor, cents: int, attempt: Attempt, now: datetime) -> Kept:
    """Make the reference under which the actor will transfer ``cents`` to the tenant's account.

    Raises: NotFound (no wallet), WalletFrozen, IdempotencyKeyReused.
    """
    with tenancy.tenant_scope(by.tenant_id):
        if known := answers.replay(attempt, tenant_id=by.tenant_id):
            return known
        wallet = locks.own_wallet(actor=by)
        _check_open(wallet)
        deposit = _create(wallet, cents=cents, by=None, note="", now=now)
        _tell(deposit, before=None, by=by.user_id, now=now)
        return answers.keep(attempt, deposit, tenant_id=by.tenant_id, now=now)


def cancel(*, by: Actor, deposit_id: UUID, now: datetime) -> Deposit:
    """Take back an announcement; once more changes nothing. Money that comes all the same is booked.

    Raises: NotFound, WrongState.
    """
    with tenancy.tenant_scope(by.tenant_id):
        wallet = locks.own_wallet(actor=by)
        deposit = locks.locked(Deposit.objects.filter(tenant_id=by.tenant_id, wallet_id=wallet.id, id=deposit_id))
        if deposit.status == Deposit.Status.RECEIVED:
            raise WrongState(details={"status": deposit.status})
        if deposit.status == Deposit.Status.ANNOUNCED:
            before, deposit.status, deposit.updated_at = deposit.status, Deposit.Status.CANCELLED, now
            deposit.save(update_fields=["status", "updated_at"])
            _tell(deposit, before=before, by=by.user_id, now=now)
        return deposit


def record(
    *, by: Actor, tenant_id: UUID, wallet_id: UUID, cents: int, note: str, attempt: Attempt, now: datetime
) -> Kept:
    """Book money that has come without an announcement, as the tenant's staff.

    Raises: Forbidden, NotFound, WalletFrozen, IdempotencyKeyReused.
    """
    with staff.in_tenant(by=by, tenant_id=tenant_id, why="record a deposit"):
        if known := answers.replay(attempt, tenant_id=tenant_id):
            return known
        wallet = locks.wallet(tenant_id=tenant_id, wallet_id=wallet_id)
        deposit = unannounced(wallet=wallet, cents=cents, by=by.user_id, note=note, now=now)
        return answers.keep(attempt, deposit, tenant_id=tenant_id, now=now)


def receive(*, by: Actor, deposit_id: UUID, cents: int | None, attempt: Attempt, now: datetime) -> Kept:
    """Book an announced deposit, as the tenant's staff; ``cents`` where another amount has come.

    Raises: Forbidden, NotFound, WrongState, WalletFrozen, IdempotencyKeyReused.
    """
    with staff.in_tenant_of(by=by, rows=Deposit.objects.filter(id=deposit_id), why="receive a deposit") as tenant_id:
        if known := answers.replay(attempt, tenant_id=tenant_id):
            return known
        wallet, deposit = lock(tenant_id=tenant_id, deposit_id=deposit_id)
        deposit.recorded_by = by.user_id
        book(deposit, wallet=wallet, cents=cents or deposit.cents, by=by.user_id, now=now)
        return answers.keep(attempt, deposit, tenant_id=tenant_id, now=now)


def lock(*, tenant_id: UUID, deposit_id: UUID) -> tuple[Wallet, Deposit]:
    """A deposit with its wallet, both locked. Raises: NotFound."""
    rows = Deposit.objects.filter(tenant_id=tenant_id, id=deposit_id)
    wallet_id = rows.values_list("wallet_id", flat=True).first()
    wallet = locks.wallet(tenant_id=tenant_id, wallet_id=wallet_id or deposit_id)
    return wallet, locks.locked(rows)


def unannounced(*, wallet: Wallet, cents: int, by: UUID | None, note: str, now: datetime) -> Deposit:
    """Book money for a wallet whose owner had not announced it; the caller holds its lock. Raises: WalletFrozen."""
    deposit = _create(wallet, cents=cents, by=by, note=note, now=now)
    book(deposit, wallet=wallet, cents=cents, by=by, now=now)
    return deposit


def book(deposit: Deposit, *, wallet: Wallet, cents: int, by: UUID | None, now: datetime) -> None:
    """Post the entry of ``cents`` that have come; the caller holds both locks. ``by`` is None for a bank statement.

    Raises: WrongState, WalletFrozen.
    """
    if not deposit.is_waiting:
        raise WrongState(details={"status": deposit.status})
    _check_open(wallet)
    entry = ledger.post(
        ledger.Posting(kind="deposit", gold_delta=Decimal(0), cash_delta=cents, gross=cents),
        tenant_id=deposit.tenant_id,
        wallet_id=wallet.id,
        actor_id=by,
    )
    before, deposit.status = deposit.status, Deposit.Status.RECEIVED
    deposit.received_cents, deposit.entry_id, deposit.updated_at = cents, entry.id, now
    deposit.save(update_fields=["status", "received_cents", "entry_id", "recorded_by", "updated_at"])
    _tell(deposit, before=before, by=by, now=now)


def _create(wallet: Wallet, *, cents: int, by: UUID | None, note: str, now: datetime) -> Deposit:
    deposit = Deposit(
        tenant_id=wallet.tenant_id,
        wallet_id=wallet.id,
        reference=_unused_reference(wallet.tenant_id),
        cents=cents,
        recorded_by=by,
        note=note,
        created_at=now,
        updated_at=now,
    )
    deposit.save(force_insert=True)
    return deposit


def _unused_reference(tenant_id: UUID) -> str:
    # One in a billion is taken where a tenant has a thousand; two at once are caught by the unique key.
    while Deposit.objects.filter(tenant_id=tenant_id, reference=(reference := references.new())).exists():
        pass
    return reference


def _check_open(wallet: Wallet) -> None:
    if wallet.frozen_reason:
        raise WalletFrozen


def _tell(deposit: Deposit, *, before: str | None, by: UUID | None, now: datetime) -> None:
    """The audit trail, and the world outside."""
    audit.record(
        action=f"deposit.{deposit.status}",
        subject_id=deposit.id,
        tenant_id=deposit.tenant_id,
        by=by,
        now=now,
        before={"status": before} if before else None,
        after={"status": deposit.status, "cents": deposit.received_cents or deposit.cents},
    )
    outbox.emit(
        tenant_id=deposit.tenant_id,
        subject_id=deposit.wallet_id,
        event=f"deposit.{deposit.status}",
        payload={
            "deposit_id": str(deposit.id),
            "wallet_id": str(deposit.wallet_id),
            "amount_cents": deposit.received_cents or deposit.cents,
            "entry_id": str(deposit.entry_id) if deposit.entry_id else None,
        },
        now=now,
    )
