"""The bell that wakes the relay when something is committed, and that costs a trade nothing while the relay is awake.

A NOTIFY takes a lock at its commit that all notifying transactions of the server share, so nobody may ring without
need. A relay with nothing left to do takes an advisory lock exclusively: it sleeps. The outbox's trigger tries to
share that lock until its transaction ends, and rings only when it cannot. The lock is had only when no transaction
shares it, so whatever was written without ringing has been committed: one more look sees it, and the relay may sleep.

Polling goes on all the same, seldom while the bell is set and often when it cannot be: because a transaction stays
open, another relay has the lock, or a pooler keeps sessions apart.
"""

import threading

import psycopg
import structlog
from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection

logger = structlog.get_logger(__name__)

CHANNEL = "aurix_outbox"
LOCK = (7_235_111, 1)
"""As in migration 0004."""
_SLICE = 0.5
"""Seconds until a bell that waits looks whether it is to stop."""
_AFTER_A_PROBLEM = 5.0


class Sleeper:
    """A courier's side of the bell. ``away``: it serves nobody at present, and is waited for by nobody."""

    def __init__(self, bell: "Bell") -> None:
        self._bell = bell
        self._woken = threading.Event()
        self.idle = self.away = False

    def rest(self, seconds: float, *, idle: bool) -> None:
        """Wait so long; when ``idle`` until the bell rings, and while it is set for ``EVENT_IDLE_MS``."""
        self.idle, self.away = idle, False
        self._bell.changed()
        if not idle:
            self._bell.stop.wait(seconds)
            return
        self._woken.wait(max(seconds, settings.EVENT_IDLE_MS / 1000) if self._bell.is_set else seconds)
        self._woken.clear()

    def leave(self, seconds: float) -> None:
        """Wait so long, whatever happens."""
        self.away = True
        self._bell.changed()
        self._bell.stop.wait(seconds)

    def wake(self) -> None:
        """End the rest, or the next one."""
        self.idle = False
        self._woken.set()


class Bell:
    """Call ``run`` in a thread of its own; it uses that thread's database connection. ``stop`` is noticed soon."""

    def __init__(self, *, stop: threading.Event) -> None:
        self.stop = stop
        self.is_set = False
        self._sleepers: list[Sleeper] = []
        self._change = threading.Event()

    def sleeper(self) -> Sleeper:
        """For one more courier; all of them before ``run``."""
        self._sleepers.append(Sleeper(self))
        return self._sleepers[-1]

    def changed(self) -> None:
        """A courier has become idle or busy."""
        self._change.set()

    def run(self) -> None:
        """Serve until stopped."""
        while not self.stop.is_set():
            try:
                self._listen()
                while not self.stop.is_set():
                    self._turn()
            except (DatabaseError, InterfaceError, psycopg.Error) as problem:
                logger.warning("bell_broken", problem=str(problem))
                self._unset()
                self.stop.wait(_AFTER_A_PROBLEM)
        self._unset()

    def _turn(self) -> None:
        """Set the bell once everybody is idle, and have everybody look once more; then wait until it rings."""
        self._change.clear()
        present = [sleeper for sleeper in self._sleepers if not sleeper.away]
        if not present or not all(sleeper.idle for sleeper in present):
            self._change.wait(_SLICE)
            return
        if not self._lock():
            self.stop.wait(settings.EVENT_POLL_MS / 1000)
            return
        self.is_set = True
        self._wake()
        while not self.stop.is_set() and not self._rung():
            pass
        self.is_set = False
        self._unlock()
        self._wake()

    def _wake(self) -> None:
        for sleeper in self._sleepers:
            sleeper.wake()

    def _unset(self) -> None:
        """Whoever relied on it looks, and polls from now on."""
        self.is_set = False
        self._wake()
        connection.close()

    def _listen(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"LISTEN {CHANNEL}")

    def _lock(self) -> bool:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", LOCK)
            return bool(cursor.fetchone()[0])

    def _unlock(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s, %s)", LOCK)

    def _rung(self) -> bool:
        wire = connection.connection
        return bool(list(wire.notifies(timeout=_SLICE, stop_after=1)))
