"""Folders of the embedded servers: made private, locked by one supervisor at a time, short enough for sockets."""

import fcntl
import hashlib
import json
import os
import stat
import tempfile
from pathlib import Path
from typing import Any

from aurix.embedded.accounts import Account
from aurix.embedded.progress import StartError

_SOCKET_PATH_BYTES = 100
"""The kernel takes 107 bytes on Linux and 103 on macOS."""


class LockedError(Exception):
    """Another process holds the lock; ``holder`` is what it wrote into the file (pid, ...), perhaps nothing."""

    def __init__(self, holder: dict[str, Any]) -> None:
        super().__init__(f"locked by {holder}")
        self.holder = holder


class Lock:
    """An exclusive lock on a file, freed by the kernel however its holder ends."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None

    def take(self, **holder: object) -> None:
        """Take it and write ``holder`` into the file for others to read. Raises: LockedError, StartError."""
        private_folder(self._path.parent, mode=0o755)
        try:
            file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as problem:
            raise StartError(f"{self._path} cannot be opened: {problem.strerror}.") from problem
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as problem:
            raw = os.pread(file, 4096, 0)
            os.close(file)
            raise LockedError(_parsed(raw)) from problem
        os.ftruncate(file, 0)
        os.pwrite(file, json.dumps({"pid": os.getpid(), **holder}).encode(), 0)
        self._file = file

    def release(self) -> None:
        """The file stays: removing it would let a third process lock another file of the same name."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


def _parsed(raw: bytes) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(raw)
    except ValueError:
        return {}  # its holder is just writing it
    return found


def private_folder(path: Path, *, account: Account | None = None, mode: int = 0o700) -> Path:
    """Make the folder ``path`` if need be, with ``mode``, for ``account``. Raises: StartError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir(mode=mode, exist_ok=True)
        status = path.lstat()
        # Only what is our own is given away, and never through a link that somebody else may have put there.
        if account and status.st_uid == os.geteuid() != account.uid and stat.S_ISDIR(status.st_mode):
            os.chown(path, account.uid, account.gid, follow_symlinks=False)
    except OSError as problem:
        raise StartError(f"The folder {path} cannot be made: {problem.strerror}.") from problem
    return path


def socket_folder(*, near: Path, account: Account) -> Path:
    """A folder that only ``account`` and root can enter, for a server's unix socket.

    It is ``near/run``, or under the system's temporary folder where that is too long a path for a socket.
    Raises: StartError, also when somebody else has made the temporary one.
    """
    folder = near / "run"
    if len(os.fsencode(folder / ".s.PGSQL.5432.lock")) > _SOCKET_PATH_BYTES:
        digest = hashlib.sha256(os.fsencode(near.resolve())).hexdigest()[:16]
        folder = Path(tempfile.gettempdir()) / f"aurix-{account.uid}-{digest}"
    private_folder(folder, account=account)
    status = folder.lstat()  # anybody may write to the temporary folder
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != account.uid or stat.S_IMODE(status.st_mode) != 0o700:
        raise StartError(f"{folder} is not a private folder of user number {account.uid}: remove it and start again.")
    return folder
