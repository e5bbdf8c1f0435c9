"""How the relay is doing, for operators and monitors."""

from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from aurix.relay.delta import unseen
from aurix.tenancy import platform_scope

MOST = 10_000
"""Counting stops here."""


@dataclass(frozen=True, slots=True)
class Status:
    """Of one target. ``waiting`` events (at most ``MOST`` are counted), the oldest since ``lag_seconds``."""

    target: str
    published: int
    waiting: int
    lag_seconds: float
    held: int
    dead: int
    updated_at: datetime


def status() -> list[Status]:
    """Of every target that has a position."""
    with platform_scope("relay status"), connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT p.target, p.published, p.updated_at, p.done, p.doing, p.sequence,
                   count(h.id), count(h.id) FILTER (WHERE h.dead)
              FROM aurix_relay_position p LEFT JOIN aurix_held_event h USING (target)
             GROUP BY p.id ORDER BY p.target
            """
        )
        return [_status(*row) for row in cursor.fetchall()]


def _status(
    target: str, published: int, updated_at: datetime, done: str, doing: str, sequence: int, held: int, dead: int
) -> Status:
    xmax, running = unseen(done)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT count(*), coalesce(extract(epoch FROM clock_timestamp() - min(created_at)), 0)::float8 FROM (
                SELECT created_at FROM aurix_outbox
                 WHERE (transaction_id >= %s::xid8 OR transaction_id = ANY (%s::xid8[]))
                   AND (%s = '' OR sequence > %s OR NOT pg_visible_in_snapshot(transaction_id, %s::pg_snapshot))
                 LIMIT %s) AS waiting
            """,
            [xmax, running, doing, sequence, doing or done, MOST],
        )
        waiting, lag = cursor.fetchone()
    return Status(target, published, waiting, max(0.0, lag), held, dead, updated_at)
