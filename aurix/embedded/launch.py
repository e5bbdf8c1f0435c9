"""Start a program so that it dies with its parent and, where root must not run it, as somebody else.

    launch.py PARENT SIGNAL USER ACCESS PROGRAM [ARGUMENT...]

PARENT is the pid that must be alive, SIGNAL the number sent to the program when that parent dies, USER is ``uid:gid``
or ``-``, ACCESS is ``bypass`` to keep CAP_DAC_OVERRIDE across the change of user, or ``-``.

A script of its own rather than a ``preexec_fn``: that would run Python between fork and exec of a process with
threads, which may deadlock. It imports the standard library only and is run with ``-I -S`` to start in milliseconds.
"""

import ctypes
import os
import signal
import sys
from typing import NoReturn

_PR_SET_PDEATHSIG = 1
_PR_SET_SECUREBITS = 28
_SECBIT_NO_SETUID_FIXUP = 4
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_RAISE = 2
_CAP_DAC_OVERRIDE = 1
_CAPABILITY_VERSION_3 = 0x20080522
_ON_LINUX = sys.platform == "linux"


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Sets(ctypes.Structure):
    _fields_ = (("effective", ctypes.c_uint32), ("permitted", ctypes.c_uint32), ("inheritable", ctypes.c_uint32))


def _call(name: str, *arguments: object) -> None:
    """A function of the C library that answers 0. Raises: OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    if getattr(libc, name)(*arguments) != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{name}: {os.strerror(code)}")


def _prctl(option: int, *values: int) -> None:
    padded = (*values, 0, 0, 0, 0)[:4]
    _call("prctl", option, *(ctypes.c_ulong(value) for value in padded))


def die_with_parent(*, parent: int, by: int) -> None:
    """Have the kernel send this process signal ``by`` when its parent dies (Linux; elsewhere nothing happens).

    More exactly: when the *thread* that started it dies, so start children from a thread that lives on.
    """
    if _ON_LINUX:
        _prctl(_PR_SET_PDEATHSIG, by)
    if os.getppid() != parent:  # it died before we asked
        sys.exit(1)


def _become(user: str, *, bypass: bool) -> None:
    uid, gid = (int(part) for part in user.split(":"))
    keep = bypass and _ON_LINUX
    if keep:
        # Stay capable across the change of user, in the eyes of access(2) too, which initdb asks about its programs.
        _prctl(_PR_SET_SECUREBITS, _SECBIT_NO_SETUID_FIXUP)
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)
    if keep:
        # Only an ambient capability outlives the exec of an ordinary binary; it must be inheritable first.
        only = 1 << _CAP_DAC_OVERRIDE
        sets = (_Sets * 2)(_Sets(effective=only, permitted=only, inheritable=only), _Sets())
        _call("capset", ctypes.byref(_Header(version=_CAPABILITY_VERSION_3, pid=0)), sets)
        _prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, _CAP_DAC_OVERRIDE)


def main(arguments: list[str]) -> NoReturn:
    parent, by, user, access, *program = arguments
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGPIPE):
        signal.signal(number, signal.SIG_DFL)  # an ignored signal (nohup, Python's SIGPIPE) would outlive the exec
    try:
        if user != "-":
            _become(user, bypass=access == "bypass")
        die_with_parent(parent=int(parent), by=int(by))  # after the change of user, which resets it
        os.execvp(program[0], program)  # noqa: S606  no shell is the point
    except OSError as problem:
        sys.exit(f"cannot run {program[0]}: {problem.strerror}")


if __name__ == "__main__":
    main(sys.argv[1:])
