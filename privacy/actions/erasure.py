"""Forgetting a person: the request, what staff decide about it, and the erasure itself.

A request is a row first; each step after it may be repeated, so whoever is killed between two of them is followed by
``go_on``, from the request sent again or from the schedule.
"""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from accounts.actions import closing, passwords
from aurix import audit, outbox
from aurix.actor import Actor
from aurix.tenancy import platform_scope, tenant_scope
from privacy import locks, queries, records
from privacy.actions import exports
from privacy.classification import PERSONAL, How
from privacy.errors import BalanceRemaining
from privacy.models import ErasureRequest
from privacy.records import Person
from wallet import queries as wallet
from wallet import staff
from wallet.actions import withdrawals

Status = ErasureRequest.Status
MONTH = timedelta(days=30)


def request(*, by: Actor, password: str, now: datetime) -> ErasureRequest:
    """Close the actor's account at once, and have the person forgotten when the tenant's cooling-off period is over.

    Raises: InvalidCredentials where the tenant wants the password again; BalanceRemaining where it wants an empty
    wallet.
    """
    policy = queries.policy(by.tenant_id)
    if policy.asks_password:
        passwords.prove(by=by, password=password)
    if policy.refuses_balance:
        _check_empty(by)
    with tenant_scope(by.tenant_id):
        locks.person(tenant_id=by.tenant_id, user_id=by.user_id)
        row = ErasureRequest.objects.filter(tenant_id=by.tenant_id, user_id=by.user_id).first()
        if row is None:
            row = ErasureRequest(
                tenant_id=by.tenant_id,
                user_id=by.user_id,
                created_at=now,
                erase_after=now + timedelta(days=policy.cooling_off_days),
                due_at=now + MONTH,
            )
            row.save(force_insert=True)
            _audit("erasure.requested", row, by=by.user_id, now=now)
    _close(row, by=by.user_id, now=now)
    return row


def go_on(*, tenant_id: UUID, request_id: UUID, now: datetime) -> bool:
    """Do what is left of a request, and erase when its time has come; whether it was erased now. Raises: NotFound."""
    with tenant_scope(tenant_id):
        row = locks.erasure(tenant_id=tenant_id, request_id=request_id)
    if row.closed_at is None:
        _close(row, by=row.user_id, now=now)
    with platform_scope("erase a person"):
        row = locks.erasure(tenant_id=tenant_id, request_id=request_id)
        person = Person(tenant_id, row.user_id)
        if row.status == Status.ERASED or row.hold_reason or now < row.erase_after or payout_due(row):
            return False
        certificate = {label: _erase(person, label) for label in PERSONAL}
        row.status, row.erased_at = Status.ERASED, now
        row.certificate = {label: count for label, count in certificate.items() if count}
        row.save(update_fields=["status", "erased_at", "certificate"])
        payload = {"user_id": str(row.user_id)}
        outbox.emit(tenant_id=tenant_id, subject_id=row.user_id, event="account.erased", payload=payload, now=now)
        _audit("erasure.done", row, by=None, now=now, after=row.certificate)
    return True


def open_ones() -> list[tuple[UUID, UUID]]:
    """Tenant and id of the requests that are not done."""
    with platform_scope("find requests for erasure"):
        rows = ErasureRequest.objects.filter(status=Status.ACCEPTED).order_by("id")
        return list(rows.values_list("tenant_id", "id"))


def hold(*, by: Actor, request_id: UUID, reason: str, now: datetime) -> ErasureRequest:
    """Stop an erasure by a legal hold, or with an empty ``reason`` lift it. Nothing is done to what is erased already.

    Raises: Forbidden, NotFound.
    """
    with staff.in_tenant_of(by=by, rows=_only(request_id), why="hold an erasure") as tenant_id:
        row = locks.erasure(tenant_id=tenant_id, request_id=request_id)
        if row.status == Status.ACCEPTED and row.hold_reason != reason:
            row.hold_reason = reason
            row.save(update_fields=["hold_reason"])
            _audit("erasure.held" if reason else "erasure.hold_lifted", row, by=by.user_id, now=now)
        return row


def mark_paid_out(*, by: Actor, request_id: UUID, now: datetime) -> ErasureRequest:
    """Say that what was left in the wallet has been seen to; again changes nothing. Raises: Forbidden, NotFound."""
    with staff.in_tenant_of(by=by, rows=_only(request_id), why="settle an erasure") as tenant_id:
        row = locks.erasure(tenant_id=tenant_id, request_id=request_id)
        if row.paid_out_at is None:
            row.paid_out_by, row.paid_out_at = by.user_id, now
            row.save(update_fields=["paid_out_by", "paid_out_at"])
            _audit("erasure.paid_out", row, by=by.user_id, now=now)
        return row


def payout_due(row: ErasureRequest) -> bool:
    """Whether staff still has to see to money or gold in the wallet; inside a scope that sees it."""
    left = records.rows_of(Person(row.tenant_id, row.user_id), label="wallet.Wallet")
    return row.paid_out_at is None and any(any(assets) for assets in left.values_list("gold", "cash"))


def _only(request_id: UUID) -> Any:
    return ErasureRequest.objects.filter(id=request_id)


def _check_empty(by: Actor) -> None:
    view = wallet.wallet_of(by)
    if view.gold or view.cash:
        raise BalanceRemaining(details={"gold_balance_grams": f"{view.gold:.8f}", "fiat_balance_cents": view.cash})


def _close(row: ErasureRequest, *, by: UUID, now: datetime) -> None:
    """The account first: then nothing new can begin. What is at the bank already is settled or comes back there."""
    closing.close(tenant_id=row.tenant_id, user_id=row.user_id, by=by, now=now)
    while withdrawals.release(
        tenant_id=row.tenant_id, user_id=row.user_id, by=by, reason="The account was closed.", now=now
    ):
        pass
    exports.revoke_all(tenant_id=row.tenant_id, user_id=row.user_id, by=by, now=now)
    with tenant_scope(row.tenant_id):
        rows = ErasureRequest.objects.filter(tenant_id=row.tenant_id, id=row.id, closed_at__isnull=True)
        rows.update(closed_at=now)


def _erase(person: Person, label: str) -> int:
    """Overwrite or remove the person's rows of a table, as the classification says; how many."""
    table, rows = PERSONAL[label], records.rows_of(person, label=label)
    if table.removed:
        removed: int = rows.delete()[0]
        return removed
    if not table.erased:
        return 0
    ids = list(rows.values_list("id", flat=True))
    for row_id in ids:
        values = {name: _value(how, row_id) for name, how in table.erased.items()}
        rows.filter(id=row_id).update(**values)
    return len(ids)


def _value(how: How, row_id: UUID) -> str:
    rest = row_id.hex[:27]
    # No valid address, so that nobody can register or log in as it; and XX is no country.
    values: dict[How, str] = {
        "pseudonym": f"erased-{rest}",
        "no_iban": f"XX00{rest.upper()}",
        "empty": "",
        "unusable": "!",
    }
    return values[how]


def _audit(
    action: str, row: ErasureRequest, *, by: UUID | None, now: datetime, after: dict[str, Any] | None = None
) -> None:
    audit.record(action=action, subject_id=row.id, tenant_id=row.tenant_id, by=by, now=now, after=after)
