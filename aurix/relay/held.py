"""Events that a target has refused, and those that wait behind them.

A refused event is tried again with growing pauses; after ``EVENT_ATTEMPTS`` it is dead and waits for somebody. All that
time later events of its subject are held behind it for this target, in order, while other subjects go on.
"""

from dataclasses import dataclass
from uuid import UUID

import structlog
from django.conf import settings
from django.db import connection

from aurix import audit, clock
from aurix.relay.envelope import Event
from aurix.tenancy import platform_scope

logger = structlog.get_logger(__name__)

_MAX_ERROR = 500
_PAUSE = "make_interval(secs => least(60, power(2, least(attempts, 10))) * (0.5 + random() / 2))"
"""After the first attempt about 1 second, then twice as long each time, up to a minute."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an event did not leave; an empty ``error`` is that it waits behind another one."""

    event: Event
    error: str


@dataclass(frozen=True, slots=True)
class Held:
    """A held event, ready to be tried."""

    id: int
    event: Event


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """For the operator: what was given up, and how many wait behind it."""

    target: str
    event_id: UUID
    subject_id: UUID
    attempts: int
    error: str
    waiting: int


def subjects(*, target: str) -> set[UUID]:
    """Whose events have to wait; in the caller's platform transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT subject_id FROM aurix_held_event WHERE target = %s", [target])
        return {subject for (subject,) in cursor.fetchall()}


def hold(refusals: list[Refusal], *, target: str) -> None:
    """Write them down, in the caller's platform transaction. A repeat after a restart changes nothing."""
    rows = [
        (target, e.id, e.subject_id, e.sequence, e.data.decode(), refusal.error[:_MAX_ERROR], 1 if refusal.error else 0)
        for refusal in refusals
        for e in [refusal.event]
    ]
    if not rows:
        return
    with connection.cursor() as cursor:
        cursor.executemany(
            f"""
            INSERT INTO aurix_held_event
                (target, event_id, subject_id, sequence, envelope, error, attempts, dead, retry_at, created_at)
            SELECT target, event_id, subject_id, sequence, envelope, error, attempts, false,
                   CASE attempts WHEN 0 THEN now() ELSE now() + {_PAUSE} END, now()
              FROM (SELECT %s, %s::uuid, %s::uuid, %s, %s, %s, %s)
                AS given (target, event_id, subject_id, sequence, envelope, error, attempts)
            ON CONFLICT (target, subject_id, event_id) DO NOTHING
            """,  # noqa: S608  composed of a constant
            rows,
        )
    for refusal in refusals:
        if refusal.error:
            logger.warning("event_refused", target=target, event_id=str(refusal.event.id), problem=refusal.error)


def due(*, target: str, size: int) -> list[Held]:
    """What may be tried now, each subject's in order: no event before it is dead or pauses."""
    with platform_scope("outbox relay"), connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT h.id, h.event_id, h.subject_id, h.sequence, h.created_at, h.envelope
              FROM aurix_held_event h
             WHERE h.target = %s AND NOT EXISTS (
                SELECT 1 FROM aurix_held_event b
                 WHERE b.target = h.target AND b.subject_id = h.subject_id AND b.sequence <= h.sequence
                   AND (b.dead OR b.retry_at > now()))
             ORDER BY h.sequence LIMIT %s
            """,
            [target, size],
        )
        return [
            Held(identity, Event(event_id, UUID(int=0), subject, sequence, created_at, envelope.encode()))
            for identity, event_id, subject, sequence, created_at, envelope in cursor.fetchall()
        ]


def left(letter: Held, *, target: str) -> None:
    """It has been accepted after all."""
    with platform_scope("outbox relay"), connection.cursor() as cursor:
        cursor.execute("DELETE FROM aurix_held_event WHERE id = %s", [letter.id])
        cursor.execute(
            "UPDATE aurix_relay_position SET published = published + %s WHERE target = %s", [cursor.rowcount, target]
        )


def refused_again(letter: Held, *, target: str, error: str) -> None:
    """One attempt more; the last one makes it dead."""
    with platform_scope("outbox relay"), connection.cursor() as cursor:
        cursor.execute(
            f"""
            UPDATE aurix_held_event
               SET attempts = attempts + 1, dead = attempts + 1 >= %s, error = %s, retry_at = now() + {_PAUSE}
             WHERE id = %s RETURNING dead, attempts
            """,  # noqa: S608  composed of a constant
            [settings.EVENT_ATTEMPTS, error[:_MAX_ERROR], letter.id],
        )
        dead, attempts = cursor.fetchone() or (False, 0)
    log = logger.error if dead else logger.warning
    log("event_dead" if dead else "event_refused", target=target, event_id=str(letter.event.id), problem=error,
        attempts=attempts)  # fmt: skip


def dead_letters() -> list[DeadLetter]:
    """All that were given up, oldest first."""
    with platform_scope("dead letters"), connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT d.target, d.event_id, d.subject_id, d.attempts, d.error,
                   (SELECT count(*) FROM aurix_held_event w
                     WHERE w.target = d.target AND w.subject_id = d.subject_id AND w.sequence > d.sequence)
              FROM aurix_held_event d WHERE d.dead ORDER BY d.target, d.sequence
            """
        )
        return [DeadLetter(*row) for row in cursor.fetchall()]


def requeue(*, target: str, event_id: UUID | None = None, by: UUID | None = None) -> int:
    """Try the dead event, or all of the target's, again from the first attempt. Returns how many."""
    return _decide("relay.requeued", "UPDATE aurix_held_event SET dead = false, attempts = 0, retry_at = now()",
                   target=target, event_id=event_id, by=by)  # fmt: skip


def discard(*, target: str, event_id: UUID, by: UUID | None = None) -> int:
    """Give the dead event up for good, so that those behind it leave. Returns how many."""
    return _decide("relay.discarded", "DELETE FROM aurix_held_event", target=target, event_id=event_id, by=by)


def _decide(action: str, verb: str, *, target: str, event_id: UUID | None, by: UUID | None) -> int:
    with platform_scope("dead letters"):
        with connection.cursor() as cursor:
            cursor.execute(
                f"{verb} WHERE dead AND target = %s AND (%s::uuid IS NULL OR event_id = %s) RETURNING event_id",
                [target, event_id, event_id],
            )
            decided = [identity for (identity,) in cursor.fetchall()]
        for identity in decided:
            audit.record(action=action, subject_id=identity, tenant_id=None, by=by, now=clock.now(),
                         after={"target": target})  # fmt: skip
    return len(decided)
