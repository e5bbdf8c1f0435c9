"""Reconciling: asking for a run, and doing it tenant by tenant. Nothing is repaired; a broken wallet is frozen."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from django.conf import settings
from django.db import connection
from django.db.models import Q

from aurix import audit, outbox, standing
from aurix.actor import Actor
from aurix.errors import NotFound
from aurix.tenancy import enter_tenant, platform_scope, tenant_scope
from tenants import queries as tenants
from wallet import checks, locks
from wallet.models import Discrepancy, Reconciliation

logger = structlog.get_logger(__name__)
Status = Reconciliation.Status

_GIVEN_UP = timedelta(hours=12)
"""A run that began so long ago and has not ended was killed."""
_MESSAGE = timedelta(minutes=5)
"""After which a worker has taken a run that was asked for, or its message is lost."""
_TURN = 7_235_110_005


def request_as(*, by: Actor, full: bool, now: datetime) -> UUID:
    """Ask for a run over all tenants, as the platform's admin; its id. Raises: Forbidden."""
    with platform_scope("ask for a reconciliation"):
        standing.require_platform_admin(actor=by)
        run = _queue(full=full, tenant_id=None, by=by.user_id, now=now)
        audit.record(
            action="reconciliation.requested",
            subject_id=run.id,
            tenant_id=None,
            by=by.user_id,
            now=now,
            after={"full": full},
        )
    return run.id


def request(*, full: bool, now: datetime, tenant_id: UUID | None = None) -> UUID:
    """Ask for a run from the schedule or the command line; its id."""
    with platform_scope("ask for a reconciliation"):
        return _queue(full=full, tenant_id=tenant_id, by=None, now=now).id


def _queue(*, full: bool, tenant_id: UUID | None, by: UUID | None, now: datetime) -> Reconciliation:
    Reconciliation.objects.filter(status=Status.RUNNING, started_at__lt=now - _GIVEN_UP).update(
        status=Status.FAILED, error="It was interrupted.", finished_at=now
    )
    run = Reconciliation(full=full, only_tenant=tenant_id, requested_by=by, created_at=now)
    run.save(force_insert=True)
    return run


def unfinished(*, now: datetime) -> list[UUID]:
    """Runs whose message was lost or whose worker was killed, and perhaps some that are under way: ``run`` tells."""
    with platform_scope("find unfinished reconciliations"):
        asked_for = Q(status=Status.QUEUED, created_at__lt=now - _MESSAGE)
        rows = Reconciliation.objects.filter(asked_for | Q(status=Status.RUNNING)).order_by("id")
        return list(rows.values_list("id", flat=True))


def run(*, run_id: UUID, clock: Callable[[], datetime]) -> Reconciliation:
    """Do a run that was asked for; who comes later for the same one finds it done or under way.

    One that was killed is done again from its beginning.
    """
    with connection.cursor() as cursor:
        key = f"reconciliation/{run_id}"
        cursor.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [key])
        (mine,) = cursor.fetchone()
        try:
            with platform_scope("begin a reconciliation"):
                record = Reconciliation.objects.get(id=run_id)
            return _do(record, clock) if mine and record.status in {Status.QUEUED, Status.RUNNING} else record
        finally:
            if mine:
                cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [key])


def _do(record: Reconciliation, clock: Callable[[], datetime]) -> Reconciliation:
    record.status, record.started_at = Status.RUNNING, clock()
    record.tenants = record.wallets = record.entries = record.discrepancies = 0
    with platform_scope("begin a reconciliation"):
        record.save(force_update=True)
    try:
        for tenant_id in [record.only_tenant] if record.only_tenant else tenants.all_ids():
            reconcile_tenant(record, tenant_id=tenant_id, now=clock())
        record.status = Status.DISCREPANCIES if record.discrepancies else Status.SUCCEEDED
    except Exception as problem:
        record.status, record.error = Status.FAILED, f"{type(problem).__name__}: {problem}"[:2000]
        raise
    finally:
        record.finished_at = clock()
        with platform_scope("end a reconciliation"):
            record.save(force_update=True)
    return record


def reconcile_tenant(record: Reconciliation, *, tenant_id: UUID, now: datetime) -> None:
    """Check a tenant as of one moment, note what was found and what was verified, and freeze what is broken."""
    with _turn(tenant_id):
        found = _check(record, tenant_id=tenant_id, now=now)
    broken = {row.wallet_id: row for row in reversed(found) if row.wallet_id}
    for wallet_id, row in broken.items():
        _freeze(row, tenant_id=tenant_id, wallet_id=wallet_id, now=now)
    for row in found:
        logger.error(
            "ledger_discrepancy",
            run_id=str(record.id),
            wallet_id=str(row.wallet_id),
            number=row.number,
            check=row.check_name,
        )
        if row.wallet_id is None:
            with tenant_scope(tenant_id):
                _alert(row, subject_id=tenant_id, frozen=False, now=now)


@contextmanager
def _turn(tenant_id: UUID) -> Iterator[None]:
    """One run at a time in a tenant: the next begins with what this one has verified."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s, hashtext(%s))", [_TURN % 2**31, str(tenant_id)])
        try:
            yield
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s, hashtext(%s))", [_TURN % 2**31, str(tenant_id)])


def _check(record: Reconciliation, *, tenant_id: UUID, now: datetime) -> list[Discrepancy]:
    values: dict[str, Any] = {
        "tenant": tenant_id,
        "full": record.full,
        "now": now,
        "retained": now - timedelta(hours=settings.EVENT_RETENTION_HOURS),
    }
    with platform_scope("reconcile", consistent=True), connection.cursor() as cursor:
        cursor.execute(checks.LOOK_AT, values)
        cursor.execute("ANALYZE looked_at")
        found = [
            Discrepancy(
                run_id=record.id,
                tenant_id=tenant_id,
                wallet_id=wallet_id,
                number=number,
                check_name=check.name,
                expected=expected,
                found=seen,
                created_at=now,
            )
            for check in checks.CHECKS
            if check.always or record.full
            for wallet_id, number, expected, seen in _rows(cursor, check, values)
        ]
        Discrepancy.objects.bulk_create(found)
        cursor.execute(checks.COUNTS, values)
        wallets, entries = cursor.fetchone()
        cursor.execute(checks.MARK, values | {"broken": [row.wallet_id for row in found if row.wallet_id]})
        record.tenants += 1
        record.wallets += wallets
        record.entries += int(entries)
        record.discrepancies += len(found)
        record.save(force_update=True)
    return found


def _rows(cursor: Any, check: checks.Check, values: dict[str, Any]) -> list[tuple[Any, ...]]:
    cursor.execute(f"{check.statement} LIMIT {checks.MOST}", values)
    return list(cursor.fetchall())


def _freeze(row: Discrepancy, *, tenant_id: UUID, wallet_id: UUID, now: datetime) -> None:
    """Freeze the wallet, if it still exists and is not frozen already, and tell the world."""
    with platform_scope("freeze a broken wallet"):
        enter_tenant(tenant_id)
        try:
            wallet = locks.wallet(tenant_id=tenant_id, wallet_id=wallet_id)
        except NotFound:
            _alert(row, subject_id=wallet_id, frozen=False, now=now)
            return
        if wallet.frozen_reason:
            return
        wallet.frozen_reason = f"reconciliation: {row.check_name} of entry {row.number} does not agree"
        wallet.save(update_fields=["frozen_reason"])
        audit.record(
            action="wallet.frozen",
            subject_id=wallet_id,
            tenant_id=tenant_id,
            by=None,
            now=now,
            after={"reason": wallet.frozen_reason},
        )
        _alert(row, subject_id=wallet_id, frozen=True, now=now)


def _alert(row: Discrepancy, *, subject_id: UUID, frozen: bool, now: datetime) -> None:
    payload = {
        "run_id": str(row.run_id),
        "wallet_id": str(row.wallet_id) if row.wallet_id else None,
        "number": row.number,
        "check": row.check_name,
        "expected": row.expected,
        "found": row.found,
        "frozen": frozen,
    }
    outbox.emit(
        tenant_id=row.tenant_id, subject_id=subject_id, event="reconciliation.discrepancy", payload=payload, now=now
    )
