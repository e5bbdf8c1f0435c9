"""Afterwards: is every buy that was answered in the ledger, and nothing else?"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from bench.load import SESSION, Sample
from bench.servers import ROOT, Servers, manage

_ROWS = """
SELECT split_part(idempotency_key, '.', 1) AS run, count(*) FROM wallet_ledger
 WHERE starts_with(idempotency_key, %s) GROUP BY 1
"""


@dataclass(slots=True)
class Outcome:
    """Buys over HTTP: how many were sent, surely confirmed, and are in the ledger; and what does not add up."""

    sent: int = 0
    confirmed: int = 0
    rows: int = 0
    problems: list[str] = field(default_factory=list)
    verified: str = ""

    def lines(self) -> list[str]:
        """For the terminal and the results."""
        return [
            f"Buys sent {self.sent:,}, confirmed {self.confirmed:,}, ledger rows {self.rows:,}: every confirmed buy is "
            "a row and every row was sent" + (", EXCEPT:" if self.problems else "."),
            *self.problems,
            f"verify_ledger: {self.verified}",
        ]


def reconcile(servers: Servers, *, database: str, samples: Iterable[Sample], tree: Path = ROOT) -> Outcome:
    """Compare the load generators' counts with the ledger, run by run, once nothing is under way any more.

    wrk ends with up to one request on each connection under way and does not wait for the answer: the server may still
    have done it. So a run of buys must have confirmed <= rows <= sent, where sent - confirmed is at most the number of
    connections. In a mix wrk does not say which answers were buys: there all that were sent are confirmed, but those
    that may be under way and the refused ones. pgbench finishes what it began: its count is exact.
    """
    with servers.superuser(database) as connection:
        rows: dict[str, int] = dict(connection.execute(_ROWS, [SESSION]).fetchall())
    outcome = Outcome()
    for sample in samples:
        posted = rows.pop(sample.run, 0)
        least, most = _bounds(sample)
        if not least <= posted <= most:
            outcome.problems.append(f"{sample.name} {sample.run}: {posted:,} rows, expected {least:,} to {most:,}")
        if sample.sent_buys:
            outcome.sent += sample.sent_buys
            outcome.confirmed += least
            outcome.rows += posted
    outcome.problems += [f"{count:,} rows of {run}, which nobody ran" for run, count in rows.items()]
    outcome.verified = manage(servers, database, "verify_ledger", tree=tree).strip()
    return outcome


def _bounds(sample: Sample) -> tuple[int, int]:
    """The least and the most entries that a run may have left."""
    if sample.name == "ours":
        return sample.answers, sample.answers
    if sample.name == "mix":
        return max(0, sample.sent_buys - sample.clients - sample.refused - sample.broken), sample.sent_buys
    if sample.name == "buys":
        return sample.answers - sample.refused, sample.sent_buys
    return 0, 0
