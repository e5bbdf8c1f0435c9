"""What became of background work: one row for each kind of task, written when a run of it ends."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from celery import Task
from django.db import Error, connection

from aurix.models import Job
from aurix.tenancy import platform_scope

logger = structlog.get_logger(__name__)

_ENDED = """
INSERT INTO aurix_job AS j (name, succeeded, failed, last_success_at, last_failure_at, last_error)
VALUES (%(name)s, %(succeeded)s, %(failed)s,
        CASE WHEN %(succeeded)s = 1 THEN clock_timestamp() END, CASE WHEN %(failed)s = 1 THEN clock_timestamp() END,
        %(error)s)
ON CONFLICT (name) DO UPDATE
   SET succeeded = j.succeeded + excluded.succeeded, failed = j.failed + excluded.failed,
       last_success_at = coalesce(excluded.last_success_at, j.last_success_at),
       last_failure_at = coalesce(excluded.last_failure_at, j.last_failure_at),
       last_error = CASE WHEN excluded.failed = 1 THEN excluded.last_error ELSE j.last_error END
"""


class Recorded(Task):  # type: ignore[misc]  # Celery has no types
    """The base of all our tasks."""

    def on_success(self, retval: Any, task_id: str, args: Any, kwargs: Any) -> None:
        """Celery calls this when a task has returned."""
        _record(self.name, error="")

    def on_failure(self, exc: BaseException, task_id: str, args: Any, kwargs: Any, einfo: Any) -> None:
        """Celery calls this when a task has failed for good. Of what happened the log has all, this the kind alone."""
        _record(self.name, error=type(exc).__name__)


def _record(name: str, *, error: str) -> None:
    values: dict[str, str | int] = {
        "name": name,
        "succeeded": int(not error),
        "failed": int(bool(error)),
        "error": error,
    }
    try:
        with platform_scope("record a job"), connection.cursor() as cursor:
            cursor.execute(_ENDED, values)
    except Error:  # the work is done, or failed, all the same
        logger.exception("job_not_recorded", job=name)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How often a kind of task has ended, and how last; ``last_error`` is the name of the exception."""

    name: str
    succeeded: int
    failed: int
    last_success_at: datetime | None
    last_failure_at: datetime | None
    last_error: str


def outcomes() -> list[Outcome]:
    """Of every kind of task that has ever ended, by name; inside a platform scope."""
    columns = tuple(Outcome.__dataclass_fields__)
    return [Outcome(*row) for row in Job.objects.order_by("name").values_list(*columns)]
