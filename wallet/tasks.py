"""Background work of the wallet."""

import structlog
from django.db import DatabaseError

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
    given_back = 0
    for tenant_id, transfer_id in found:
        try:
            given_back += transfers.expire(tenant_id=tenant_id, transfer_id=transfer_id, now=now)
        except DatabaseError:  # one whose rows do not agree is for staff, and must not keep the others waiting
            logger.exception("transfer_not_given_back", transfer_id=str(transfer_id))
    logger.info("transfers_expired", count=given_back)
