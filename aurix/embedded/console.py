"""What ``manage.py up`` says on the terminal: one line a step, dots while it lasts, the children's lines between."""

import contextlib
import threading
import time
from collections.abc import Callable
from typing import TextIO

from aurix.embedded.progress import Progress

_QUIET_SECONDS = 2
"""A step shorter than this draws no dots."""


class Console(Progress):
    """Writes to ``stream`` from any thread. ``check`` is called at each tick and may raise StoppedError."""

    def __init__(self, *, stream: TextIO, check: Callable[[], None]) -> None:
        self.stream = stream
        self._check = check
        self._lock = threading.Lock()
        self._began: float | None = None
        self._text = ""
        self._dots = 0
        self._midline = False

    def say(self, text: str) -> None:
        """Begin a step; the one before it is done."""
        self.done()
        with self._lock:
            self._write(f"  {text} ")
            self._began, self._text, self._dots, self._midline = time.monotonic(), text, 0, True

    def tick(self) -> None:
        """One dot a second, after the first two. Raises: StoppedError."""
        self._check()
        with self._lock:
            if self._began is not None and time.monotonic() - self._began > _QUIET_SECONDS + self._dots:
                self._write(".")
                self._dots += 1
                self._midline = True

    def done(self, remark: str = "") -> None:
        """The step is done: its duration, and a remark."""
        with self._lock:
            if self._began is None:
                return
            interrupted = "" if self._midline else f"  {self._text} "  # by a line: say again what is done
            duration = f"{time.monotonic() - self._began:.1f} s"
            self._write(f"{interrupted} {duration}{f' ({remark})' if remark else ''}\n")
            self._began, self._midline = None, False

    def line(self, text: str = "") -> None:
        """A line of its own, also in the middle of a step."""
        with self._lock:
            self._write(f"{chr(10) if self._midline else ''}{text}\n")
            self._midline = False

    def fail(self, text: str) -> None:
        """The step, if any, has failed."""
        with self._lock:
            self._began = None
        self.line(text)

    def _write(self, text: str) -> None:
        # The terminal may be closed, the pipe broken: what runs behind it still has to be stopped in order.
        with contextlib.suppress(OSError, ValueError):
            self.stream.write(text)
            self.stream.flush()
