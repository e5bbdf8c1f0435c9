"""Background work of the wallet."""

from uuid import UUID

import structlog
from django.db import DatabaseError

from aurix import clock
from aurix.celery import app
from wallet.actions import reconciliation, transfers

logger = structlog.get_logger(__name__)

_MOST = 10_000
"""Transfers that one run gives back; the next run goes on."""


@app.task  # type: ignore[untyped-decorator]  # Celery has no types
def expire_transfers() -> None:
    """Give back the gold of every transfer whose time is up."""
    now = clock.now()
    found = transfers.expired(now=now, most=_MOST)
    given_back = 0
    for tenant_id, transfer_id in found:
        try:
            given_back += transfers.expire(tenant_id=tenant_id, transfer_id=transfer_id, now=now)
        except DatabaseError:  # one whose rows do not agree is for staff, and must not keep the others waiting
            logger.exception("transfer_not_given_back", transfer_id=str(transfer_id))
    logger.info("transfers_expired", count=given_back)


@app.task(time_limit=6 * 3600, soft_time_limit=6 * 3600 - 60)  # type: ignore[untyped-decorator]  # likewise
def reconcile(*, full: bool = False, run_id: str = "") -> None:
    """Check what moved since it was last verified, or everything; or do a run that somebody asked for."""
    wanted = UUID(run_id) if run_id else reconciliation.request(full=full, now=clock.now())
    record = reconciliation.run(run_id=wanted, clock=clock.now)
    logger.info("reconciled", run_id=str(wanted), status=record.status, entries=record.entries)
