"""Servers that outlived the process which started them."""

import contextlib
from collections.abc import Callable
from pathlib import Path

import psutil

from aurix.embedded.progress import SILENT, Progress, wait_until


def find(*, program: str, folder: Path) -> list[psutil.Process]:
    """Processes of ``program`` that work in ``folder``: both servers enter their data folder as they start."""
    wanted = folder.resolve()
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.name() == program and Path(process.cwd()) == wanted:
                found.append(process)
    return found


def end(
    processes: list[psutil.Process],
    *,
    ask: Callable[[psutil.Process], None],
    seconds: float,
    progress: Progress = SILENT,
) -> None:
    """Let ``ask`` speak to each of ``processes``, wait for at most ``seconds``, kill the rest and see them gone.

    Raises: StoppedError.
    """
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            ask(process)
    if wait_until(lambda: not _alive(processes), seconds=seconds, progress=progress):
        return
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    wait_until(lambda: not _alive(processes), seconds=10, progress=progress)


def _alive(processes: list[psutil.Process]) -> bool:
    return any(_runs(process) for process in processes)


def _runs(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
