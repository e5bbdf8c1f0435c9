"""Beat's schedule: defaults from the settings, kept in the database, edited in the back-office."""

from collections.abc import Mapping
from typing import Any

from django.db.models import Q
from django_celery_beat.models import PeriodicTask
from django_celery_beat.schedulers import DatabaseScheduler


class KeepingScheduler(DatabaseScheduler):  # type: ignore[misc]  # it has no types
    """Adds the defaults that are missing and leaves the others as somebody has set them.

    The library's own writes all defaults over the database's each time it starts.
    """

    def update_from_dict(self, mapping: Mapping[str, Any]) -> None:
        """Add what ``mapping`` names and the database does not have yet."""
        known = set(PeriodicTask.objects.filter(name__in=list(mapping)).values_list("name", flat=True))
        super().update_from_dict({name: entry for name, entry in mapping.items() if name not in known})

    def _get_crontab_exclude_query(self) -> Q:
        """Leave no entry out. The library loads those of a fixed hour around that hour only, to spare rows.

        What came due while beat was dead would then wait for the same hour of the next day.
        """
        return Q(pk__in=[])
