"""Child processes: started in a session of their own, listened to, and stopped without leaving anything behind."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from aurix.embedded import launch
from aurix.embedded.accounts import Account
from aurix.embedded.progress import SILENT, Progress, StartError, StoppedError, wait_until

_LINES_KEPT = 200
_LINE_BYTES = 64 * 1024


@dataclass(frozen=True, kw_only=True)
class Program:
    """What to run and how to end it. ``stop_seconds`` is the patience between ``stop_signal`` and SIGKILL."""

    name: str
    argv: Sequence[str]
    env: Mapping[str, str]
    cwd: Path | None = None
    account: Account | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    stop_seconds: float = 10


class Child:
    """One running program. Start it from a thread that outlives it (see ``launch.die_with_parent``)."""

    def __init__(self, *, program: Program, on_line: Callable[[str], None] | None = None) -> None:
        self.program = program
        self.name = program.name
        self._on_line = on_line
        self._lines: deque[str] = deque(maxlen=_LINES_KEPT)
        self._process: subprocess.Popen[bytes] | None = None
        self._reader: threading.Thread | None = None

    def start(self) -> None:
        """Raises: StartError when the machine cannot start another process."""
        try:
            self._process = subprocess.Popen(  # noqa: S603  our own programs, never input
                [*_launcher(self.program), *self.program.argv],
                env=dict(self.program.env),
                cwd=self.program.cwd,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C in the terminal must reach the supervisor alone
            )
        except OSError as problem:
            raise StartError(f"{self.name} cannot be started: {problem.strerror}.") from problem
        self._reader = threading.Thread(target=self._read, args=(self._process.stdout,), daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        """0 before the start."""
        return self._process.pid if self._process else 0

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def exit_code(self) -> int | None:
        """None while it runs; negative: the signal that killed it."""
        return self._process.poll() if self._process else None

    def ending(self) -> str:
        """How it ended, in words."""
        code = self.exit_code
        if code is None:
            return "still running"
        return f"exit code {code}" if code >= 0 else f"killed by {signal.Signals(-code).name}"

    def tail(self, count: int = 20) -> list[str]:
        """The last lines it wrote; complete once it has ended."""
        if self._reader and not self.running:
            self._reader.join(timeout=1)  # a grandchild may still hold the pipe open
        return list(self._lines)[-count:]

    def stop(self, *, progress: Progress = SILENT) -> None:
        """Ask, wait, then kill the whole group; an interrupted wait kills at once. Safe to call at any time."""
        if self._process is None:
            return
        if self.running:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(self.program.stop_signal)
            with contextlib.suppress(StoppedError):
                wait_until(lambda: not self.running, seconds=self.program.stop_seconds, progress=progress)
        # Workers of a leader that is gone are still in its group, and while they are its number cannot be reused.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        if self._reader:
            self._reader.join(timeout=1)

    def _read(self, pipe: IO[bytes]) -> None:
        with pipe:
            while raw := pipe.readline(_LINE_BYTES):
                line = raw.decode(errors="replace").rstrip()
                self._lines.append(line)
                if self._on_line:
                    self._on_line(line)


def run(program: Program, *, seconds: float, progress: Progress = SILENT) -> None:
    """Run ``program`` to its end.

    Raises: StartError with its last lines when it fails or takes longer than ``seconds``; StoppedError.
    """
    child = Child(program=program)
    child.start()
    try:
        finished = wait_until(lambda: not child.running, seconds=seconds, progress=progress)
    finally:
        child.stop()
    if not finished or child.exit_code:
        how = f"failed ({child.ending()})" if finished else f"did not finish within {seconds:.0f} seconds"
        raise StartError(report(f"{program.name} {how}.", child.tail()))


def report(headline: str, lines: Sequence[str]) -> str:
    """A failure with the last lines of the process, and what they mean where that is plain."""
    text = [headline]
    if any("No space left on device" in line for line in lines):
        text.append("The disk is full: free some space, then start again; nothing that was confirmed is lost.")
    if lines:
        text += ["Its last lines:", *(f"    {line}" for line in lines)]
    return "\n".join(text)


def _launcher(program: Program) -> list[str]:
    account = program.account
    user = f"{account.uid}:{account.gid}" if account and account.uid != os.geteuid() else "-"
    access = "bypass" if account and account.bypass else "-"
    signal_number = str(int(program.stop_signal))
    return [sys.executable, "-I", "-S", launch.__file__, str(os.getpid()), signal_number, user, access]
