"""How far each target has been served, and the right to serve it, which one session has at a time."""

from dataclasses import dataclass
from datetime import datetime

import structlog
from django.db import connection

from aurix.relay import held
from aurix.relay.held import Refusal
from aurix.tenancy import platform_scope

logger = structlog.get_logger(__name__)

BEGINNING = "1:1:"
"""A moment at which no event was visible."""

_LOCK_CLASS = 7_235_110
"""Advisory locks (class, id of the position) belong to sessions: they end with the process, however it ends."""
_REBASE_LOCK = 7_235_110_003


class LostPositionError(Exception):
    """Somebody else has moved the position: an operator, or a relay that took this one for dead."""


@dataclass(frozen=True, slots=True)
class Position:
    """A row of ``aurix_relay_position``: see ``RelayPosition``."""

    id: int
    target: str
    done: str
    doing: str
    sequence: int


def prepare(*, target: str) -> None:
    """Make the position of a new target: it starts with everything that is retained."""
    with platform_scope("outbox relay"), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO aurix_relay_position (target, done, doing, sequence, published, cluster, updated_at) "
            "SELECT %s, %s, '', 0, 0, system_identifier, now() FROM pg_control_system() "
            "ON CONFLICT (target) DO NOTHING",
            [target, BEGINNING],
        )


def take(*, target: str) -> Position | None:
    """Become the one that serves ``target``, until ``give_back`` or the end of the session. None: another one is."""
    prepare(target=target)
    rebase_after_restore()
    with connection.cursor() as cursor:
        position = _read(target)
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [_LOCK_CLASS, position.id])
        (taken,) = cursor.fetchone()
    return _read(target) if taken else None


def give_back(position: Position) -> None:
    """Let another session serve the target."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [_LOCK_CLASS, position.id])


def _read(target: str) -> Position:
    with platform_scope("outbox relay"), connection.cursor() as cursor:
        cursor.execute("SELECT id, target, done, doing, sequence FROM aurix_relay_position WHERE target = %s", [target])
        return Position(*cursor.fetchone())


def advance(
    position: Position, *, done: str, doing: str, sequence: int, published: int, refusals: list[Refusal]
) -> Position:
    """Move on, and hold what did not leave, in one transaction. Raises: LostPositionError, and nothing is written."""
    with platform_scope("outbox relay"), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE aurix_relay_position SET done = %s, doing = %s, sequence = %s, published = published + %s, "
            "updated_at = now() WHERE id = %s AND done = %s AND doing = %s AND sequence = %s",
            [done, doing, sequence, published, position.id, position.done, position.doing, position.sequence],
        )
        if cursor.rowcount != 1:
            raise LostPositionError(position.target)
        held.hold(refusals, target=position.target)
    return Position(position.id, position.target, done, doing, sequence)


def rewind(*, target: str, since: datetime) -> bool:
    """Send what was written ``since`` then, and is retained, once more; a running relay follows. False: no target."""
    with platform_scope("rewind the relay"), connection.cursor() as cursor:
        cursor.execute("SELECT min(transaction_id::text::numeric) FROM aurix_outbox WHERE created_at >= %s", [since])
        (first,) = cursor.fetchone()
        if first is None:
            cursor.execute("SELECT 1 FROM aurix_relay_position WHERE target = %s", [target])
            return cursor.fetchone() is not None
        cursor.execute(
            "UPDATE aurix_relay_position SET done = %s, doing = '', sequence = 0, updated_at = now() WHERE target = %s",
            [f"{first}:{first}:", target],
        )
        return bool(cursor.rowcount)


def forget(*, target: str) -> bool:
    """Remove a target that is no longer served, and what is held for it, so that pruning does not wait for it."""
    with platform_scope("forget a target of the relay"), connection.cursor() as cursor:
        cursor.execute("DELETE FROM aurix_held_event WHERE target = %s", [target])
        cursor.execute("DELETE FROM aurix_relay_position WHERE target = %s", [target])
        return bool(cursor.rowcount)


def rebase_after_restore() -> None:
    """In another cluster than the positions are from, as after a restore from a dump, send all that is retained again.

    Transaction ids start afresh there, so that those in the rows and in the positions would hide new events.
    """
    with platform_scope("outbox relay"), connection.cursor() as cursor:
        cursor.execute(
            "SELECT system_identifier, EXISTS (SELECT 1 FROM aurix_relay_position WHERE cluster <> system_identifier) "
            "FROM pg_control_system()"
        )
        cluster, moved = cursor.fetchone()
        if not moved:
            return
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_REBASE_LOCK])
        cursor.execute(
            "UPDATE aurix_relay_position SET done = %s, doing = '', sequence = 0, cluster = %s, updated_at = now() "
            "WHERE cluster <> %s",
            [BEGINNING, cluster, cluster],
        )
        if cursor.rowcount:
            logger.warning("relay_rebased", why="the database is in another cluster", targets=cursor.rowcount)
            cursor.execute("UPDATE aurix_outbox SET transaction_id = pg_current_xact_id()")
