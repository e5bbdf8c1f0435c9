"""Removing events that all targets have had and that are older than the retention."""

from datetime import datetime

from django.db import connection

from aurix.relay.delta import unseen
from aurix.tenancy import platform_scope

_BATCH = 1000
_PRUNE = """
DELETE FROM aurix_outbox o
 USING (SELECT tenant_id, id, created_at FROM aurix_outbox WHERE transaction_id < %s::xid8
         ORDER BY transaction_id LIMIT %s) AS oldest
 WHERE o.tenant_id = oldest.tenant_id AND o.id = oldest.id AND oldest.created_at < %s
"""
_TURN = 7_235_110_004
"""Advisory lock: of two relays one prunes."""


def prune(*, before: datetime, batches: int) -> int:
    """Remove events written ``before`` then, at most ``batches`` thousand. Returns how many.

    A position for a target that is no longer served keeps its events until ``positions.forget``.
    """
    removed = 0
    for _ in range(batches):
        count = _prune_batch(before)
        removed += count
        if count < _BATCH:
            break
    return removed


def _prune_batch(before: datetime) -> int:
    with platform_scope("prune the outbox"), connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_TURN])
        if cursor.fetchone() != (True,):
            return 0
        cursor.execute("SELECT done FROM aurix_relay_position")
        moments = [moment for (moment,) in cursor.fetchall()]
        if not moments:
            return 0
        cursor.execute(_PRUNE, [str(min(map(_all_seen, moments))), _BATCH, before])
        return int(cursor.rowcount)


def _all_seen(snapshot: str) -> int:
    """Every event with a smaller transaction id than this is visible in the snapshot."""
    return min(map(int, [(parts := unseen(snapshot))[0], *parts[1]]))
