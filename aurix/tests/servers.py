"""A pytest plugin (``-p aurix.tests.servers``) that gives the tests real servers before Django's settings are read.

Without ``DATABASE_URL`` and ``REDIS_URL`` embedded ones are started once for all xdist workers; their data is fresh and
their disk writes are not synced, since only this run needs them. Every worker gets its own copy of the migrated
database.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import psutil
import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from aurix import roles
from aurix.embedded.postgres import EmbeddedPostgres
from aurix.embedded.valkey import EmbeddedValkey

ROOT = Path(__file__).resolve().parents[2]
TESTS = ROOT / "var" / "test"
DATA = TESTS / str(os.getpid())
"""Of this run alone: two runs at once do not meet."""
ADMIN, TEMPLATE = "AURIX_TEST_ADMIN_URL", "AURIX_TEST_TEMPLATE"
RATE_LIMITS = "LOGIN REGISTER CHANGE_PASSWORD BUY SELL QUOTES WALLET TRANSACTIONS INSIGHTS EXPORT"

_started: list[EmbeddedPostgres | EmbeddedValkey] = []


def _url(url: str, *, database: str, user: str = "") -> str:
    """``url`` with another database, and as another user where the embedded server lets anyone be anyone."""
    parts = conninfo_to_dict(url)
    login = user or str(parts.get("user", ""))
    password = f":{parts['password']}" if parts.get("password") and not user else ""
    return f"postgresql://{login}{password}@/{database}?host={parts['host']}&port={parts.get('port', 5432)}"


def _start() -> None:
    """In the controller, before anything else: servers, roles, and the migrated template."""
    os.environ["AURIX_TEST_EMBEDDED"] = "" if os.environ.get("DATABASE_URL") else "yes"
    if not os.environ.get("DATABASE_URL"):
        _sweep()
        postgres = EmbeddedPostgres(DATA, durable=False, fresh=True)
        postgres.start()
        _started.append(postgres)
        os.environ[ADMIN] = postgres.superuser_url("postgres")
    else:
        os.environ[ADMIN] = os.environ.get("DATABASE_ADMIN_URL") or os.environ["DATABASE_URL"]
    if not os.environ.get("REDIS_URL"):
        valkey = EmbeddedValkey(DATA)
        valkey.start()
        _started.append(valkey)
        os.environ["REDIS_URL"] = valkey.url
    os.environ[TEMPLATE] = f"aurix_template_{os.getpid()}"
    roles.prepare(admin_url=os.environ[ADMIN], owner=roles.OWNER_ROLE, database=os.environ[TEMPLATE])
    _point_at(os.environ[TEMPLATE])
    subprocess.run(
        [sys.executable, "manage.py", "prepare_database", "--verbosity=0"], cwd=ROOT, env=os.environ, check=True
    )


def _point_at(database: str) -> None:
    """Make the settings that are read next use ``database``."""
    admin = os.environ[ADMIN]
    embedded = bool(os.environ["AURIX_TEST_EMBEDDED"])
    os.environ["DATABASE_URL"] = _url(admin, database=database, user="aurix_app" if embedded else "")
    os.environ["DATABASE_OWNER_URL"] = _url(admin, database=database, user=roles.OWNER_ROLE if embedded else "")
    os.environ["AURIX_TEST_SUPERUSER_URL"] = _url(admin, database=database)


def _own_database() -> str:
    """A copy of the template for this worker."""
    name = f"{os.environ[TEMPLATE]}_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
    with psycopg.connect(os.environ[ADMIN], autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{os.environ[TEMPLATE]}" OWNER {roles.OWNER_ROLE}')
    return name


def _environment() -> None:
    """What tests assume whatever the machine says: development mode and no limits but where a test sets them."""
    os.environ["AURIX_ENV"] = "development"
    os.environ["AURIX_DATA_DIR"] = str(DATA)
    os.environ["SEED_BALANCE_EUR_CENTS"] = "1000000"
    os.environ["ARGON2_TIME_COST"], os.environ["ARGON2_MEMORY_KIB"] = "1", "64"  # hundreds of people register
    for name in RATE_LIMITS.split():
        os.environ[f"RATE_LIMIT_{name}"] = "off"
    for name in [name for name in os.environ if name.startswith("DEMO_")]:
        del os.environ[name]


def _own_redis() -> str:
    """A Redis database of this worker's own: one that clears its cache clears nobody else's."""
    number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) + 1
    url = os.environ["REDIS_URL"].partition("?")[0]
    return f"{url}?db={number}"


def _sweep() -> None:
    """Remove what runs that were killed have left."""
    for folder in TESTS.glob("[0-9]*"):
        if not psutil.pid_exists(int(folder.name)):
            shutil.rmtree(folder, ignore_errors=True)


def _stop() -> None:
    for server in reversed(_started):
        server.stop()
    shutil.rmtree(DATA, ignore_errors=True)


try:
    if "PYTEST_XDIST_WORKER" not in os.environ:
        _environment()
        _start()
    _point_at(_own_database())
    os.environ["REDIS_URL"] = _own_redis()
except BaseException:
    _stop()
    raise


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop what this process started, in reverse order; drop the databases on a server that stays."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        return
    if not _started:
        _drop()
    _stop()


def _drop() -> None:
    with psycopg.connect(os.environ[ADMIN], autocommit=True) as connection:
        names = connection.execute(
            "SELECT datname FROM pg_database WHERE datname LIKE %s", [f"{os.environ[TEMPLATE]}%"]
        ).fetchall()
        for (name,) in names:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
