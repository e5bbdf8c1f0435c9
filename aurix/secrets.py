"""Secrets of a development machine: made once, kept in the data folder, readable by their owner only."""

import os
import secrets
from pathlib import Path


def kept(*, path: Path) -> str:
    """The secret in ``path``; a new random one is written there first when there is none.

    Two processes that start at once agree: whoever creates the file first wins.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.touch(mode=0o600)
    draft.write_text(secrets.token_urlsafe(64), encoding="ascii")
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    return path.read_text(encoding="ascii")


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
