"""What a reader sees of a ledger entry. Writing one is the ledger's."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Entry:
    """A ledger entry as a reader sees it: grams as Decimal, money in cents."""

    id: UUID
    kind: str
    number: int
    gold_delta: Decimal
    cash_delta: int
    price: Decimal | None
    gross: int
    fee: int
    gold_after: Decimal
    cash_after: int
    created_at: datetime


ENTRY_COLUMNS = ", ".join(Entry.__dataclass_fields__)
"""The columns of ``wallet_ledger`` that make an Entry, in its order."""
