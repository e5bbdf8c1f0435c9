"""On what was measured."""

import os
import platform
import re
import subprocess
from importlib.metadata import version
from pathlib import Path

import psutil

from bench.servers import ROOT, Servers

_PACKAGES = ("Django", "djangorestframework", "granian", "psycopg", "redis")


def conditions(servers: Servers) -> list[str]:
    """Machine, versions and settings, a line each."""
    settings = servers.settings()
    gib = psutil.virtual_memory().total / 2**30
    packages = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    return [
        f"{os.cpu_count()} cores ({_processor()}), {gib:.0f} GiB, {platform.system()} {platform.release()}; "
        "shared by PostgreSQL, Valkey, web server and load generator",
        f"CPython {platform.python_version()}, {packages}, PostgreSQL {settings.pop('server_version')}",
        "PostgreSQL says: " + ", ".join(f"{name} {value}" for name, value in settings.items()),
        f"load generator: {_first_line('wrk', '-v')}, one thread, keep-alive",
        f"code: {_commit()}",
    ]


def _processor() -> str:
    try:
        found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(encoding="utf-8"), re.MULTILINE)
    except OSError:
        found = None
    return found[1] if found else platform.processor() or platform.machine()


def _first_line(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return (done.stdout + done.stderr).partition("\n")[0].partition(" Copyright")[0]


def _commit() -> str:
    commit = _first_line("git", "-C", str(ROOT), "rev-parse", "--short", "HEAD")
    changed = _first_line("git", "-C", str(ROOT), "status", "--porcelain", "--untracked-files=no")
    return f"{commit} with changes" if changed else commit
