"""Typed readers of the environment. A value that cannot be read stops the start with a sentence on which and why."""

import os
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TypeVar

from django.core.exceptions import ImproperlyConfigured

T = TypeVar("T")


def load_dotenv(*, path: Path) -> None:
    """Put ``NAME=value`` lines of a ``.env`` file into the environment; what is set already wins."""
    if not path.is_file():
        return
    for number, raw in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        name, separator, value = line.removeprefix("export ").partition("=")
        if not separator or not name.strip().isidentifier():
            raise ImproperlyConfigured(f"{path.name} line {number} is not NAME=value.")
        os.environ.setdefault(name.strip(), value.strip().strip("\"'"))


def _read(name: str, default: T, parse: Callable[[str], T], expected: str) -> T:
    raw = os.environ.get(name, "")
    if raw == "":
        return default
    try:
        return parse(raw)
    except (ValueError, InvalidOperation) as problem:
        raise ImproperlyConfigured(f"{name} must be {expected}; it is {raw!r}.") from problem


def text(name: str, *, default: str = "") -> str:
    """A string; a ``NAME_FILE`` variable names a file to read it from (container secrets)."""
    file = os.environ.get(f"{name}_FILE", "")
    if file and not os.environ.get(name):
        try:
            return Path(file).read_text(encoding="utf-8").strip()
        except OSError as problem:
            raise ImproperlyConfigured(
                f"{name}_FILE names {file!r}, which cannot be read: {problem.strerror}."
            ) from problem
    return os.environ.get(name) or default


def flag(name: str, *, default: bool) -> bool:
    """A yes or no: ``1 true yes on`` or ``0 false no off``."""
    words = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}

    def parse(raw: str) -> bool:
        if raw.lower() not in words:
            raise ValueError(raw)
        return words[raw.lower()]

    return _read(name, default, parse, "one of 1, 0, true, false, yes, no, on, off")


def integer(name: str, *, default: int, low: int, high: int) -> int:
    """A whole number from ``low`` to ``high``."""

    def parse(raw: str) -> int:
        value = int(raw)
        if not low <= value <= high:
            raise ValueError(raw)
        return value

    return _read(name, default, parse, f"a whole number from {low} to {high}")


def decimal(name: str, *, default: str, low: str, high: str) -> Decimal:
    """A decimal number from ``low`` to ``high``."""

    def parse(raw: str) -> Decimal:
        value = Decimal(raw)
        if not Decimal(low) <= value <= Decimal(high):
            raise ValueError(raw)
        return value

    return _read(name, Decimal(default), parse, f"a decimal number from {low} to {high}")


def words(name: str, *, default: str = "") -> list[str]:
    """A list separated by commas."""
    return [word.strip() for word in text(name, default=default).split(",") if word.strip()]


def choice(name: str, *, default: str, options: tuple[str, ...]) -> str:
    """One of ``options``."""

    def parse(raw: str) -> str:
        if raw not in options:
            raise ValueError(raw)
        return raw

    return _read(name, default, parse, f"one of {', '.join(options)}")


def rate(name: str, *, default: str) -> str:
    """A limit in the contract's notation, django-ratelimit's (``10/m``), or ``off``, which reads as an empty string."""

    def parse(raw: str) -> str:
        if raw == "off":
            return ""
        count, separator, period = raw.partition("/")
        multiple, unit = period[:-1], period[-1:]
        if not separator or not count.isdecimal() or unit not in "smhd" or not (multiple.isdecimal() or multiple == ""):
            raise ValueError(raw)
        if not unit or (multiple and int(multiple) == 0):
            raise ValueError(raw)
        return raw

    return _read(name, default, parse, "like 10/m (a count per s, m, h or d) or off")
