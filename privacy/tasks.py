"""Background work of privacy. Messages only wake a worker up; what there is to do is in the database."""

from uuid import UUID

import structlog
from django.db import InterfaceError, OperationalError
from kombu.exceptions import OperationalError as BrokerError

from aurix import clock
from aurix.celery import app
from privacy.actions import erasure, exports

logger = structlog.get_logger(__name__)

_IMPATIENT = {"max_retries": 1, "interval_start": 0, "interval_step": 0, "socket_connect_timeout": 1}


@app.task(autoretry_for=(OperationalError, InterfaceError), retry_backoff=5, max_retries=5)  # type: ignore[untyped-decorator]  # Celery has no types
def make_export(tenant_id: str, export_id: str) -> None:
    """Write the file of an export."""
    exports.make(tenant_id=UUID(tenant_id), export_id=UUID(export_id), clock=clock.now)


@app.task  # type: ignore[untyped-decorator]  # likewise
def tend_exports() -> None:
    """Remove the files whose time is up, and see to exports that a lost message or a killed worker has left."""
    removed = exports.expire(now=clock.now())
    left = exports.unfinished()
    for tenant_id, export_id in left:
        make_export.delay(str(tenant_id), str(export_id))
    logger.info("exports_tended", removed=removed, unfinished=len(left))


@app.task  # type: ignore[untyped-decorator]  # likewise
def tend_erasures() -> None:
    """Finish what a killed process has left, and erase whoever's time has come."""
    now = clock.now()
    erased = sum(
        erasure.go_on(tenant_id=tenant, request_id=request, now=now) for tenant, request in erasure.open_ones()
    )
    logger.info("erasures_tended", erased=erased)


def announce(tenant_id: UUID, export_id: UUID) -> None:
    """Tell the workers of an export. When the broker is down nothing is lost: ``tend_exports`` finds it."""
    try:
        with app.connection_for_write(transport_options=_IMPATIENT) as connection:
            make_export.apply_async((str(tenant_id), str(export_id)), connection=connection, retry=False)
    except (BrokerError, OSError):
        logger.warning("export_not_announced", export_id=str(export_id), exc_info=True)
