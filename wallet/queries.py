"""Reads of wallets, ledger and prices that the API and other apps use."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

from django.db import connection

from aurix import standing, statements, tenancy
from aurix.actor import Actor
from aurix.errors import NotFound
from wallet.entries import ENTRY_COLUMNS, Entry
from wallet.models import GoldPrice

LAST_NUMBER = 2**63 - 1
BATCH = 1000
"""Entries that are read at a time where all are wanted."""
EARLIEST = datetime.min.replace(tzinfo=UTC)
LATEST = datetime.max.replace(tzinfo=UTC)

_VIEW = "SELECT standing, wallet_id, gold, cash, held, updated_at, price FROM wallet_view(%s, %s, %s)"
# Composed of a constant: the columns of an Entry.
_PAGE = f"SELECT standing, {ENTRY_COLUMNS} FROM wallet_page(%s, %s, %s, %s, %s, %s, %s, %s)"  # noqa: S608
_WITH_FINGERPRINT = f"SELECT fingerprint, {ENTRY_COLUMNS} FROM wallet_ledger WHERE tenant_id = %s AND id = %s"  # noqa: S608
_OWN_ENTRY = f"""
SELECT {ENTRY_COLUMNS} FROM wallet_ledger
 WHERE tenant_id = %s AND id = %s
   AND wallet_id = (SELECT id FROM wallet_wallet WHERE tenant_id = %s AND user_id = %s)
"""  # noqa: S608


@dataclass(frozen=True, slots=True)
class WalletView:
    """A wallet as its owner sees it: grams, cents, and the price in euros per gram (None before the first one).

    ``held`` is the part of ``cash`` that withdrawals under way have set aside.
    """

    id: UUID
    gold: Decimal
    cash: int
    held: int
    updated_at: datetime
    price: Decimal | None


def wallet_of(actor: Actor) -> WalletView:
    """The actor's wallet, in one round trip.

    Raises: TokenRevoked, AccountDisabled, TenantInactive, Unauthorized, NotFound.
    """
    state, wallet_id, *rest = statements.row(_VIEW, (actor.tenant_id, actor.user_id, actor.session_id))
    standing.check(state)
    if wallet_id is None:
        raise NotFound("This account has no wallet.")
    return WalletView(wallet_id, *rest)


def entries(
    actor: Actor,
    *,
    before: int = LAST_NUMBER,
    most: int,
    kind: str | None = None,
    since: datetime = EARLIEST,
    until: datetime = LATEST,
) -> list[Entry]:
    """At most ``most`` entries of the actor's wallet with a number below ``before``, newest first, in one round trip.

    ``since`` is included, ``until`` is not. Without ``kind`` the opening entry is left out.
    Raises: TokenRevoked, AccountDisabled, TenantInactive, Unauthorized.
    """
    rows = statements.rows(_PAGE, (actor.tenant_id, actor.user_id, actor.session_id, before, most, kind, since, until))
    if rows:
        standing.check(rows[0][0])
    return [Entry(*row[1:]) for row in rows]


def all_entries(actor: Actor, *, kind: str | None, since: datetime, until: datetime) -> Iterator[Entry]:
    """Every entry that ``entries`` would page through, in constant memory and without a long transaction."""
    before = LAST_NUMBER
    while batch := entries(actor, before=before, most=BATCH, kind=kind, since=since, until=until):
        yield from batch
        before = batch[-1].number


def entry(actor: Actor, *, entry_id: UUID) -> Entry:
    """One entry of the actor's own wallet. Raises: NotFound. The caller has checked the actor's standing."""
    with tenancy.tenant_scope(actor.tenant_id), connection.cursor() as cursor:
        cursor.execute(
            _OWN_ENTRY,
            [actor.tenant_id, entry_id, actor.tenant_id, actor.user_id],
        )
        row = cursor.fetchone()
    if row is None:
        raise NotFound
    return Entry(*row)


def entry_with_fingerprint(tenant_id: UUID, entry_id: UUID) -> tuple[Entry, bytes]:
    """An entry that was made with an idempotency key, and the fingerprint of that request; inside a tenant's scope."""
    with connection.cursor() as cursor:
        cursor.execute(_WITH_FINGERPRINT, [tenant_id, entry_id])
        fingerprint, *columns = cursor.fetchone()
    return Entry(*columns), bytes(fingerprint)


def current_price() -> GoldPrice | None:
    """The price in force, None before the first one."""
    return GoldPrice.objects.order_by("-id").first()
