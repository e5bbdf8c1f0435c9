"""Secrets of a development machine: made once, kept in the data folder, readable by their owner only."""

import contextlib
import os
import secrets
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured


def kept(*, path: Path) -> str:
    """The secret in ``path``; a new random one is written there first when there is none.

    Two processes that start at once agree: whoever creates the file first wins.
    Raises: ImproperlyConfigured when the folder is not writable.
    """
    try:
        if not path.exists():
            _make(path)
        return path.read_text(encoding="ascii")
    except OSError as problem:
        raise ImproperlyConfigured(
            f"{path} cannot be made or read ({problem.strerror}): set {path.name.upper()}, or AURIX_DATA_DIR to a "
            "folder of yours."
        ) from problem


def _make(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.touch(mode=0o600)
    try:
        draft.write_text(secrets.token_urlsafe(64), encoding="ascii")
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink()


def weakness(value: str) -> str:
    """Why ``value`` is no secret for production, or an empty string when it is one."""
    if not value:
        return "is missing"
    if len(value) < 50:
        return "is shorter than 50 characters"
    if len(set(value)) < 16:
        return "repeats too few characters"
    if value.startswith(("django-insecure", "change-me", "changeme")):
        return "is a placeholder"
    return ""
