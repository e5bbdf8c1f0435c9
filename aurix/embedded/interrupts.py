"""Everything that tells ``manage.py up`` to stop: signals, and the end of the ``make`` that started it."""

import os
import signal
from collections.abc import Mapping
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, Self

from aurix.embedded.progress import StoppedError

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupts:
    """Counts requests to stop while it is entered. Handlers only count, so that no step is torn up half-done."""

    def __init__(self, *, environ: Mapping[str, str]) -> None:
        self._count = 0
        self._previous: dict[int, Any] = {}
        self._make = os.getppid() if "MAKELEVEL" in environ else 0
        self._caught_by_make = _caught(self._make)

    def __enter__(self) -> Self:
        for number in _SIGNALS:
            if number == signal.SIGHUP and signal.getsignal(number) == signal.SIG_IGN:
                continue  # nohup: the terminal may go, the service stays
            self._previous[number] = signal.signal(number, self._notice)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def check(self) -> None:
        """Raises: StoppedError once somebody has asked to stop."""
        if self._count or self._make_ended():
            raise StoppedError

    def check_again(self) -> None:
        """Raises: StoppedError once somebody has asked twice, that is, wants no orderly end."""
        if self._count > 1:
            raise StoppedError

    def _notice(self, number: int, frame: FrameType | None) -> None:
        self._count += 1

    def _make_ended(self) -> bool:
        """Whether ``make`` was killed, or got a signal of its own.

        It hands on SIGTERM but not SIGINT or SIGHUP: it trusts the terminal to send those to everyone, and then waits
        for us for ever. What shows is that it no longer catches the signal.
        """
        return bool(self._make) and (os.getppid() != self._make or not self._caught_by_make <= _caught(self._make))


def _caught(pid: int) -> set[signal.Signals]:
    """Those of the signals that the process handles; none where that cannot be told (no /proc)."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
        mask = int(status.partition("SigCgt:")[2].split()[0], 16)
    except (OSError, IndexError, ValueError):
        return set()
    return {number for number in _SIGNALS if mask >> (number - 1) & 1}
