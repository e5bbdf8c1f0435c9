"""The one place that asks the operating system for the time; everything else takes it as an argument.

Ledger times are not taken here: they come from the database, which is one clock for all web servers.
"""

from datetime import UTC, datetime


def now() -> datetime:
    """The present moment in UTC."""
    return datetime.now(UTC)


def rfc3339(moment: datetime) -> str:
    """``2026-04-02T10:05:00.123456Z``; the fraction only when there is one."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
