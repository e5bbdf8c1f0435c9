"""Walking the ledger: every wallet's chain, entry by entry. It reports and repairs nothing."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any
from uuid import UUID

from django.db import connection

from wallet import ledger
from wallet.ledger import CANONICAL_COLUMNS

BATCH = 5000

_ENTRIES = f"""
SELECT {", ".join(CANONICAL_COLUMNS)}, hash FROM wallet_ledger
 WHERE %(tenant)s::uuid IS NULL OR tenant_id = %(tenant)s
 ORDER BY tenant_id, wallet_id, number
"""  # noqa: S608  composed of a constant
_WALLETS = """
SELECT tenant_id, id, number, gold, cash, hash FROM wallet_wallet
 WHERE %(tenant)s::uuid IS NULL OR tenant_id = %(tenant)s
 ORDER BY tenant_id, id
"""
_HOLDS = """
SELECT w.tenant_id, w.id, w.held, coalesce(sum(p.cents), 0)
  FROM wallet_wallet w
  LEFT JOIN wallet_withdrawal p ON p.tenant_id = w.tenant_id AND p.wallet_id = w.id
   AND p.status IN ('requested', 'approved', 'exported')
 WHERE %(tenant)s::uuid IS NULL OR w.tenant_id = %(tenant)s
 GROUP BY w.tenant_id, w.id
HAVING w.held <> coalesce(sum(p.cents), 0)
"""
_TRANSIT = """
WITH ledger AS (
    SELECT tenant_id, -sum(gold_delta) AS gold FROM wallet_ledger
     WHERE kind = 'transfer' AND (%(tenant)s::uuid IS NULL OR tenant_id = %(tenant)s) GROUP BY tenant_id
), transfers AS (
    SELECT tenant_id, sum(gold) AS gold FROM wallet_transfer
     WHERE status = 'pending' AND (%(tenant)s::uuid IS NULL OR tenant_id = %(tenant)s) GROUP BY tenant_id
)
SELECT tenant_id, coalesce(l.gold, 0), coalesce(t.gold, 0)
  FROM ledger l FULL JOIN transfers t USING (tenant_id)
 WHERE coalesce(l.gold, 0) <> coalesce(t.gold, 0)
"""
_JOURNAL = """
SELECT asset, sum(amount) FROM journal WHERE %(tenant)s::uuid IS NULL OR tenant_id = %(tenant)s
 GROUP BY asset HAVING sum(amount) <> 0
"""


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """What is wrong, and where it was first seen. ``number`` is the entry's, 0 for the wallet's row as a whole."""

    tenant_id: UUID | None
    wallet_id: UUID | None
    number: int
    what: str


@dataclass(slots=True)
class Report:
    """What a walk has seen."""

    wallets: int
    entries: int
    discrepancies: list[Discrepancy]


def verify(*, tenant_id: UUID | None = None) -> Report:
    """Walk all chains of a tenant, or of all, in one snapshot and flat memory.

    Names for each wallet the first broken entry. The caller is in a scope that sees these rows, in a transaction
    with REPEATABLE READ, so that wallets and entries are of one moment.
    """
    report = Report(wallets=0, entries=0, discrepancies=[])
    entries = _rows(_ENTRIES, tenant_id, (*CANONICAL_COLUMNS, "hash"))
    chains = groupby(entries, itemgetter("tenant_id", "wallet_id"))
    chain = next(chains, None)
    for wallet in _rows(_WALLETS, tenant_id, ("tenant_id", "id", "number", "gold", "cash", "hash")):
        key = (wallet["tenant_id"], wallet["id"])
        while chain and chain[0] < key:
            report.discrepancies.append(_orphan(chain[0]))
            chain = next(chains, None)
        own = chain[1] if chain and chain[0] == key else iter(())
        broken, count = _walk(wallet, own)
        report.wallets += 1
        report.entries += count
        report.discrepancies += broken
        if chain and chain[0] == key:
            chain = next(chains, None)
    while chain:
        report.discrepancies.append(_orphan(chain[0]))
        chain = next(chains, None)
    report.discrepancies += _holds(tenant_id)
    report.discrepancies += _transit(tenant_id)
    report.discrepancies += _journal(tenant_id)
    return report


def _orphan(key: tuple[UUID, UUID]) -> Discrepancy:
    # The foreign key makes this impossible, short of tampering with the keys switched off.
    return Discrepancy(*key, 1, "the entries' wallet does not exist")


def _walk(wallet: dict[str, Any], entries: Iterator[dict[str, Any]]) -> tuple[list[Discrepancy], int]:
    """The first thing that is wrong with a wallet, if any, and how many entries it has."""
    head: dict[str, Any] = {"number": 0, "gold_after": 0, "cash_after": 0, "hash": ledger.GENESIS}
    broken: list[Discrepancy] = []
    count = 0
    for entry in entries:
        count += 1
        if not broken and (what := _fault(head, entry)):
            broken.append(Discrepancy(wallet["tenant_id"], wallet["id"], entry["number"], what))
        head = entry
    ends = (head["number"], head["gold_after"], head["cash_after"], bytes(head["hash"]))
    if not broken and ends != (wallet["number"], wallet["gold"], wallet["cash"], bytes(wallet["hash"])):
        cut = head["number"] < wallet["number"]
        what = "is missing" if cut else "the wallet's row does not equal its last entry"
        broken.append(Discrepancy(wallet["tenant_id"], wallet["id"], head["number"] + cut, what))
    return broken, count


def _fault(head: dict[str, Any], entry: dict[str, Any]) -> str:
    """Why ``entry`` does not follow ``head``, or nothing."""
    if entry["number"] != head["number"] + 1:
        return f"number {entry['number']} follows {head['number']}"
    if bytes(entry["previous_hash"]) != bytes(head["hash"]):
        return "its previous hash is not the hash of the entry before"
    if bytes(entry["hash"]) != ledger.digest(entry):
        return "its hash does not match what it says"
    if entry["gold_after"] != head["gold_after"] + entry["gold_delta"]:
        return "its gold balance is not the one before plus its grams"
    if entry["cash_after"] != head["cash_after"] + entry["cash_delta"]:
        return "its cash balance is not the one before plus its cents"
    return ""


def _holds(tenant_id: UUID | None) -> list[Discrepancy]:
    with connection.cursor() as cursor:
        cursor.execute(_HOLDS, {"tenant": tenant_id})
        return [
            Discrepancy(tenant, wallet, 0, f"{held} cents are held, for withdrawals of {expected}")
            for tenant, wallet, held, expected in cursor.fetchall()
        ]


def _transit(tenant_id: UUID | None) -> list[Discrepancy]:
    with connection.cursor() as cursor:
        cursor.execute(_TRANSIT, {"tenant": tenant_id})
        return [
            Discrepancy(tenant, None, 0, f"{gold} g are on their way, for transfers of {expected} g")
            for tenant, gold, expected in cursor.fetchall()
        ]


def _journal(tenant_id: UUID | None) -> list[Discrepancy]:
    with connection.cursor() as cursor:
        cursor.execute(_JOURNAL, {"tenant": tenant_id})
        return [
            Discrepancy(tenant_id, None, 0, f"the journal does not sum to zero: {asset} {total}")
            for asset, total in cursor.fetchall()
        ]


def _rows(query: str, tenant_id: UUID | None, columns: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    """Rows through a server-side cursor: flat memory at any length."""
    with connection.chunked_cursor() as cursor:
        cursor.execute(query, {"tenant": tenant_id})
        while batch := cursor.fetchmany(BATCH):
            for row in batch:
                yield dict(zip(columns, row, strict=True))
