"""What a reader sees of a ledger entry. Writing one is the ledger's."""

from datetime import datetime
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID


class Entry(NamedTuple):
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


ENTRY_COLUMNS = ", ".join(Entry.__annotations__)
"""The columns of ``wallet_ledger`` that make an Entry, in its order."""
