"""What was committed between two moments.

A watermark on the sequence would miss events: it is drawn before the commit, so a lower number may appear later. A
moment is therefore a snapshot of the database (which transactions had ended), and the delta is what is visible now and
was not visible then. It is read through an index, costs what is in it, and waits for no open transaction.

Within a delta the events are in the order of their sequence. Those of one subject were numbered and committed under
its lock, so neither the numbers nor the moments can contradict the order in which they happened.
"""

import re
from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

from django.db import Error, connection

from aurix.relay import held
from aurix.relay.envelope import Event, event
from aurix.relay.positions import Position
from aurix.tenancy import platform_scope

_SNAPSHOT = re.compile(r"[0-9]+:([0-9]+):([0-9,]*)")
# The index, whatever the statistics say: they cannot know that the newest rows are few.
_NOW = "SELECT pg_current_snapshot()::text, set_config('enable_seqscan', 'off', true)"
_DECLARE = """
DECLARE relay NO SCROLL CURSOR WITH HOLD FOR
SELECT id, tenant_id, subject_id, sequence, type, payload::text, created_at
  FROM aurix_outbox
 WHERE (transaction_id >= %s::xid8 OR transaction_id = ANY (%s::xid8[]))
"""
_REST = "AND pg_visible_in_snapshot(transaction_id, %s::pg_snapshot) AND sequence > %s"
_ORDER = " ORDER BY sequence"


@dataclass(slots=True)
class Delta:
    """The first ``events`` of what came from a position ``until`` a moment; ``more`` of them may follow.

    ``blocked`` are the subjects that have to wait. What follows stays on the server, sorted once, in a cursor that
    holds no transaction open.
    """

    until: str
    events: list[Event]
    more: bool
    blocked: set[UUID]

    def next(self, *, size: int) -> None:
        """Go on to the following events, at most ``size``."""
        self.events, self.more = _fetch(size)

    def close(self) -> None:
        """Free what follows."""
        if self.more:
            with suppress(Error), connection.cursor() as cursor:
                cursor.execute("CLOSE relay")
            self.more = False


def read(*, position: Position, size: int) -> Delta:
    """What follows ``position``, at most ``size`` events at first: the rest of a delta that was begun, or a new one."""
    xmax, running = unseen(position.done)
    with platform_scope("outbox relay", snapshot=True):
        with connection.cursor() as cursor:
            cursor.execute(_NOW)
            now, _ = cursor.fetchone()
            if position.doing:
                cursor.execute(_DECLARE + _REST + _ORDER, [xmax, running, position.doing, position.sequence])
            else:
                cursor.execute(_DECLARE + _ORDER, [xmax, running])
        events, more = _fetch(size)
        return Delta(position.doing or now, events, more, held.subjects(target=position.target))


def unseen(snapshot: str) -> tuple[str, list[str]]:
    """From which transaction id on a snapshot sees nothing, and which earlier ones were running."""
    parts = _SNAPSHOT.fullmatch(snapshot)
    if parts is None:
        raise ValueError(f"{snapshot!r} is no snapshot")
    return parts[1], [number for number in parts[2].split(",") if number]


def _fetch(size: int) -> tuple[list[Event], bool]:
    with connection.cursor() as cursor:
        cursor.execute("FETCH %s FROM relay", [size])
        rows = cursor.fetchall()
        more = len(rows) == size
        if not more:
            cursor.execute("CLOSE relay")
    return [event(*row) for row in rows], more
