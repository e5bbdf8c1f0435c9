"""``python -m bench.bell``: what waking the relay costs a trade, in one interleaved run while a relay works.

``silent`` is the outbox without its trigger, ``bell`` as shipped, ``notify`` a trigger that notifies with every commit.
Trades are pgbench doing our own calls (``sql/ours.sql``): nothing else dilutes the difference.
"""

import argparse
import statistics
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from bench import baseline, customers
from bench.console import guarded, say
from bench.servers import ROOT, Servers, running

DATABASE = "aurix_bell"
ALWAYS = """
CREATE OR REPLACE FUNCTION bench_notify() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN PERFORM pg_notify('aurix_outbox', ''); RETURN NULL; END $$;
DROP TRIGGER IF EXISTS bench_notify ON aurix_outbox;
CREATE TRIGGER bench_notify AFTER INSERT ON aurix_outbox FOR EACH STATEMENT EXECUTE FUNCTION bench_notify();
"""
VARIANTS = {"silent": ("DISABLE", "DISABLE"), "bell": ("ENABLE", "DISABLE"), "notify": ("DISABLE", "ENABLE")}


def main(arguments: Sequence[str]) -> int:
    """Measure and print medians of transactions a second."""
    parser = argparse.ArgumentParser(prog="python -m bench.bell", description=__doc__)
    parser.add_argument("--clients", nargs="+", type=int, default=[8, 32], metavar="N")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4)
    options = parser.parse_args(arguments)
    with running() as servers:
        servers.make_database(DATABASE)
        crowd = customers.make(servers, database=DATABASE, count=1000, trades=1)
        with servers.superuser(DATABASE) as connection:
            connection.execute(ALWAYS)
        with _relay(servers):
            for clients in options.clients:
                _measure(crowd, clients, options.rounds, options.seconds)
    return 0


def _measure(crowd: customers.Crowd, clients: int, rounds: int, seconds: float) -> None:
    found: dict[str, list[float]] = {name: [] for name in VARIANTS}
    for number in range(rounds):
        names = list(VARIANTS)
        for name in names if number % 2 else reversed(names):
            ring, notify = VARIANTS[name]
            with crowd.servers.superuser(DATABASE) as connection:
                connection.execute(f"ALTER TABLE aurix_outbox {ring} TRIGGER ring, {notify} TRIGGER bench_notify")
            found[name].append(baseline.pgbench(crowd, script="ours", clients=clients, seconds=seconds).rate)
    for name, rates in found.items():
        middle = statistics.median(rates)
        share = middle / statistics.median(found["silent"])
        say(f"{clients} clients, {name}: {middle:,.0f}/s ({share:.3f}); " + " ".join(f"{rate:,.0f}" for rate in rates))


@contextmanager
def _relay(servers: Servers) -> Iterator[None]:
    environment = {**servers.environment(DATABASE), "EVENT_TARGETS": "redis", "LOG_LEVEL": "ERROR"}
    process = subprocess.Popen([sys.executable, "manage.py", "relay"], cwd=ROOT, env=environment)
    try:
        yield
    finally:
        process.terminate()
        process.wait(timeout=60)


if __name__ == "__main__":
    guarded(main)
