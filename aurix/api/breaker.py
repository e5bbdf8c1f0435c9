"""A circuit breaker: after a failure nobody waits for the broken thing for a while, and then one does, to see."""

import threading
import time
from collections.abc import Callable


class Breaker:
    """Guards one thing that may be down. Knows nothing of what it is; safe to share between threads."""

    def __init__(self, *, rest_seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._rest, self._clock = rest_seconds, clock
        self._lock = threading.Lock()
        self._closed_at: float | None = None

    def allows(self) -> bool:
        """Whether to try. While it rests, one caller per rest is let through."""
        if self._closed_at is None:
            return True
        with self._lock:
            now = self._clock()
            if self._closed_at is not None and now < self._closed_at:
                return False
            self._closed_at = now + self._rest
            return True

    def failed(self) -> bool:
        """Rest from now on; whether it was working until now."""
        with self._lock:
            first = self._closed_at is None
            self._closed_at = self._clock() + self._rest
            return first

    def succeeded(self) -> None:
        """Work as usual again."""
        self._closed_at = None
