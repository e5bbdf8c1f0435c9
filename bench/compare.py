"""``python -m bench.compare``: variants of the system against each other, in one interleaved run.

A variant is a comma-separated list of settings, with ``tree=FOLDER`` for code from another folder, such as a checkout
of an earlier commit; ``shipped`` is this code as it is. The first variant is what the others are compared with:

    python -m bench.compare shipped WEB_THREADS=1 tree=../before,WEB_THREADS=1 --only buys wallet --connections 32

All variants of one tree share a database; every variant has a web server of its own, which idles but for its turns.
"""

import argparse
from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from bench import customers, load, report
from bench.console import guarded, say
from bench.customers import Crowd
from bench.plan import Cell, find, ratio, rounds
from bench.reconcile import reconcile
from bench.servers import ROOT, MeasurementError, Servers, running
from bench.website import Website, serving

SHIPPED = "shipped"


def main(arguments: Sequence[str]) -> int:
    """Measure and print; 1 when a ledger does not agree with the load generator."""
    options = _options(arguments)
    load.wrk_program()
    with running() as servers:
        return _measure(servers, options)


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench.compare", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("variants", nargs="+", metavar="VARIANT")
    parser.add_argument("--only", nargs="+", choices=list(load.SCENARIOS), default=["buys"], metavar="SCENARIO")
    parser.add_argument("--connections", nargs="+", type=int, default=[32], metavar="N")
    parser.add_argument("--runs", type=int, default=8, help="rounds: many short ones, since the machine drifts")
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--calm", action="store_true", help="make runs again that other programs disturbed")
    return parser.parse_args(arguments)


def _measure(servers: Servers, options: argparse.Namespace) -> int:
    databases: dict[Path, Crowd] = {}
    sites: dict[str, Website] = {}
    cells: list[Cell] = []
    with ExitStack() as stack:
        for number, variant in enumerate(options.variants):
            tree, settings = _parsed(variant)
            if tree not in databases:
                say(f"preparing a database for {tree}")
                databases[tree] = _database(servers, f"aurix_compare_{len(databases)}", tree)
            crowd = databases[tree]
            site = serving(servers, database=crowd.database, name=f"variant-{number}", tree=tree, settings=settings)
            sites[variant] = stack.enter_context(site)
            cells += [
                Cell(name, count, partial(load.wrk, sites[variant], crowd, scenario=name, connections=count), variant)
                for name in options.only
                for count in options.connections
            ]
        cells.sort(key=lambda cell: (options.only.index(cell.name), cell.clients))  # a cell's variants in a row
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
    for crowd in databases.values():
        own = [sample for sample in samples if sample.database == crowd.database]
        outcome = reconcile(servers, database=crowd.database, samples=own, tree=crowd.tree)
        problems += outcome.problems
        servers.drop_database(crowd.database)
    parts = [_table(cells, options, name, count) for name in options.only for count in options.connections]
    say(f"kept in {report.publish([*parts, report.bullets(problems)], cells, name='compare')}")
    return 1 if problems else 0


def _parsed(variant: str) -> tuple[Path, dict[str, str]]:
    """The folder of the code, and the settings. Raises: MeasurementError."""
    words = [] if variant == SHIPPED else variant.split(",")
    if wrong := [word for word in words if "=" not in word]:
        raise MeasurementError(f"{wrong[0]!r} is not {SHIPPED}, tree=FOLDER or SETTING=VALUE.")
    settings = dict(word.split("=", 1) for word in words)
    tree = Path(settings.pop("tree", ROOT)).resolve()
    if not (tree / "manage.py").is_file():
        raise MeasurementError(f"{tree} is not a tree of Aurix.")
    return tree, settings


def _database(servers: Servers, name: str, tree: Path) -> Crowd:
    servers.make_database(name, tree=tree)
    return customers.make(servers, database=name, count=2000, trades=25, tree=tree)


def _table(cells: Sequence[Cell], options: argparse.Namespace, name: str, count: int) -> str:
    first = find(cells, name, count, options.variants[0])
    rows = [
        [cell.variant, report.figures(cell), f"{ratio(cell, first):.3f}", *report.cpu_figures(cell)]
        for variant in options.variants
        if first and (cell := find(cells, name, count, variant))
    ]
    head = [f"{name}, {count} connections", "per second (p50 / p99 ms)", "ratio", *report.CPU_COLUMNS]
    return report.table(head, rows)


if __name__ == "__main__":
    guarded(main)
