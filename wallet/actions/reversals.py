"""Reversals: a trade undone by a compensating entry, which one of the staff proposes and another approves."""

from datetime import datetime
from uuid import UUID

from aurix import audit, money
from aurix.actor import Actor
from aurix.errors import NotFound
from wallet import answers, ledger, locks, staff
from wallet.answers import Attempt, Kept
from wallet.errors import (
    InsufficientBalance,
    InsufficientGold,
    NotReversible,
    OwnTrade,
    SecondPersonNeeded,
    WalletFrozen,
    WrongState,
)
from wallet.models import LedgerEntry, Reversal, Wallet

Status = Reversal.Status
_TRADES = {LedgerEntry.Kind.BUY, LedgerEntry.Kind.SELL}


def propose(*, by: Actor, entry_id: UUID, reason: str, now: datetime) -> Reversal:
    """Propose to undo a trade, as the tenant's staff.

    Raises: Forbidden, NotFound, NotReversible, OwnTrade, WrongState (it is proposed or reversed already).
    """
    rows = LedgerEntry.objects.filter(id=entry_id)
    with staff.in_tenant_of(by=by, rows=rows, why="propose a reversal") as tenant_id:
        trade = rows.get(tenant_id=tenant_id)
        if trade.kind not in _TRADES:
            raise NotReversible
        wallet = locks.wallet(tenant_id=tenant_id, wallet_id=trade.wallet_id)
        if wallet.user_id == by.user_id:
            raise OwnTrade
        known = Reversal.objects.filter(tenant_id=tenant_id, reversed_id=entry_id)
        if earlier := known.exclude(status=Status.REJECTED).first():
            raise WrongState(details={"status": earlier.status, "reversal_id": str(earlier.id)})
        reversal = Reversal(
            tenant_id=tenant_id,
            wallet_id=wallet.id,
            user_id=wallet.user_id,
            reversed_id=entry_id,
            reason=reason,
            proposed_by=by.user_id,
            created_at=now,
            updated_at=now,
        )
        reversal.save(force_insert=True)
        _audit(reversal, by=by.user_id, now=now)
        return reversal


def approve(*, by: Actor, reversal_id: UUID, attempt: Attempt, now: datetime) -> Kept:
    """Post the compensating entry, as another of the staff than who proposed it.

    Raises: Forbidden, NotFound, WrongState, SecondPersonNeeded, OwnTrade, WalletFrozen, InsufficientBalance,
    InsufficientGold (what the trade brought is no longer there), IdempotencyKeyReused.
    """
    rows = Reversal.objects.filter(id=reversal_id)
    with staff.in_tenant_of(by=by, rows=rows, why="approve a reversal") as tenant_id:
        if known := answers.replay(attempt, tenant_id=tenant_id):
            return known
        wallet, reversal = _locked(tenant_id, reversal_id)
        if by.user_id == reversal.proposed_by:
            raise SecondPersonNeeded
        if by.user_id == reversal.user_id:
            raise OwnTrade
        if wallet.frozen_reason:
            raise WalletFrozen
        trade = LedgerEntry.objects.get(tenant_id=tenant_id, id=reversal.reversed_id)
        _check_can_give_back(wallet, trade)
        reversal.entry_id = _post(trade, by=by.user_id)
        _decide(reversal, Status.APPROVED, by=by.user_id, now=now)
        return answers.keep(attempt, reversal, tenant_id=tenant_id, now=now)


def reject(*, by: Actor, reversal_id: UUID, now: datetime) -> Reversal:
    """Drop a proposal, as the tenant's staff; also one's own. Once more changes nothing.

    Raises: Forbidden, NotFound, WrongState.
    """
    rows = Reversal.objects.filter(id=reversal_id)
    with staff.in_tenant_of(by=by, rows=rows, why="reject a reversal") as tenant_id:
        current = rows.get(tenant_id=tenant_id)
        if current.status == Status.REJECTED:
            return current
        _, reversal = _locked(tenant_id, reversal_id)
        _decide(reversal, Status.REJECTED, by=by.user_id, now=now)
        return reversal


def _locked(tenant_id: UUID, reversal_id: UUID) -> tuple[Wallet, Reversal]:
    rows = Reversal.objects.filter(tenant_id=tenant_id, id=reversal_id)
    wallet_id = rows.values_list("wallet_id", flat=True).first()
    if wallet_id is None:
        raise NotFound
    wallet = locks.wallet(tenant_id=tenant_id, wallet_id=wallet_id)
    reversal = locks.locked(rows)
    if reversal.status != Status.PROPOSED:
        raise WrongState(details={"status": reversal.status})
    return wallet, reversal


def _check_can_give_back(wallet: Wallet, trade: LedgerEntry) -> None:
    """Whether the wallet still has what the trade brought."""
    if wallet.gold < trade.gold_delta:
        raise InsufficientGold(
            "The gold of this trade is no longer in the wallet, so it cannot be reversed.",
            details={
                "required": money.format_grams(trade.gold_delta),
                "available": money.format_grams(wallet.gold),
            },
        )
    available = wallet.cash - wallet.held
    if trade.cash_delta > 0 and available < trade.cash_delta:
        raise InsufficientBalance(
            "The euros of this trade are no longer available in the wallet, so it cannot be reversed.",
            details={"required": money.format_cents(trade.cash_delta), "available": money.format_cents(available)},
        )


def _post(trade: LedgerEntry, *, by: UUID) -> UUID:
    """The entry names the trade: its id as key, which the ledger takes once, and its hash as fingerprint."""
    posting = ledger.Posting(
        kind="reversal",
        gold_delta=-trade.gold_delta,
        cash_delta=-trade.cash_delta,
        price=trade.price,
        gross=-trade.gross,
        fee=-trade.fee,
    )
    return ledger.post(
        posting,
        tenant_id=trade.tenant_id,
        wallet_id=trade.wallet_id,
        actor_id=by,
        key=f"reverses/{trade.id}",
        fingerprint=bytes(trade.hash),
    ).id


def _decide(reversal: Reversal, status: Status, *, by: UUID, now: datetime) -> None:
    reversal.status, reversal.decided_by, reversal.updated_at = status, by, now
    reversal.save(update_fields=["status", "decided_by", "entry_id", "updated_at"])
    _audit(reversal, by=by, now=now)


def _audit(reversal: Reversal, *, by: UUID, now: datetime) -> None:
    audit.record(
        action=f"reversal.{reversal.status}",
        subject_id=reversal.id,
        tenant_id=reversal.tenant_id,
        by=by,
        now=now,
        after={"status": reversal.status, "reversed_id": str(reversal.reversed_id), "reason": reversal.reason},
    )
