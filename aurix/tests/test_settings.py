"""Settings: what stops a start, and the sentence that says why. Each case is a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SAFE = {
    "AURIX_ENV": "production",
    "SECRET_KEY": "kJ8s0dF3lQ9wZx7cV5bN1mA2sD4fG6hJ8kL0pO9iU7yT5rE3",
    "JWT_SECRET": "Zq1Wsx2Cde3Vfr4Bgt5Nhy6Mju7Kil8Ol9Pa0SdF1GhJ2kL3mN4",
    "ALLOWED_HOSTS": "gold.example",
    "DATABASE_URL": "postgresql://aurix_app:x@db.invalid/aurix",
    "REDIS_URL": "redis://redis.invalid:6379/0",
}
SAFE["SECRET_KEY"] += "wQ1aZ2xS"


def start(command: str = "check", *arguments: str, **changes: str) -> subprocess.CompletedProcess[str]:
    """Run ``manage.py`` with a production environment and some changes, and nothing else of ours."""
    inherited = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG"}}
    return subprocess.run(
        [sys.executable, "manage.py", command, *arguments],
        cwd=ROOT,
        env={**inherited, **SAFE, **changes},
        capture_output=True,
        text=True,
        check=False,
    )


def test_production_starts_with_everything_safe() -> None:
    done = start("check", "--deploy", "--fail-level", "WARNING")
    assert done.returncode == 0, done.stderr
    assert "no issues" in done.stdout


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"SECRET_KEY": ""}, "SECRET_KEY is missing"),
        ({"SECRET_KEY": "short"}, "SECRET_KEY is shorter than 50 characters"),
        ({"JWT_SECRET": "a" * 60}, "JWT_SECRET repeats too few characters"),
        ({"JWT_SECRET": "django-insecure-" + SAFE["JWT_SECRET"]}, "JWT_SECRET is a placeholder"),
        ({"JWT_SECRET": SAFE["SECRET_KEY"]}, "JWT_SECRET must differ from SECRET_KEY"),
        ({"DEBUG": "on"}, "DEBUG must be off"),
        ({"SEED_BALANCE_EUR_CENTS": "1"}, "SEED_BALANCE_EUR_CENTS must be 0"),
        ({"DEMO_USER_PASSWORD": "x"}, "DEMO_USER_PASSWORD must not be set"),
        ({"ALLOWED_HOSTS": ""}, "ALLOWED_HOSTS must name the hosts"),
        ({"ALLOWED_HOSTS": "*"}, "ALLOWED_HOSTS must name the hosts"),
        ({"DATABASE_URL": ""}, "DATABASE_URL is missing"),
        ({"ARGON2_MEMORY_KIB": "64"}, "too cheap to guess"),
    ],
)
def test_production_refuses(changes: dict[str, str], says: str) -> None:
    done = start(**changes)
    assert done.returncode != 0
    assert says in done.stderr


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"AURIX_ENV": "staging"}, "AURIX_ENV must be one of development, production; it is 'staging'"),
        ({"PORT": "http"}, "PORT must be a whole number from 1 to 65535; it is 'http'"),
        ({"PORT": "0"}, "PORT must be a whole number"),
        ({"DEBUG": "maybe"}, "DEBUG must be one of"),
        ({"RATE_LIMIT_BUY": "often"}, "RATE_LIMIT_BUY must be like 10/m"),
        ({"RATE_LIMIT_BUY": "10/"}, "RATE_LIMIT_BUY must be like 10/m"),
        ({"DATABASE_URL": "mysql://x/y"}, "DATABASE_URL must look like postgresql://"),
        ({"DATABASE_URL": "postgresql://host:port/name"}, "DATABASE_URL has a port that is not a number"),
        ({"GOLD_PRICE_MIN_EUR": "cheap"}, "GOLD_PRICE_MIN_EUR must be a decimal number"),
        ({"SECRET_KEY": "", "SECRET_KEY_FILE": "/nonexistent"}, "SECRET_KEY_FILE names '/nonexistent'"),
    ],
)
def test_a_value_that_cannot_be_read_is_named(changes: dict[str, str], says: str) -> None:
    done = start(**changes)
    assert done.returncode != 0
    assert says in done.stderr


def test_a_secret_may_come_from_a_file(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text(SAFE["SECRET_KEY"] + "\n")
    assert start(SECRET_KEY="", SECRET_KEY_FILE=str(secret)).returncode == 0


def test_development_secrets_are_made_once_and_kept(tmp_path: Path) -> None:
    development = {"AURIX_ENV": "development", "SECRET_KEY": "", "JWT_SECRET": "", "AURIX_DATA_DIR": str(tmp_path)}
    secrets = tmp_path / "secrets"
    contents = []
    for _ in range(2):
        assert start(**development).returncode == 0
        contents.append({path.name: path.read_text() for path in secrets.iterdir()})
    assert set(contents[0]) == {"secret_key", "jwt_secret"}
    assert contents[0] == contents[1]
    assert len(set(contents[0].values())) == 2
    assert all(path.stat().st_mode & 0o077 == 0 for path in secrets.iterdir())
