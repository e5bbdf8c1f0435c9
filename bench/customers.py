"""Customers made directly in the database, and access tokens for them, signed by the application's own code."""

import subprocess
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg

from bench.servers import DATA, ROOT, MeasurementError, Servers

FIRST = 100_000_000_000
"""Customer n is number FIRST + n, with which the ids of user, session and wallet end: pgbench can name them too."""

USER, SESSION, WALLET = (f"00000000-0000-{kind}-8000-" for kind in ("7001", "7002", "7003"))
OPENING_CENTS = 100_000_000
"""Nobody runs out of money: a buy of the benchmark costs 1.15 EUR."""

_FRESH = timedelta(minutes=5)
_PEOPLE = (
    f"""
    INSERT INTO accounts_user (id, tenant_id, email, email_folded, role, password, created_at, password_changed_at)
    SELECT ('{USER}' || {FIRST} + n)::uuid, %(tenant)s, 'customer' || n || '@bench.example',
           'customer' || n || '@bench.example', 'user', '!', now(), now()
      FROM generate_series(1, %(count)s) n
    """,
    f"""
    INSERT INTO accounts_session (id, tenant_id, user_id, created_at, expires_at, end_reason)
    SELECT ('{SESSION}' || {FIRST} + n)::uuid, %(tenant)s, ('{USER}' || {FIRST} + n)::uuid,
           now(), now() + interval '7 days', ''
      FROM generate_series(1, %(count)s) n
    """,
    f"""
    INSERT INTO wallet_wallet (id, tenant_id, user_id, gold, cash, number, hash, frozen_reason, created_at, updated_at)
    SELECT ('{WALLET}' || {FIRST} + n)::uuid, %(tenant)s, ('{USER}' || {FIRST} + n)::uuid, 0, 0, 0,
           decode(repeat('00', 32), 'hex'), '', now(), now()
      FROM generate_series(1, %(count)s) n
    """,
)
# Through the ledger's own triggers: they number, date, balance and hash each row and move its wallet.
_OPENING = f"""
INSERT INTO wallet_ledger (id, tenant_id, wallet_id, kind, gold_delta, cash_delta, gross, fee, spread, request_id)
SELECT uuidv7(), tenant_id, id, 'opening', 0, {OPENING_CENTS}, {OPENING_CENTS}, 0, 0, 'bench'
  FROM wallet_wallet WHERE tenant_id = %(tenant)s
"""
_BUY = """
INSERT INTO wallet_ledger (id, tenant_id, wallet_id, kind, gold_delta, cash_delta, price, reference_price, gross, fee,
                           spread, idempotency_key, fingerprint, actor_id, request_id)
SELECT uuidv7(), tenant_id, id, 'buy', 0.01, -115, 65, 65, 65, 50, 0, gen_random_uuid()::text, sha256('bench'), user_id,
       gen_random_uuid()::text
  FROM wallet_wallet WHERE tenant_id = %(tenant)s
"""


@dataclass(slots=True)
class Crowd:
    """The customers of a database, and the file that holds their tokens for the load generator."""

    servers: Servers
    database: str
    numbers: range
    tree: Path = ROOT
    _minted: datetime | None = field(default=None, repr=False)

    @property
    def file(self) -> Path:
        """An access token a line. They live for 15 minutes, so ask again before each run."""
        path = DATA / f"tokens-{self.database}"
        now = datetime.now(UTC)
        if self._minted is None or now - self._minted > _FRESH:
            path.write_text(self._mint(), encoding="ascii")
            path.chmod(0o600)
            self._minted = now
        return path

    @property
    def token(self) -> str:
        """One of them."""
        return self.file.read_text(encoding="ascii").partition("\n")[0]

    def _mint(self) -> str:
        with self.servers.superuser(self.database) as connection:
            tenant = tenant_id(connection)
        people = "".join(f"{tenant} {USER}{FIRST + n} {SESSION}{FIRST + n}\n" for n in self.numbers)
        environment = {**self.servers.environment(self.database), "PYTHONPATH": str(self.tree)}
        command = [sys.executable, str(ROOT / "bench" / "mint.py")]
        done = subprocess.run(
            command, cwd=self.tree, env=environment, input=people, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise MeasurementError(f"No tokens could be made:\n{done.stderr}")
        return done.stdout


def tenant_id(connection: psycopg.Connection) -> str:
    """The tenant whose customers all of these are."""
    row = connection.execute("SELECT id FROM tenants_tenant WHERE code = 'bench'").fetchone()
    if row is None:
        raise MeasurementError("The database has no tenant 'bench'.")
    return str(row[0])


def make(servers: Servers, *, database: str, count: int, trades: int, tree: Path = ROOT) -> Crowd:
    """``count`` customers with ``trades`` buys each, so that a page of transactions is full."""
    with servers.superuser(database) as connection:
        values = {"tenant": tenant_id(connection), "count": count}
        for statement in (*_PEOPLE, _OPENING, *[_BUY] * trades):
            connection.execute(statement, values)
        connection.execute("VACUUM ANALYZE")
        connection.execute("CHECKPOINT")
    return Crowd(servers, database, range(1, count + 1), tree)


def make_people(connection: psycopg.Connection, *, count: int) -> None:
    """Users, sessions and empty wallets only."""
    values = {"tenant": tenant_id(connection), "count": count}
    for statement in _PEOPLE:
        connection.execute(statement, values)
