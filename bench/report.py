"""Results as Markdown."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from bench import baseline, cpu, load
from bench.offered import Offer
from bench.plan import Cell, find, ratio
from bench.servers import DATA


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; nothing without rows."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) if rows else ""


def http(cells: Sequence[Cell]) -> str:
    """Requests a second with latencies, a column for each number of connections."""
    return _rates(cells, load.SCENARIOS, "requests/s (p50 / p99 ms) with connections:")


def pgbench(cells: Sequence[Cell]) -> str:
    """Transactions a second of PostgreSQL by itself."""
    return _rates(cells, baseline.SCRIPTS, "pgbench, transactions/s with clients:")


def ratios(cells: Sequence[Cell]) -> str:
    """Buys through the whole stack as shares of pgbench's trades, each round compared with itself."""
    buys = [cell for cell in cells if cell.name == "buys"]
    rows = [
        [f"{baseline.SCRIPTS[name]}, {to.clients} clients", *(f"{ratio(buy, to):.1%}" for buy in buys)]
        for name in ("one_call", "statements", "ours")
        for to in cells
        if to.name == name
    ]
    return table(["buys as a share of pgbench's, with connections:", *(str(cell.clients) for cell in buys)], rows)


CPU_COLUMNS = ("ms of processor time: web", "PostgreSQL", "Valkey", "load generator", "all", "others' share, at most")


def processors(cells: Sequence[Cell]) -> str:
    """Processor time a request, and how much of the machine others took meanwhile."""
    rows = [
        [f"{load.SCENARIOS[cell.name]}, {cell.clients} connections", *cpu_figures(cell)]
        for cell in cells
        if cell.name in load.SCENARIOS
    ]
    return table(["a request's", *CPU_COLUMNS], rows)


def cpu_figures(cell: Cell) -> list[str]:
    """For ``CPU_COLUMNS``."""
    times = [cell.cpu_ms(party) for party in (cpu.WEB, cpu.POSTGRES, cpu.VALKEY, cpu.GENERATOR)]
    others = max(spent.others for spent in cell.spent)
    return [*(f"{time:.3f}" for time in (*times, sum(times))), f"{others:.0%}"]


def offered(offer: Offer) -> str:
    """The open loop, in a sentence."""
    sample = offer.sample
    return (
        f"Open loop: {offer.rate:,.0f} buys/s offered (half of the rate at saturation with 32 connections), "
        f"{sample.rate:,.0f}/s answered: p50 {sample.p50_ms:.1f} ms, p99 {sample.p99_ms:.1f} ms, worst "
        f"{offer.worst_ms:.1f} ms from the moment each was due, {sample.refused + sample.broken} errors. "
        f"The generator was late by at most {offer.sent_late_ms:.1f} ms in 99 of 100 requests (counted in)."
    )


def bullets(lines: Sequence[str]) -> str:
    """A list."""
    return "\n".join(f"- {line}" for line in lines)


def publish(parts: Sequence[str], cells: Sequence[Cell], *, name: str) -> Path:
    """Print the parts, and keep them together with every single run; returns where."""
    text = "\n\n".join(part for part in parts if part)
    print(text, flush=True)
    path = DATA / f"{name}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.md"
    path.write_text(f"{text}\n", encoding="utf-8")
    runs = [
        {"variant": cell.variant, **asdict(sample), "cpu": asdict(spent)}
        for cell in cells
        for sample, spent in zip(cell.samples, cell.spent, strict=True)
    ]
    path.with_suffix(".json").write_text(json.dumps(runs, indent=1), encoding="utf-8")
    return path


def figures(cell: Cell | None) -> str:
    """Rate with p50 and p99, and errors if there were any."""
    if cell is None:
        return ""
    p50, p99 = cell.latency()
    latency = f" ({p50:.2f} / {p99:.2f})" if p50 else ""
    errors = f" **{cell.errors()} errors**" if cell.errors() else ""
    return f"{cell.rate():,.0f}{latency}{errors}"


def _rates(cells: Sequence[Cell], labels: dict[str, str], title: str) -> str:
    own = [cell for cell in cells if cell.name in labels]
    columns = sorted({cell.clients for cell in own})
    rows = [
        [label, *(figures(find(own, name, column)) for column in columns)]
        for name, label in labels.items()
        if any(cell.name == name for cell in own)
    ]
    return table([title, *map(str, columns)], rows)
