"""Which user of the machine runs an embedded server.

PostgreSQL refuses to run as root, so root lends it another identity. That one often cannot even reach the program
(a clone under /root, which is closed to everyone else). Folders that are not ours are never opened up for it:
instead it keeps one capability of root, to pass folder permissions.
"""

import os
import pwd
import stat
from dataclasses import dataclass, replace
from pathlib import Path

from aurix.embedded.progress import StartError


@dataclass(frozen=True, kw_only=True)
class Account:
    """A user of the machine; ``bypass`` says that it needs CAP_DAC_OVERRIDE to reach its files."""

    uid: int
    gid: int
    bypass: bool = False


def current_name() -> str:
    """The name of the user this process runs as. Raises: StartError when the machine does not know the user."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError as problem:
        raise StartError(
            f"The user with number {os.geteuid()} has no name on this machine, which PostgreSQL needs. "
            "Run as a user of the machine, or set DATABASE_URL to a PostgreSQL server."
        ) from problem


def unprivileged(*, owning: Path, reading: list[Path]) -> Account:
    """The account for a server that keeps its data in ``owning`` and must be able to use the files ``reading``.

    That is whoever owns the data already, this user when it is not root, and else ``nobody``.
    Raises: StartError when the data belongs to somebody this user cannot act for.
    """
    owner = owning.stat().st_uid if owning.exists() else None
    if os.geteuid() != 0:
        if owner not in {None, os.geteuid()}:
            raise StartError(
                f"The data in {owning} belongs to another user (number {owner}). "
                "Run as that user or as root, or set AURIX_DATA_DIR to a folder of your own."
            )
        return Account(uid=os.geteuid(), gid=os.getegid())
    account = _account(owner) if owner else _nobody()
    paths = [owning.parent, *reading]
    return replace(account, bypass=not all(_reaches(account, path) for path in paths))


def _account(uid: int) -> Account:
    try:
        return Account(uid=uid, gid=pwd.getpwuid(uid).pw_gid)
    except KeyError as problem:
        raise StartError(f"The data belongs to user number {uid}, whom this machine does not know.") from problem


def _nobody() -> Account:
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError as problem:
        raise StartError(
            "PostgreSQL refuses to run as root and there is no user 'nobody' to run it as. "
            "Run as an ordinary user, or set DATABASE_URL to a PostgreSQL server."
        ) from problem
    return Account(uid=entry.pw_uid, gid=entry.pw_gid)


def _reaches(account: Account, path: Path) -> bool:
    """Whether it may enter each folder above ``path`` and read ``path`` (and run it, if anyone may)."""
    resolved = path.resolve()
    if not all(_allows(account, folder, stat.S_IXOTH) for folder in resolved.parents):
        return False
    mode = resolved.stat().st_mode
    return _allows(account, resolved, stat.S_IROTH | (stat.S_IXOTH if mode & stat.S_IXUSR else 0))


def _allows(account: Account, path: Path, wanted: int) -> bool:
    """``wanted`` in the bits of "others"; access lists are not looked at, so this may say no to what would work."""
    status = path.stat()
    if status.st_uid == account.uid:
        wanted <<= 6
    elif status.st_gid == account.gid:
        wanted <<= 3
    return status.st_mode & wanted == wanted
