"""Bank statements: importing lines, each at most once, and finding out whose money each one is.

An import matches a line by the reference of a deposit or the end-to-end id of a withdrawal, with the same amount in
euros; whatever does not fit exactly waits for the staff. Locks are taken in this order: lines, wallets, what they move.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from aurix import audit, sepa, tenancy
from aurix.actor import Actor
from tenants import queries as tenants
from wallet import answers, locks, references, staff
from wallet.actions import deposits, withdrawals
from wallet.answers import Attempt, Kept
from wallet.bankfiles.lines import Line, identities
from wallet.errors import AmountDiffers, CannotBeReturned, NoSettlementAccount, StatementRefused, WrongState
from wallet.models import BankLine, Deposit, Withdrawal

Status = BankLine.Status
STEP = 200
"""Lines that are imported in one transaction, and so the wallets that are locked for it at most."""


@dataclass(frozen=True, slots=True)
class Imported:
    """How many lines a file had, were new, and of those found their deposit or withdrawal."""

    lines: int
    new: int
    matched: int


@dataclass(frozen=True, slots=True)
class Choice:
    """What the staff match a line with: exactly one of these."""

    deposit_id: UUID | None = None
    withdrawal_id: UUID | None = None
    wallet_id: UUID | None = None


def import_lines(*, by: Actor, tenant_id: UUID, lines: Sequence[Line], attempt: Attempt, now: datetime) -> Kept:
    """Import a statement's lines, as the tenant's staff; those that are known already change nothing.

    Raises: Forbidden, NotFound, NoSettlementAccount, StatementRefused (of another account), IdempotencyKeyReused.
    """
    with staff.in_tenant(by=by, tenant_id=tenant_id, why="import a bank statement"):
        if known := answers.replay(attempt, tenant_id=tenant_id):
            return known
        _check_account(tenant_id, lines)
        done = _import(tenant_id=tenant_id, lines=lines, keys=identities(lines), by=by.user_id, now=now)
        return answers.keep(attempt, done, tenant_id=tenant_id, now=now)


def import_file(*, tenant_id: UUID, lines: Sequence[Line], now: datetime) -> Imported:
    """The same from the command line, for statements of any length: in steps, after each of which it may be killed.

    Raises: NoSettlementAccount, StatementRefused (of another account).
    """
    keys = identities(lines)
    done = Imported(lines=0, new=0, matched=0)
    for start in range(0, len(lines), STEP):
        step = slice(start, start + STEP)
        with tenancy.tenant_scope(tenant_id):
            _check_account(tenant_id, lines)
            part = _import(tenant_id=tenant_id, lines=lines[step], keys=keys[step], by=None, now=now)
        done = Imported(done.lines + part.lines, done.new + part.new, done.matched + part.matched)
    return done


def match(*, by: Actor, line_id: UUID, choice: Choice, attempt: Attempt, now: datetime) -> Kept:
    """Say whose money an unmatched line is, as the tenant's staff, and book it.

    A deposit is booked with the amount that has come; a wallet gets a deposit of its own; a withdrawal is settled by
    money that went out, returned by money that came back.
    Raises: Forbidden, NotFound, WrongState, WalletFrozen, AmountDiffers, IdempotencyKeyReused.
    """
    with staff.in_tenant_of(by=by, rows=BankLine.objects.filter(id=line_id), why="match a bank line") as tenant_id:
        if known := answers.replay(attempt, tenant_id=tenant_id):
            return known
        line = _unmatched(tenant_id, line_id)
        if line.currency != "EUR" or (line.cents < 0) > (choice.withdrawal_id is not None):
            raise AmountDiffers
        _book(line, choice, by=by.user_id, now=now)
        _decided(line, Status.MATCHED, by=by.user_id, now=now)
        return answers.keep(attempt, line, tenant_id=tenant_id, now=now)


def send_back(*, by: Actor, line_id: UUID, now: datetime) -> BankLine:
    """Have an unmatched line's money sent back with the next payment file; once more changes nothing.

    Raises: Forbidden, NotFound, WrongState, CannotBeReturned.
    """
    with staff.in_tenant_of(by=by, rows=BankLine.objects.filter(id=line_id), why="return a bank line") as tenant_id:
        line = locks.locked(BankLine.objects.filter(tenant_id=tenant_id, id=line_id))
        if line.status in {Status.TO_RETURN, Status.RETURNED}:
            return line
        if line.status != Status.UNMATCHED:
            raise WrongState(details={"status": line.status})
        if line.cents <= 0 or line.currency != "EUR" or not line.party_iban:
            raise CannotBeReturned
        _decided(line, Status.TO_RETURN, by=by.user_id, now=now)
        return line


def dismiss(*, by: Actor, line_id: UUID, reason: str, now: datetime) -> BankLine:
    """Note that a line is nobody's: the bank's charges, the tenant's own transfers. Once more changes nothing.

    Raises: Forbidden, NotFound, WrongState.
    """
    with staff.in_tenant_of(by=by, rows=BankLine.objects.filter(id=line_id), why="dismiss a bank line") as tenant_id:
        line = locks.locked(BankLine.objects.filter(tenant_id=tenant_id, id=line_id))
        if line.status == Status.DISMISSED:
            return line
        if line.status != Status.UNMATCHED:
            raise WrongState(details={"status": line.status})
        line.reason = reason
        _decided(line, Status.DISMISSED, by=by.user_id, now=now)
        return line


def _check_account(tenant_id: UUID, lines: Sequence[Line]) -> None:
    account = tenants.settlement_account(tenant_id)
    if account is None:
        raise NoSettlementAccount
    if foreign := {line.account_iban for line in lines} - {account.iban}:
        raise StatementRefused(f"The statement is of another account: {min(foreign)[:34]}.")


def _import(
    *, tenant_id: UUID, lines: Sequence[Line], keys: Sequence[bytes], by: UUID | None, now: datetime
) -> Imported:
    locks.once(tenant_id=tenant_id, subject="bank statements")
    known = {
        bytes(key)
        for key in BankLine.objects.filter(tenant_id=tenant_id, identity__in=keys).values_list("identity", flat=True)
    }
    rows = [
        _row(line, identity=key, tenant_id=tenant_id, now=now)
        for line, key in zip(lines, keys, strict=True)
        if key not in known
    ]
    BankLine.objects.bulk_create(rows)
    matched = _match_all(rows, tenant_id=tenant_id, now=now)
    audit.record(
        action="bank_statement.imported",
        subject_id=tenant_id,
        tenant_id=tenant_id,
        by=by,
        now=now,
        after={"lines": len(lines), "new": len(rows), "matched": matched},
    )
    return Imported(lines=len(lines), new=len(rows), matched=matched)


def _row(line: Line, *, identity: bytes, tenant_id: UUID, now: datetime) -> BankLine:
    return BankLine(
        tenant_id=tenant_id,
        identity=identity,
        booked_on=line.booked_on,
        cents=line.cents,
        currency=line.currency,
        end_to_end_id=line.end_to_end_id[:35],
        bank_reference=line.bank_reference[:140],
        remittance=line.remittance[:500],
        party_name=line.party_name[:140],
        party_iban=_payable(line.party_iban),
        created_at=now,
        updated_at=now,
    )


def _payable(iban: str) -> str:
    """The IBAN where money can be sent to it, else nothing."""
    try:
        return sepa.parse_iban(iban)
    except sepa.IbanError:
        return ""


def _match_all(rows: Sequence[BankLine], *, tenant_id: UUID, now: datetime) -> int:
    """Book each new line whose deposit or withdrawal is found; wallets are locked all at once, in their order."""
    found = [(row, *about) for row in rows if row.currency == "EUR" and (about := _find(row, tenant_id))]
    wallet_ids = {wallet_id for _, _, wallet_id in found}
    wallets = locks.wallets(tenant_id=tenant_id, wallet_ids=wallet_ids)
    matched = 0
    for row, choice, wallet_id in found:
        if not wallets[wallet_id].frozen_reason and _still_fits(row, choice):
            _book(row, choice, by=None, now=now)
            _decided(row, Status.MATCHED, by=None, now=now)
            matched += 1
    return matched


def _find(row: BankLine, tenant_id: UUID) -> tuple[Choice, UUID] | None:
    """What a line is about, by what it says, and the wallet concerned."""
    if _is_our_id(row.end_to_end_id):
        own = Withdrawal.objects.filter(tenant_id=tenant_id, id=UUID(row.end_to_end_id))
        withdrawal = own.values_list("id", "wallet_id").first()
        return (Choice(withdrawal_id=withdrawal[0]), withdrawal[1]) if withdrawal else None
    reference = references.find(f"{row.remittance} {row.end_to_end_id}")
    if reference is None or row.cents < 0:
        return None
    announced = Deposit.objects.filter(tenant_id=tenant_id, reference=reference)
    deposit = announced.values_list("id", "wallet_id").first()
    return (Choice(deposit_id=deposit[0]), deposit[1]) if deposit else None


def _is_our_id(text: str) -> bool:
    return len(text) == 32 and all(character in "0123456789abcdef" for character in text.lower())


def _still_fits(row: BankLine, choice: Choice) -> bool:
    """Whether exactly this is expected, asked under the wallet's lock."""
    if choice.deposit_id:
        _, deposit = deposits.lock(tenant_id=row.tenant_id, deposit_id=choice.deposit_id)
        return deposit.cents == row.cents and (deposit.is_waiting or _is_booked_already(row, deposit))
    if choice.withdrawal_id is None:
        return False
    _, withdrawal = withdrawals.lock(tenant_id=row.tenant_id, withdrawal_id=choice.withdrawal_id)
    expected = (
        {Withdrawal.Status.EXPORTED} if row.cents < 0 else {Withdrawal.Status.EXPORTED, Withdrawal.Status.SETTLED}
    )
    return withdrawal.cents == abs(row.cents) and (
        withdrawal.status in expected or _is_through_already(row, withdrawal)
    )


def _is_booked_already(line: BankLine, deposit: Deposit) -> bool:
    """Whether staff booked this very money before its line came: then the line explains it, and moves nothing."""
    explained = BankLine.objects.filter(tenant_id=line.tenant_id, deposit_id=deposit.id)
    return deposit.received_cents == line.cents and not explained.exists()


def _is_through_already(line: BankLine, withdrawal: Withdrawal) -> bool:
    """Likewise for a withdrawal that staff settled (money out) or returned (money back)."""
    explained = BankLine.objects.filter(tenant_id=line.tenant_id, withdrawal_id=withdrawal.id)
    if line.cents < 0:
        return withdrawal.entry_id is not None and not explained.filter(cents__lt=0).exists()
    return withdrawal.status == Withdrawal.Status.RETURNED and not explained.filter(cents__gt=0).exists()


def _book(line: BankLine, choice: Choice, *, by: UUID | None, now: datetime) -> None:
    """Move the money of a locked line. Raises: NotFound, WrongState, WalletFrozen, AmountDiffers."""
    if choice.withdrawal_id:
        _book_withdrawal(line, choice.withdrawal_id, by=by, now=now)
    elif choice.deposit_id:
        wallet, deposit = deposits.lock(tenant_id=line.tenant_id, deposit_id=choice.deposit_id)
        if not _is_booked_already(line, deposit):
            deposits.book(deposit, wallet=wallet, cents=line.cents, by=by, now=now)
        line.deposit_id = deposit.id
    else:
        wallet = locks.wallet(tenant_id=line.tenant_id, wallet_id=choice.wallet_id or line.id)
        note = f"bank line {line.id}"
        line.deposit_id = deposits.unannounced(wallet=wallet, cents=line.cents, by=by, note=note, now=now).id


def _book_withdrawal(line: BankLine, withdrawal_id: UUID, *, by: UUID | None, now: datetime) -> None:
    wallet, withdrawal = withdrawals.lock(tenant_id=line.tenant_id, withdrawal_id=withdrawal_id)
    if withdrawal.cents != abs(line.cents):
        raise AmountDiffers
    if _is_through_already(line, withdrawal):
        pass
    elif line.cents < 0:
        withdrawals.book_out(withdrawal, wallet=wallet, by=by, now=now)
    else:
        reason = f"sent back by the bank: {line.remittance}"[:200]
        withdrawals.book_back(withdrawal, wallet=wallet, reason=reason, by=by, now=now)
    line.withdrawal_id = withdrawal.id


def _unmatched(tenant_id: UUID, line_id: UUID) -> BankLine:
    line = locks.locked(BankLine.objects.filter(tenant_id=tenant_id, id=line_id))
    if line.status != Status.UNMATCHED:
        raise WrongState(details={"status": line.status})
    return line


def _decided(line: BankLine, status: Status, *, by: UUID | None, now: datetime) -> None:
    line.status, line.decided_by, line.updated_at = status, by, now
    line.save(update_fields=["status", "deposit_id", "withdrawal_id", "reason", "decided_by", "updated_at"])
    audit.record(
        action=f"bank_line.{status}",
        subject_id=line.id,
        tenant_id=line.tenant_id,
        by=by,
        now=now,
        before={"status": Status.UNMATCHED},
        after={"status": status, "deposit_id": _text(line.deposit_id), "withdrawal_id": _text(line.withdrawal_id)},
    )


def _text(identifier: UUID | None) -> str | None:
    return str(identifier) if identifier else None
