"""ETL work in the background. Messages only wake a worker up; what there is to do is in the database."""

from datetime import timedelta
from uuid import UUID

import structlog
from django.db import InterfaceError, OperationalError
from kombu.exceptions import OperationalError as BrokerError

from aurix import clock
from aurix.celery import app
from insights.actions import advising, runs
from insights.models import EtlRun

logger = structlog.get_logger(__name__)

PATIENCE = timedelta(minutes=4)
"""How long one task works, well below ``CELERY_TASK_SOFT_TIME_LIMIT``; then another one goes on."""

_IMPATIENT = {
    "max_retries": 1,
    "interval_start": 0,
    "interval_step": 0,
    "socket_connect_timeout": 1,
    "socket_timeout": 1,
}


@app.task  # type: ignore[untyped-decorator]  # Celery has no types
def hourly() -> None:
    """Start a run, and see to whatever earlier ones have left undone."""
    now = clock.now()
    runs.prune(now=now)
    runs.start(trigger=EtlRun.Trigger.SCHEDULE, now=now)
    for part in runs.unfinished():
        work.delay(str(part.run_id), str(part.tenant_id))


@app.task  # type: ignore[untyped-decorator]  # Celery has no types
def spread(run_id: str) -> None:
    """A task for each tenant of a run, so that workers share it."""
    for part in runs.unfinished(run_id=UUID(run_id)):
        work.delay(str(part.run_id), str(part.tenant_id))


@app.task(autoretry_for=(OperationalError, InterfaceError), retry_backoff=5, max_retries=5)  # type: ignore[untyped-decorator]  # likewise
def work(run_id: str, tenant_id: str) -> None:
    """Work on a tenant's part of a run; where it takes long, go on in a task of its own."""
    part = runs.Part(UUID(run_id), UUID(tenant_id))
    if not runs.work(part=part, clock=clock.now, patience=PATIENCE):
        work.delay(run_id, tenant_id)
    elif advising.enabled():
        advise.delay(tenant_id)


@app.task(time_limit=3600, soft_time_limit=3540)  # type: ignore[untyped-decorator]  # likewise
def advise(tenant_id: str) -> None:
    """Have the language model write about what the ETL has just found."""
    stored = advising.advise(tenant_id=UUID(tenant_id), now=clock.now())
    logger.info("advice_written", tenant_id=tenant_id, texts=stored)


def announce(run_id: UUID) -> bool:
    """Tell the workers of a run that has been committed; whether they could be told.

    When the broker is down nothing is lost: the run is queued in the database, where ``hourly`` finds it.
    """
    try:
        with app.connection_for_write(transport_options=_IMPATIENT) as connection:
            spread.apply_async((str(run_id),), connection=connection, retry=False)
    except (BrokerError, OSError):
        logger.warning("etl_run_not_announced", run_id=str(run_id), exc_info=True)
        return False
    return True
