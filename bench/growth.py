"""``python -m bench.growth``: do reads and trades slow down as the ledger grows to ten million entries?

Each size has a database and a web server of its own, measured in turn. The databases are kept below ``var/bench`` for
the next time (``--fresh`` makes them anew, ``--drop`` removes them afterwards); trades of earlier times stay in them.
"""

import argparse
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial

from bench import history, load, machine, report
from bench.console import guarded, say
from bench.customers import Crowd
from bench.plan import Cell, find, ratio, rounds
from bench.reconcile import reconcile
from bench.servers import Servers, manage, running
from bench.website import Website, serving

MEASURED = ("wallet", "pages", "buys")
DRIVEN = 2000
"""Customers who read and trade, spread evenly over all."""


@dataclass(frozen=True, slots=True)
class Size:
    """A ledger of ``wallets`` times ``entries``; at least 25 entries each, so that a page is full everywhere."""

    name: str
    wallets: int
    entries: int

    @property
    def database(self) -> str:
        return f"aurix_growth_{self.wallets}x{self.entries}"

    @property
    def driven(self) -> range:
        """The customers who read and trade."""
        return range(1, self.wallets + 1, max(1, self.wallets // DRIVEN))


SIZES = {size.name: size for size in (Size("10k", 400, 25), Size("1m", 2000, 500), Size("10m", 20_000, 500))}


def main(arguments: Sequence[str]) -> int:
    """Measure and print; 1 when a ledger does not agree with the load generator."""
    options = _options(arguments)
    load.wrk_program()
    with running() as servers:
        return _measure(servers, options)


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench.growth", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", nargs="+", choices=list(SIZES), default=list(SIZES))
    parser.add_argument("--connections", nargs="+", type=int, default=[32], metavar="N")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--calm", action="store_true", help="make runs again that other programs disturbed")
    parser.add_argument("--fresh", action="store_true", help="make the databases anew")
    parser.add_argument("--drop", action="store_true", help="remove the databases afterwards")
    return parser.parse_args(arguments)


def _measure(servers: Servers, options: argparse.Namespace) -> int:
    sizes = [SIZES[name] for name in options.sizes]
    notes = [_prepare(servers, size, fresh=options.fresh) for size in sizes]
    crowds = {size.name: Crowd(servers, size.database, size.driven) for size in sizes}
    sites: dict[str, Website] = {}
    with ExitStack() as stack:
        for size in sizes:
            sites[size.name] = stack.enter_context(serving(servers, database=size.database))
        cells = [
            Cell(
                name,
                number,
                partial(load.wrk, sites[size.name], crowds[size.name], scenario=name, connections=number),
                variant=size.name,
            )
            for name in MEASURED
            for number in options.connections
            for size in sizes
        ]
        samples = list(
            rounds(
                cells,
                count=options.runs,
                seconds=options.seconds,
                meter=lambda cell: servers.meter(web=sites[cell.variant].pid),
                calm=options.calm,
                say=say,
            )
        )
    problems: list[str] = []
    for size in sizes:
        say(f"verifying {size.name}")
        own = [sample for sample in samples if sample.database == size.database]
        outcome = reconcile(servers, database=size.database, samples=own)
        problems += outcome.problems
        notes.append(f"{size.name}: {outcome.verified}")
        if options.drop:
            servers.drop_database(size.database)
    head = report.bullets(machine.conditions(servers))
    tables = [_table(cells, sizes, name, number) for name in MEASURED for number in options.connections]
    parts = [head, *tables, report.bullets([*notes, *problems])]
    say(f"kept in {report.publish(parts, cells, name='growth')}")
    return 1 if problems else 0


def _prepare(servers: Servers, size: Size, *, fresh: bool) -> str:
    """The database of a size, made if need be; says how long that took."""
    total = size.wallets * size.entries
    if servers.has_database(size.database) and not fresh:
        manage(servers, size.database, "prepare_database", "--verbosity=0")
        return f"{size.name}: {total:,} entries from an earlier time, and what was traded since"
    say(f"making {total:,} entries")
    servers.drop_database(size.database)
    draft = f"{size.database}_new"  # an interrupted one is not taken for whole
    servers.make_database(draft)
    began = time.monotonic()
    history.make(servers, database=draft, wallets=size.wallets, entries=size.entries)
    took = time.monotonic() - began
    servers.rename_database(draft, to=size.database)
    return f"{size.name}: {total:,} entries of {size.wallets:,} wallets made in {took:.0f} s"


def _table(cells: Sequence[Cell], sizes: Sequence[Size], name: str, number: int) -> str:
    first = find(cells, name, number, sizes[0].name)
    rows = [
        [
            size.name,
            report.figures(cell),
            f"{ratio(cell, first):.3f}",
            f"{ratio(cell, first, lambda sample: sample.p99_ms):.3f}",
            *report.cpu_figures(cell),
        ]
        for size in sizes
        if first and (cell := find(cells, name, number, size.name))
    ]
    title = f"{load.SCENARIOS[name]}, {number} connections, entries:"
    return report.table([title, "per second (p50 / p99 ms)", "rate", "p99", *report.CPU_COLUMNS], rows)


if __name__ == "__main__":
    guarded(main)
