"""Every check and test, with all failures named at the end; ``checks.py static`` leaves out the tests."""
# ruff: noqa: INP001, S603  a script with fixed commands

import os
import secrets
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYTHON = sys.executable


@dataclass(frozen=True)
class Check:
    name: str
    command: list[str]
    env: dict[str, str] = field(default_factory=dict)


def _production() -> dict[str, str]:
    """A production environment with secrets made up for this one check; an empty value hides one from ``.env``."""
    hidden = ("DEBUG", "SEED_BALANCE_EUR_CENTS", "DEMO_TENANT", "DEMO_ADMIN_EMAIL", "DEMO_ADMIN_PASSWORD")
    return {
        **dict.fromkeys((*hidden, "DEMO_USER_EMAIL", "DEMO_USER_PASSWORD"), ""),
        "AURIX_ENV": "production",
        "SECRET_KEY": secrets.token_urlsafe(64),
        "JWT_SECRET": secrets.token_urlsafe(64),
        "ALLOWED_HOSTS": "aurix.example",
        "DATABASE_URL": "postgresql://aurix_app@database.invalid/aurix",
        "REDIS_URL": "redis://redis.invalid/0",
    }


def _module(name: str, *arguments: str) -> list[str]:
    return [PYTHON, "-m", name, *arguments]


def _manage(*arguments: str) -> list[str]:
    # Ignored: the warning of makemigrations that it could not compare with a database, as none has to run here.
    return [PYTHON, "-W", "ignore::RuntimeWarning", "manage.py", *arguments]


LANES = [
    [
        Check("ruff check", _module("ruff", "check", ".")),
        Check("ruff format", _module("ruff", "format", "--check", ".")),
        Check("mypy", _module("mypy", ".")),
    ],
    [
        Check("import-linter", [str(Path(PYTHON).with_name("lint-imports"))]),
        Check("migrations", _manage("makemigrations", "--check", "--dry-run")),
        Check("check --deploy", _manage("check", "--deploy", "--fail-level", "WARNING"), env=_production()),
        Check("OpenAPI", _manage("spectacular", "--validate", "--fail-on-warn", "--file", os.devnull)),
    ],
]
"""Checks that need no server. The lanes run side by side: one is mypy's, which takes as long as the rest."""

TESTS = Check("pytest", _module("pytest", "-n", "auto"))


def _passes(check: Check) -> bool:
    began = time.monotonic()
    done = subprocess.run(
        check.command, cwd=ROOT, env=os.environ | check.env, capture_output=True, text=True, check=False
    )
    failed = done.returncode != 0
    verdict = f"{'FAILED' if failed else 'ok':<7}{check.name}  {time.monotonic() - began:.0f} s\n"
    sys.stdout.write(verdict + (done.stdout + done.stderr if failed else ""))
    sys.stdout.flush()
    return not failed


def _failures(lane: list[Check]) -> list[str]:
    return [check.name for check in lane if not _passes(check)]


def main(arguments: list[str]) -> int:
    with ThreadPoolExecutor(len(LANES)) as pool:
        failed = [name for names in pool.map(_failures, LANES) for name in names]
    # Not beside the checks: tests of races and of time limits want the processors for themselves.
    if "static" not in arguments and subprocess.run(TESTS.command, cwd=ROOT, check=False).returncode != 0:
        failed.append(TESTS.name)
    sys.stdout.write(f"\nFAILED: {', '.join(failed)}\n" if failed else "\nAll checks passed.\n")
    return bool(failed)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
