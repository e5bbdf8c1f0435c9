"""What the embedded PostgreSQL and Valkey have in common: one holder at a time, a start that waits, a clean stop."""

import contextlib
import re
from abc import ABC, abstractmethod
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

from aurix.embedded import folders, leftovers
from aurix.embedded.processes import Child, Program, report
from aurix.embedded.progress import SILENT, Progress, StartError, wait_until


class EmbeddedServer(ABC):
    """A server with its data under ``home``; also a context manager.

    Start it from a thread that lives as long as the server shall: it stops when that thread ends.
    """

    name: str
    process_name: str
    notable: re.Pattern[str] | None = None
    """What an operator has to see of what it writes; the rest is shown only if it fails."""

    def __init__(self, *, home: Path, data: str, progress: Progress = SILENT) -> None:
        self.child: Child | None = None
        self._home = home.absolute()
        self._data = self._home / data
        self._progress = progress
        self._sockets: Path | None = None
        self._lock = folders.Lock(self._home / "lock")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def start(self) -> None:
        """Start it, mending what an earlier run left, and wait until it answers.

        Raises: StartError with a sentence for the operator; StoppedError.
        """
        try:
            self._lock.take()
        except folders.LockedError as problem:
            holder = problem.holder.get("pid", "(unknown)")
            raise StartError(f"{self.name} in {self._home} is in use by process {holder}.") from problem
        try:
            self._start()
        except BaseException:
            self.stop()
            raise

    def stop(self, *, progress: Progress = SILENT) -> None:
        """Shut down cleanly; an interrupted ``progress`` ends the patience. Safe to call at any time."""
        if self.child:
            self.child.stop(progress=progress)
            # PostgreSQL's backends are in sessions of their own; after a kill -9 of the server they end by themselves.
            leftovers.end(self._leftovers(), ask=lambda _: None, seconds=5)
        if self._sockets:
            with contextlib.suppress(OSError):  # not empty after a crash; then the next start tidies up
                self._sockets.rmdir()
        self._lock.release()

    @abstractmethod
    def _start(self) -> None:
        """Start while the lock is held."""

    @abstractmethod
    def _answers(self) -> bool:
        """Whether a client is served."""

    def _leftovers(self) -> list[psutil.Process]:
        """Processes of this server that are there although we have not started it, or have stopped it."""
        return leftovers.find(program=self.process_name, folder=self._data)

    def _launch(self, program: Program, *, seconds: float) -> None:
        """Run the server and wait until it answers. Raises: StartError with its last lines; StoppedError."""
        child = self.child = Child(program=program, on_line=self._hear)
        child.start()

        def settled() -> bool:
            return not child.running or self._answers()

        if not wait_until(settled, seconds=seconds, progress=self._progress):
            raise StartError(report(f"{self.name} did not answer in {seconds:.0f} seconds.", child.tail()))
        if not child.running:
            raise StartError(report(f"{self.name} did not start ({child.ending()}).", child.tail()))

    def _hear(self, line: str) -> None:
        if self.notable and self.notable.search(line):
            self._progress.line(f"{self.name} | {line}")
