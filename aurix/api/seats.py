"""How many requests are worked on at a time."""

import threading
from collections import deque

OVERLOADED = "aurix.overloaded"
"""In a request's WSGI environment when it found no seat in time: it is refused with 503."""


class Seats:
    """A semaphore that serves in order of arrival. The standard one lets newcomers overtake, and some wait for long."""

    def __init__(self, count: int) -> None:
        self._lock = threading.Lock()
        self._free = count
        self._waiting: deque[threading.Lock] = deque()

    def take(self, *, patience: float) -> bool:
        """Take a seat, waiting at most ``patience`` seconds for it; whether there was one."""
        with self._lock:
            if self._free:
                self._free -= 1
                return True
            turn = threading.Lock()
            turn.acquire()
            self._waiting.append(turn)
        return turn.acquire(timeout=patience) or self._missed(turn)

    def _missed(self, turn: threading.Lock) -> bool:
        """Stop waiting; whether the seat came at the very last moment."""
        with self._lock:
            if turn not in self._waiting:
                return True
            self._waiting.remove(turn)
            return False

    def waiting(self) -> int:
        """How many wait."""
        return len(self._waiting)

    def leave(self) -> None:
        """Give the seat to whoever has waited longest."""
        with self._lock:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._free += 1
