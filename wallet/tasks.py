"""Background work of the wallet."""

import structlog

from aurix import clock
from aurix.celery import app
from wallet.actions import transfers

logger = structlog.get_logger(__name__)

_MOST = 10_000
"""Transfers that one run gives back; the next run goes on."""


@app.task  # type: ignore[untyped-decorator]  # Celery has no types
def expire_transfers() -> None:
    """Give back the gold of every transfer whose time is up."""
    now = clock.now()
    found = transfers.expired(now=now, most=_MOST)
    given_back = sum(transfers.expire(tenant_id=tenant, transfer_id=transfer, now=now) for tenant, transfer in found)
    logger.info("transfers_expired", count=given_back)
