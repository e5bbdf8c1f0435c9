"""PostgreSQL and Valkey as ``make run`` starts them, with databases of our own on them."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from aurix.embedded.postgres import EmbeddedPostgres
from aurix.embedded.valkey import EmbeddedValkey
from bench.cpu import POSTGRES, VALKEY, WEB, Meter

ROOT = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("AURIX_DATA_DIR", ROOT / "var")).resolve() / "bench"
DURABILITY = ("fsync", "synchronous_commit", "full_page_writes")
SHOWN = (*DURABILITY, "server_version", "wal_level", "shared_buffers", "max_wal_size", "commit_delay", "autovacuum")


class MeasurementError(Exception):
    """Something keeps a measurement from being made or from being true; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Servers:
    """The two servers of a measurement, running."""

    postgres: EmbeddedPostgres
    valkey: EmbeddedValkey

    def superuser(self, database: str) -> psycopg.Connection:
        """A connection that is bound by nothing; each statement commits."""
        return psycopg.connect(self.postgres.superuser_url(database), autocommit=True)

    def url(self, database: str, *, user: str = "postgres") -> str:
        """For libpq's programs."""
        return self.postgres.url(user=user, database=database)

    def environment(self, database: str) -> dict[str, str]:
        """What the application needs to find everything; every other setting keeps its default."""
        return {
            **os.environ,
            "AURIX_DATA_DIR": str(DATA),
            "DATABASE_URL": self.url(database, user="aurix_app"),
            "DATABASE_OWNER_URL": self.url(database, user="aurix_owner"),
            "REDIS_URL": self.valkey.url,
        }

    def meter(self, *, web: int) -> Meter:
        """Measures the processor time of these servers, and of the web server with process id ``web``."""
        ours = {POSTGRES: self.postgres.child, VALKEY: self.valkey.child}
        return Meter({WEB: web, **{name: child.pid for name, child in ours.items() if child}})

    def settings(self, database: str = "postgres") -> dict[str, str]:
        """What PostgreSQL says about itself. Raises: MeasurementError when commits are not durable."""
        with self.superuser(database) as connection:
            shown = {name: _show(connection, name) for name in SHOWN}
        if weak := [name for name in DURABILITY if shown[name] != "on"]:
            raise MeasurementError(f"{', '.join(weak)} must be on: this would not be a measurement of durable trades.")
        return shown

    def has_database(self, name: str) -> bool:
        """Whether there is a database of that name."""
        with self.superuser("postgres") as connection:
            return connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone() is not None

    def make_database(self, name: str, *, tree: Path = ROOT) -> None:
        """A new database with the schema, the tenant ``bench`` and a price, by the application's own commands."""
        self.drop_database(name)
        manage(self, name, "prepare_database", "--verbosity=0", tree=tree)
        manage(self, name, "create_tenant", "bench", "Bench", tree=tree)
        manage(self, name, "set_price", "65.00", tree=tree)

    def drop_database(self, name: str) -> None:
        """Away with it, whoever may still be connected."""
        with self.superuser("postgres") as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def rename_database(self, name: str, *, to: str) -> None:
        """Nobody may be connected to it."""
        with self.superuser("postgres") as connection:
            connection.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(*map(sql.Identifier, (name, to))))


@contextmanager
def running() -> Iterator[Servers]:
    """Start both, durable as shipped, until the block ends."""
    with EmbeddedPostgres(DATA, durable=True) as postgres, EmbeddedValkey(DATA) as valkey:
        yield Servers(postgres, valkey)


def manage(servers: Servers, database: str, *words: str, tree: Path = ROOT) -> str:
    """Run ``manage.py`` with ``words`` on ``database``; what it printed. Raises: MeasurementError when it fails."""
    environment = {**servers.environment(database), "DATABASE_ADMIN_URL": servers.url("postgres")}
    command = [sys.executable, "manage.py", *words]
    done = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise MeasurementError(f"manage.py {' '.join(words)} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def _show(connection: psycopg.Connection, name: str) -> str:
    row = connection.execute("SELECT current_setting(%s)", [name]).fetchone()
    return str(row[0]) if row else ""
