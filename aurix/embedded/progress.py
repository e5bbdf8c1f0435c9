"""How a long wait speaks to whoever started it."""

import time
from collections.abc import Callable


class StartError(Exception):
    """A server or process did not start; the message says which, why and what to do, with its last lines."""


class StoppedError(Exception):
    """Somebody asked to stop while something was being waited for."""


class Progress:
    """The listener of a wait. This one is silent; the console's draws dots and notices Ctrl-C."""

    def say(self, text: str) -> None:
        """A new step begins."""

    def line(self, text: str = "") -> None:
        """Something to read that is not a step of its own."""

    def tick(self) -> None:
        """Time passes; called many times a second. Raises: StoppedError to end the wait."""


SILENT = Progress()


def wait_until(condition: Callable[[], bool], *, seconds: float, progress: Progress = SILENT) -> bool:
    """Wait for ``condition`` for at most ``seconds``; the answer is whether it came true.

    Raises: StoppedError.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() >= deadline:
            return False
        progress.tick()
        time.sleep(0.03)
    return True
