"""A courier serves one target until it is told to stop. Whatever fails, it starts again from the stored position."""

import random
import threading
import time
from contextlib import suppress
from uuid import UUID

import structlog
from django.conf import settings
from django.db import DatabaseError, InterfaceError, OperationalError, connection

from aurix import clock
from aurix.relay import delta, held, positions
from aurix.relay.bell import Bell, Sleeper
from aurix.relay.envelope import Event
from aurix.relay.held import Refusal
from aurix.relay.positions import LostPositionError, Position
from aurix.relay.targets import Target, TargetDownError

logger = structlog.get_logger(__name__)

_STANDBY_SECONDS = 1.0
"""Between attempts to take over from another relay."""
_IDLE_FACTOR = 4
"""An idle courier looks this much less often, and less still while the bell is set."""
_MAX_PAUSE = 30.0
_REPORT_SECONDS = 60.0


class Courier:
    """Call ``run`` in a thread of its own; it uses that thread's database connection."""

    def __init__(self, *, target: Target, stop: threading.Event, sleeper: Sleeper | None = None) -> None:
        self._target, self._stop = target, stop
        self._sleeper = sleeper or Bell(stop=stop).sleeper()  # of a bell that never rings
        self._position: Position | None = None
        self._failures = 0
        self._poll = settings.EVENT_POLL_MS / 1000
        self._idle = self._poll
        self._published, self._lag, self._reported = 0, 0.0, time.monotonic()

    def run(self) -> None:
        """Serve until stopped."""
        while not self._stop.is_set():
            try:
                self._turn()
            except TargetDownError as problem:
                self._failed("target_down", problem)
            except (OperationalError, InterfaceError, LostPositionError) as problem:
                self._failed("relay_interrupted", problem)
            except Exception as problem:  # a bug must not end the relay silently, nor at all
                logger.exception("relay_failed", target=self._target.name)
                self._failed("relay_interrupted", problem)
        self._leave()

    def _turn(self) -> None:
        """Serve what there is, and rest."""
        if self._position is None:
            self._position = positions.take(target=self._target.name)
            if self._position is None:
                self._sleeper.leave(_STANDBY_SECONDS)
                return
            logger.info("relay_serves", target=self._target.name)
        sent = self.deliver()
        if self._failures:
            logger.info("target_back", target=self._target.name, failures=self._failures)
            self._failures = 0
        self._report()
        self._idle = self._poll if sent else min(self._idle * 1.5, self._poll * _IDLE_FACTOR)
        self._sleeper.rest(self._idle, idle=not sent)

    def deliver(self) -> int:
        """Send all that was committed up to now and all that is held and due. Returns how many were handled.

        Raises: TargetDownError, LostPositionError, DatabaseError; what has been sent till then is behind the position.
        """
        position = self._position = self._position or positions.take(target=self._target.name)
        if position is None:
            return 0
        size, handled = settings.EVENT_BATCH, 0
        found = delta.read(position=position, size=size)
        try:
            if found.blocked:
                handled += self._retry()
            while found.events and not self._stop.is_set():
                position = self._position = self._batch(position, found)
                handled += len(found.events)
                if not found.more:
                    break
                found.next(size=size)
        finally:
            found.close()
        if position.doing and not self._stop.is_set():  # the delta ended exactly with a full batch
            self._position = positions.advance(
                position, done=found.until, doing="", sequence=0, published=0, refusals=[]
            )
        return handled

    def _batch(self, position: Position, found: delta.Delta) -> Position:
        """Send one batch and advance behind it."""
        refusals, leaving = self._sort(found.events, found.blocked)
        refused = self._target.send(leaving, stop=self._stop) if leaving else {}
        refusals += [Refusal(leaving[index], error) for index, error in refused.items()]
        found.blocked.update(refusal.event.subject_id for refusal in refusals)
        published = len(leaving) - len(refused)
        done, doing, sequence = found.until, "", 0
        if found.more:
            done, doing, sequence = position.done, found.until, found.events[-1].sequence
        position = positions.advance(
            position, done=done, doing=doing, sequence=sequence, published=published, refusals=refusals
        )
        self._published += published
        self._lag = max(self._lag, (clock.now() - min(event.created_at for event in found.events)).total_seconds())
        return position

    def _sort(self, events: list[Event], blocked: set[UUID]) -> tuple[list[Refusal], list[Event]]:
        """Which are held, and which may leave."""
        refusals, leaving = [], []
        waits = set(blocked)
        for event in events:
            if event.subject_id in waits:
                refusals.append(Refusal(event, ""))
            elif len(event.data) > settings.EVENT_MAX_BYTES:
                refusals.append(Refusal(event, f"{len(event.data)} bytes are more than EVENT_MAX_BYTES"))
                waits.add(event.subject_id)
            else:
                leaving.append(event)
        return refusals, leaving

    def _retry(self) -> int:
        """Try held events that are due, one by one: a refusal must stop its subject and nothing else."""
        stuck: set[UUID] = set()
        letters = held.due(target=self._target.name, size=settings.EVENT_BATCH)
        for letter in letters:
            if letter.event.subject_id in stuck or self._stop.is_set():
                continue
            error = self._try(letter.event)
            if error:
                stuck.add(letter.event.subject_id)
                held.refused_again(letter, target=self._target.name, error=error)
            else:
                held.left(letter, target=self._target.name)
                self._published += 1
        return len(letters)

    def _try(self, event: Event) -> str:
        refusals, leaving = self._sort([event], set())
        if refusals:
            return refusals[0].error
        return self._target.send(leaving, stop=self._stop).get(0, "")

    def _failed(self, what: str, problem: Exception) -> None:
        """Give everything back, and pause until the next attempt; the pauses grow and differ."""
        self._failures += 1
        if not self._stop.is_set():
            logger.warning(what, target=self._target.name, problem=str(problem), failures=self._failures)
        self._leave()
        jitter = random.uniform(0.5, 1)  # noqa: S311  nobody gains by guessing it
        self._sleeper.leave(min(_MAX_PAUSE, 0.1 * 2.0 ** min(self._failures, 10)) * jitter)

    def release(self) -> None:
        """Let another courier serve the target, and keep the session."""
        if self._position is not None:
            positions.give_back(self._position)
        self._position = None
        self._target.close()

    def _leave(self) -> None:
        """Give back the position, the connection to the target, and a clean session to the pool."""
        self._position = None
        with suppress(Exception):
            self._target.close()
        with suppress(DatabaseError, InterfaceError), connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock_all(); CLOSE ALL")
        with suppress(DatabaseError, InterfaceError):
            connection.close()

    def _report(self) -> None:
        """A line a minute while anything leaves."""
        if self._published and time.monotonic() - self._reported >= _REPORT_SECONDS:
            logger.info("relay_published", target=self._target.name, events=self._published,
                        max_lag_seconds=round(self._lag, 3))  # fmt: skip
            self._published, self._lag, self._reported = 0, 0.0, time.monotonic()
