"""How many requests are worked on at a time, and with what."""

import threading
from collections import deque
from collections.abc import Iterable
from typing import Generic, TypeVar

OVERLOADED = "aurix.overloaded"
"""In a request's WSGI environment when it found no seat in time: it is refused with 503."""

Seat = TypeVar("Seat")


class Seats(Generic[Seat]):
    """A pool that serves in order of arrival. Semaphores and queues let newcomers overtake, and some wait for long."""

    def __init__(self, seats: Iterable[Seat]) -> None:
        self._lock = threading.Lock()
        self._free = list(seats)
        self._waiting: deque[_Turn[Seat]] = deque()

    def take(self, *, patience: float) -> Seat | None:
        """Take a seat, waiting at most ``patience`` seconds for it; None when there was none."""
        with self._lock:
            if self._free:
                return self._free.pop()  # the one used last, whose connection is warm
            turn = _Turn[Seat]()
            self._waiting.append(turn)
        if not turn.come.acquire(timeout=patience):
            self._give_up(turn)
        return turn.seat

    def _give_up(self, turn: "_Turn[Seat]") -> None:
        """Stop waiting, unless the seat came at the very last moment."""
        with self._lock:
            if turn in self._waiting:
                self._waiting.remove(turn)

    def waiting(self) -> int:
        """How many wait."""
        return len(self._waiting)

    def leave(self, seat: Seat) -> None:
        """Give the seat to whoever has waited longest."""
        with self._lock:
            if not self._waiting:
                self._free.append(seat)
                return
            turn = self._waiting.popleft()
            turn.seat = seat
            turn.come.release()


class _Turn(Generic[Seat]):
    def __init__(self) -> None:
        self.seat: Seat | None = None
        self.come = threading.Lock()
        self.come.acquire()
