"""A ledger with millions of entries, made in minutes and right to the last hash.

Triggers are off meanwhile (``session_replication_role``), so entries are numbered, balanced and hashed here: set-based,
entry 1 of all wallets, then entry 2, and so on, as years of trading would have laid them down on disk. What is hashed
is what the application's own function ``wallet_ledger_canonical`` returns, and ``manage.py verify_ledger`` accepts it.
"""

from concurrent.futures import ThreadPoolExecutor

import psycopg

from bench.customers import FIRST, OPENING_CENTS, WALLET, make_people, tenant_id
from bench.servers import MeasurementError, Servers

_PARTS = 2
"""Sessions that write at the same time, each for its share of the wallets."""

_OPENING = {"kind": "'opening'", "gold_delta": "0::numeric(24,8)", "cash_delta": str(OPENING_CENTS)}
_BUY = {"kind": "'buy'", "gold_delta": "0.01::numeric(24,8)", "cash_delta": "-115"}
_SELL = {"kind": "'sell'", "gold_delta": "-0.01::numeric(24,8)", "cash_delta": "15"}
_TRADE = {
    "price": "65::numeric(24,8)",
    "reference_price": "65::numeric(24,8)",
    "gross": "65",
    "fee": "50",
    "idempotency_key": "gen_random_uuid()::text",
    "fingerprint": "sha256('bench')",
    "actor_id": "actor_id",
    "request_id": "gen_random_uuid()::text",
}
_ALWAYS = {
    "id": "uuidv7()",
    "tenant_id": "tenant_id",
    "wallet_id": "wallet_id",
    "number": "number + 1",
    "price": "NULL::numeric",
    "reference_price": "NULL::numeric",
    "gross": str(OPENING_CENTS),
    "fee": "0",
    "spread": "0",
    "quote_id": "NULL::uuid",
    "idempotency_key": "NULL::text",
    "fingerprint": "NULL::bytea",
    "actor_id": "NULL::uuid",
    "request_id": "'bench'",
    "created_at": "created_at + interval '1 second'",
    "previous_hash": "hash",
    "hash": "NULL::bytea",
}


def make(servers: Servers, *, database: str, wallets: int, entries: int) -> None:
    """``wallets`` customers with ``entries`` ledger entries each: the opening, then four buys for each sell."""
    with servers.superuser(database) as connection:
        make_people(connection, count=wallets)
        columns = _columns(connection)
    with ThreadPoolExecutor(_PARTS) as pool:
        writers = [pool.submit(_write, servers, database, part, entries, columns) for part in range(_PARTS)]
        for writer in writers:
            writer.result()
    with servers.superuser(database) as connection:
        connection.execute("VACUUM ANALYZE")
        connection.execute("CHECKPOINT")


def _columns(connection: psycopg.Connection) -> list[str]:
    """Of the ledger, in their order. Raises: MeasurementError when there is one that this module does not know."""
    rows = connection.execute(
        "SELECT attname FROM pg_attribute WHERE attrelid = 'wallet_ledger'::regclass AND attnum > 0 "
        "AND NOT attisdropped ORDER BY attnum"
    ).fetchall()
    known = {*_ALWAYS, *_BUY, "gold_after", "cash_after"}
    if unknown := [name for (name,) in rows if name not in known]:
        raise MeasurementError(f"wallet_ledger has new columns, which bench/history.py must fill: {unknown}")
    return [name for (name,) in rows]


def _write(servers: Servers, database: str, part: int, entries: int, columns: list[str]) -> None:
    """The history of every ``_PARTS``-th wallet. Commits need not be durable until all is there."""
    with servers.superuser(database) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("SET synchronous_commit = off")
        connection.execute(
            f"""
            CREATE TEMP TABLE head AS
            SELECT w.tenant_id, w.id AS wallet_id, w.user_id AS actor_id, w.number, w.gold, w.cash, w.hash,
                   now() - make_interval(secs => {entries + 60}) + make_interval(secs => n * 0.00001) AS created_at
              FROM generate_series({1 + part}, (SELECT count(*) FROM wallet_wallet), {_PARTS}) n
              JOIN wallet_wallet w ON w.tenant_id = %s AND w.id = ('{WALLET}' || {FIRST} + n)::uuid
             ORDER BY n
            """,
            [tenant_id(connection)],
        )
        connection.execute("CREATE TEMP TABLE tail (LIKE head)")
        statements = {kind["kind"]: _entry(kind, columns) for kind in (_OPENING, _BUY, _SELL)}
        for number in range(1, entries + 1):
            kind = _OPENING if number == 1 else _SELL if number % 5 == 0 else _BUY
            connection.execute(statements[kind["kind"]])
            connection.execute("TRUNCATE head")
            connection.execute("ALTER TABLE head RENAME TO spare; ALTER TABLE tail RENAME TO head")
            connection.execute("ALTER TABLE spare RENAME TO tail")
        connection.execute(
            "UPDATE wallet_wallet w SET number = h.number, gold = h.gold, cash = h.cash, hash = h.hash, "
            "updated_at = h.created_at FROM head h WHERE w.tenant_id = h.tenant_id AND w.id = h.wallet_id"
        )


def _entry(kind: dict[str, str], columns: list[str]) -> bytes:
    """Append an entry to every wallet in ``head``, and write what its wallet is then to ``tail``."""
    values = {**_ALWAYS, **(_TRADE if "buy" in kind["kind"] or "sell" in kind["kind"] else {}), **kind}
    values |= {"gold_after": f"gold + {kind['gold_delta']}", "cash_after": f"cash + {kind['cash_delta']}"}
    row = ", ".join(f"{values[name]} AS {name}" for name in columns)
    plain = ", ".join(name for name in columns if name != "hash")
    return f"""
        WITH made AS MATERIALIZED (SELECT {row} FROM head),
        hashed AS (
            SELECT {plain}, sha256(convert_to(wallet_ledger_canonical(
                       ROW({", ".join(f"made.{name}" for name in columns)})::wallet_ledger), 'UTF8')) AS hash
              FROM made
        ), entry AS (
            INSERT INTO wallet_ledger ({plain}, hash) SELECT {plain}, hash FROM hashed
            RETURNING tenant_id, wallet_id, number, gold_after, cash_after, hash, created_at
        )
        INSERT INTO tail (tenant_id, wallet_id, actor_id, number, gold, cash, hash, created_at)
        SELECT e.tenant_id, e.wallet_id, h.actor_id, e.number, e.gold_after, e.cash_after, e.hash, e.created_at
          FROM entry e JOIN head h ON h.wallet_id = e.wallet_id
        """.encode()
