"""``python -m bench``: trades and reads over HTTP, beside pgbench doing the same writes on the same server."""

import argparse
from collections.abc import Sequence
from functools import partial

from bench import baseline, customers, load, machine, offered, report
from bench.console import guarded, say
from bench.load import Sample
from bench.offered import Offer
from bench.plan import Cell, find, rounds
from bench.reconcile import reconcile
from bench.servers import Servers, running
from bench.website import Website, check_limits, serving

DATABASE = "aurix_bench"
OFFERED = "offered"
CELLS = [*load.SCENARIOS, *baseline.SCRIPTS, OFFERED]


def main(arguments: Sequence[str]) -> int:
    """Measure and print; 1 when the ledger does not agree with the load generator."""
    options = _options(arguments)
    load.wrk_program()
    with running() as servers:
        return _measure(servers, options)


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=CELLS, default=CELLS, metavar="CELL", help=", ".join(CELLS))
    parser.add_argument("--connections", nargs="+", type=int, default=[1, 32, 128], metavar="N")
    parser.add_argument("--clients", nargs="+", type=int, default=[8, 32], metavar="N", help="of pgbench")
    parser.add_argument("--runs", type=int, default=3, help="rounds; the figures are medians over them")
    parser.add_argument("--seconds", type=float, default=6, help="of each run")
    parser.add_argument("--calm", action="store_true", help="make runs again that other programs disturbed")
    parser.add_argument("--customers", type=int, default=2000)
    return parser.parse_args(arguments)


def _measure(servers: Servers, options: argparse.Namespace) -> int:
    say(f"preparing {options.customers:,} customers")
    servers.make_database(DATABASE)
    crowd = customers.make(servers, database=DATABASE, count=options.customers, trades=25)
    baseline.prepare(servers, database=DATABASE)
    conditions = machine.conditions(servers)
    with serving(servers, database=DATABASE) as site:
        conditions += [check_limits(site, token=crowd.token), f"log as shipped, to {site.log.name}"]
        cells = _cells(site, crowd, options)
        samples = list(
            rounds(
                cells,
                count=options.runs,
                seconds=options.seconds,
                meter=lambda _: servers.meter(web=site.pid),
                calm=options.calm,
                say=say,
            )
        )
        offer = _offer(site, crowd, cells, options, samples)
    say("reconciling")
    outcome = reconcile(servers, database=DATABASE, samples=samples)
    tables = [draw(cells) for draw in (report.http, report.pgbench, report.ratios, report.processors)]
    opened = [report.offered(offer)] if offer else []
    parts = [report.bullets(conditions), *tables, *opened, report.bullets(outcome.lines())]
    say(f"kept in {report.publish(parts, cells, name='bench')}")
    return 1 if outcome.problems else 0


def _cells(site: Website, crowd: customers.Crowd, options: argparse.Namespace) -> list[Cell]:
    over_http = [
        Cell(name, number, partial(load.wrk, site, crowd, scenario=name, connections=number))
        for name in load.SCENARIOS
        if name in options.only
        for number in options.connections
    ]
    by_itself = [
        Cell(name, number, partial(baseline.pgbench, crowd, script=name, clients=number), settles=False)
        for name in baseline.SCRIPTS
        if name in options.only
        for number in options.clients
    ]
    return over_http + by_itself


def _offer(
    site: Website, crowd: customers.Crowd, cells: list[Cell], options: argparse.Namespace, samples: list[Sample]
) -> Offer | None:
    """Half of what was possible with 32 connections, on schedule."""
    saturated = find(cells, "buys", 32)
    if OFFERED not in options.only or saturated is None:
        return None
    rate = saturated.rate() / 2
    say(f"offering {rate:,.0f} buys/s, half of the most")
    offer = offered.buys(site, crowd, rate=rate, seconds=2 * options.seconds)
    samples.append(offer.sample)
    return offer


if __name__ == "__main__":
    guarded(main)
