"""Asking for an ETL run, and doing its work tenant by tenant.

A run is rows first and messages second: a message that is lost, or that comes twice, changes nothing but the time.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import Error as DatabaseError
from django.db import InterfaceError, OperationalError, connection
from django.db.models import F, QuerySet

from aurix import audit, standing
from aurix.actor import Actor
from aurix.tenancy import platform_scope, tenant_scope
from insights import etl
from insights.models import EtlPart, EtlRun, State
from tenants import queries as tenants

_UNFINISHED = (State.QUEUED, State.RUNNING)


@dataclass(frozen=True, slots=True)
class Part:
    """A run's work for one tenant."""

    run_id: UUID
    tenant_id: UUID


def start_as(*, by: Actor, now: datetime) -> UUID:
    """Ask for a run over all tenants, as the platform's admin; its id. Raises: Forbidden."""
    with platform_scope("ask for an ETL run"):
        standing.require_platform_admin(actor=by)
        run_id = _start(trigger=EtlRun.Trigger.API, of=tenants.all_ids(), rebuild=False, by=by.user_id, now=now)
        audit.record(action="etl.triggered", subject_id=run_id, tenant_id=None, by=by.user_id, now=now)
    return run_id


def start(*, trigger: EtlRun.Trigger, now: datetime, only: UUID | None = None, rebuild: bool = False) -> UUID:
    """Ask for a run over all tenants, or ``only`` one, from the schedule or the command line; its id."""
    with platform_scope("ask for an ETL run"):
        return _start(trigger=trigger, of=[only] if only else tenants.all_ids(), rebuild=rebuild, by=None, now=now)


def _start(*, trigger: EtlRun.Trigger, of: list[UUID], rebuild: bool, by: UUID | None, now: datetime) -> UUID:
    run = EtlRun(
        trigger=trigger, rebuild=rebuild, requested_by=by, tenants=[str(tenant_id) for tenant_id in of], created_at=now
    )
    run.save(force_insert=True)
    EtlPart.objects.bulk_create(EtlPart(tenant_id=tenant_id, run_id=run.id) for tenant_id in of)
    return run.id


def unfinished(*, run_id: UUID | None = None) -> list[Part]:
    """What is left to do, of one run or of all: also what a lost message or a killed worker has left."""
    with platform_scope("find unfinished ETL work"):
        parts = EtlPart.objects.filter(status__in=_UNFINISHED)
        if run_id:
            parts = parts.filter(run_id=run_id)
        return [Part(*ids) for ids in parts.order_by("run_id", "tenant_id").values_list("run_id", "tenant_id")]


def work(*, part: Part, clock: Callable[[], datetime], patience: timedelta | None = None) -> bool:
    """Do a part's work, step by step; whether it is finished, or has been before.

    After ``patience`` it stops between two steps, and goes on from there when it is called again. Any number may work
    on the same part, or the same tenant, at once. What goes wrong is kept with the part, and raised; a part that the
    database has left in the lurch stays unfinished for whoever comes next.
    """
    deadline = clock() + patience if patience else None
    try:
        return not _claim(part, now=clock()) or _advance(part, clock, deadline)
    except (OperationalError, InterfaceError) as problem:
        _note(part, problem)
        raise
    except Exception as problem:
        _note(part, problem, status=State.FAILED, finished_at=clock())
        raise


def _claim(part: Part, *, now: datetime) -> bool:
    """Whether there is work. The first to come forgets what was seen, where the run is to rebuild."""
    time_zone = tenants.time_zone_of(part.tenant_id)
    with tenant_scope(part.tenant_id):
        rows = _rows(part)
        first = rows.filter(status=State.QUEUED).update(status=State.RUNNING, started_at=now)
        if not first and not rows.filter(status=State.RUNNING).exists():
            return False
        rebuild = bool(first) and EtlRun.objects.filter(id=part.run_id, rebuild=True).exists()
        etl.prepare(tenant_id=part.tenant_id, time_zone=time_zone, rebuild=rebuild, now=now)
    return True


def _advance(part: Part, clock: Callable[[], datetime], deadline: datetime | None) -> bool:
    """Steps, in ``ETL_LANES`` at a time where one does not do, until there is nothing left; whether that is so."""
    if _step(part, clock).wallets == etl.WALLETS:
        with ThreadPoolExecutor(settings.ETL_LANES) as pool:
            for lane in [pool.submit(_lane, part, clock, deadline) for _ in range(settings.ETL_LANES)]:
                lane.result()
    while _step(part, clock, wait=True).wallets:
        if deadline and clock() > deadline:
            return False
    return True


def _lane(part: Part, clock: Callable[[], datetime], deadline: datetime | None) -> None:
    """Steps from the first wallet to the last, past those on which others work. PostgreSQL does the work."""
    after: UUID | None = None
    try:
        while deadline is None or clock() < deadline:
            done = _step(part, clock, after=after)
            if done.wallets < etl.WALLETS:
                return
            after = done.last_wallet
    finally:
        connection.close()


def _step(part: Part, clock: Callable[[], datetime], *, after: UUID | None = None, wait: bool = False) -> etl.Step:
    """A step and its count; the part is finished with the one that waits for everybody and finds nothing."""
    with tenant_scope(part.tenant_id):
        done = etl.step(tenant_id=part.tenant_id, after=after, wait=wait, now=clock())
        rows = _rows(part)
        rows.update(
            wallets=F("wallets") + done.wallets,
            entries=F("entries") + done.entries,
            snapshots=F("snapshots") + done.snapshots,
        )
        if wait and not done.wallets:
            rows.filter(status=State.RUNNING).update(status=State.SUCCEEDED, finished_at=clock(), error="")
    return done


def _rows(part: Part) -> QuerySet[EtlPart]:
    return EtlPart.objects.filter(tenant_id=part.tenant_id, run_id=part.run_id)


def _note(part: Part, problem: Exception, **state: Any) -> None:
    text = f"{type(problem).__name__}: {problem}"[:500].replace("\0", "")
    with suppress(DatabaseError), tenant_scope(part.tenant_id):
        _rows(part).filter(status__in=_UNFINISHED).update(error=text, **state)


def prune(*, now: datetime) -> int:
    """Remove the records of runs that are older than ``ETL_RETENTION_DAYS``; how many rows."""
    with platform_scope("remove old ETL runs"):
        limit = now - timedelta(days=settings.ETL_RETENTION_DAYS)
        removed, _ = EtlRun.objects.filter(created_at__lt=limit).delete()
    return removed
