"""Appending to the ledger, and its canonical form.

``post`` and ``trade`` are the only ways in. The database's trigger numbers, dates, balances and
hashes the entry and moves the wallet.
"""

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection

from aurix import context, money, statements
from aurix.actor import Actor
from aurix.ids import uuid7
from wallet.entries import ENTRY_COLUMNS, Entry
from wallet.markets import Market

FORMAT = "aurix-ledger-1"
GENESIS = bytes(32)
"""The hash before a wallet's first entry."""

_POST = f"""
SELECT {ENTRY_COLUMNS} FROM wallet_post(
    %s::uuid, %s::uuid, %s::uuid, %s::uuid, %s, %s, %s, %s, %s, %s, %s, %s, %s::uuid, %s)
"""  # noqa: S608  composed of a constant


_TRADE = """
SELECT number, gold_after, cash_after, created_at
  FROM wallet_trade(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""


@dataclass(frozen=True, slots=True)
class Posting:
    """What to append: deltas in grams and cents, gross and fee in cents, the customer's price for a trade."""

    kind: str
    gold_delta: Decimal
    cash_delta: int
    gross: int
    fee: int = 0
    price: Decimal | None = None


def post(
    posting: Posting,
    *,
    tenant_id: UUID,
    wallet_id: UUID,
    actor_id: UUID | None,
    key: str | None = None,
    fingerprint: bytes | None = None,
    then: str = "",
) -> Entry:
    """Append an entry and its outbox event, and move the wallet: one round trip, in the caller's transaction.

    The caller holds the wallet's lock. ``then`` is ``action.COMMIT`` where this is the transaction's last word.
    Raises: IntegrityError when a rule of the ledger would be broken, which means that a policy before it has failed to
    say so.
    """
    identity = (tenant_id, wallet_id, uuid7(), uuid7())
    movement = (posting.kind, posting.gold_delta, posting.cash_delta, posting.price, posting.gross, posting.fee)
    request = (key, fingerprint, actor_id, context.request_id())
    with connection.cursor() as cursor:
        cursor.execute(_POST + then, identity + movement + request)
        return Entry(*cursor.fetchone())


def trade(posting: Posting, *, by: Actor, market: Market, key: str, fingerprint: bytes) -> Entry | None:
    """Lock the actor's wallet, check, append the entry and its outbox event, and commit: one round trip in all.

    Only if ``market`` is in force, the actor welcome, the wallet open and rich enough, and the key new; otherwise None,
    and nothing was done. It is its own transaction.
    """
    entry_id = uuid7()
    number, gold_after, cash_after, created_at = statements.row(
        _TRADE,
        (
            *(by.tenant_id, by.user_id, by.session_id, posting.kind, key, fingerprint, context.request_id()),
            *(market.price_id, market.terms_version, entry_id, uuid7()),
            *(posting.gold_delta, posting.cash_delta, posting.price, posting.gross, posting.fee),
        ),
    )
    if number is None:
        return None
    moved = (posting.gold_delta, posting.cash_delta, posting.price, posting.gross, posting.fee)
    return Entry(entry_id, posting.kind, number, *moved, gold_after, cash_after, created_at)


CANONICAL_COLUMNS = (
    "tenant_id",
    "wallet_id",
    "number",
    "id",
    "kind",
    "gold_delta",
    "cash_delta",
    "price",
    "reference_price",
    "gross",
    "fee",
    "spread",
    "gold_after",
    "cash_after",
    "quote_id",
    "idempotency_key",
    "fingerprint",
    "actor_id",
    "request_id",
    "created_at",
    "previous_hash",
)
"""What is hashed, in this order, after the format's name."""


def canonical(entry: dict[str, Any]) -> bytes:
    """The canonical form of an entry: a JSON array of strings and nulls (see docs/ledger.md)."""
    parts = [FORMAT, *(_canonical_text(entry[column]) for column in CANONICAL_COLUMNS)]
    return json.dumps(parts, ensure_ascii=False).encode()


def digest(entry: dict[str, Any]) -> bytes:
    """The hash that an entry with these values must have."""
    return hashlib.sha256(canonical(entry)).digest()


def _canonical_text(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, Decimal):
        return money.format_grams(value)
    if isinstance(value, bytes | memoryview):
        return bytes(value).hex()
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return str(value)
