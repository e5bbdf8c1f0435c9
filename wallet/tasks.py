"""Background work of the wallet."""

from uuid import UUID

import structlog
from django.db import DatabaseError
from kombu.exceptions import OperationalError as BrokerError

from aurix import clock
from aurix.celery import app
from wallet.actions import reconciliation, transfers

logger = structlog.get_logger(__name__)

_IMPATIENT = {"max_retries": 1, "interval_start": 0, "interval_step": 0, "socket_connect_timeout": 1}
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


@app.task(time_limit=6 * 3600, soft_time_limit=6 * 3600 - 60)  # type: ignore[untyped-decorator]  # likewise
def tend_reconciliations() -> None:
    """See to runs that a lost message or a killed worker has left."""
    for run_id in reconciliation.unfinished(now=clock.now()):
        record = reconciliation.run(run_id=run_id, clock=clock.now)
        logger.info("reconciliation_tended", run_id=str(run_id), status=record.status)


def announce(run_id: UUID) -> None:
    """Tell the workers of a run that was asked for. When the broker is down, ``tend_reconciliations`` finds it."""
    try:
        with app.connection_for_write(transport_options=_IMPATIENT) as connection:
            reconcile.apply_async(kwargs={"run_id": str(run_id)}, connection=connection, retry=False)
    except (BrokerError, OSError):
        logger.warning("reconciliation_not_announced", run_id=str(run_id), exc_info=True)
