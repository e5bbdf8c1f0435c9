"""Everything that locks: the only place with ``select_for_update``. A trade locks its own wallet and nothing else."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeVar
from uuid import UUID

from django.db import connection
from django.db.models import Model, QuerySet

from aurix import standing
from aurix.action import BEGIN
from aurix.actor import Actor
from aurix.errors import NotFound
from wallet.errors import PriceUnavailable
from wallet.markets import Market
from wallet.models import Wallet
from wallet.pricing import Fees, Side

_DESK = """
SELECT standing, wallet_id, gold, cash, held, frozen_reason, replayed_id, price_id, price, terms_version, min_fee_cents,
       buy_fee_rate, sell_fee_rate
  FROM wallet_desk(%s, %s, %s, %s, %s)
"""
_PRICE_LOCK = 7_235_110_002
_ONCE = 7_235_110_003

R = TypeVar("R", bound=Model)


@dataclass(frozen=True, slots=True)
class Desk:
    """A locked wallet with all that a trade depends on, as of after the lock. ``available`` cents may be spent."""

    wallet_id: UUID
    gold: Decimal
    available: int
    frozen_reason: str
    replayed_id: UUID | None
    market: Market


def trading_desk(*, actor: Actor, side: Side, key: str) -> Desk:
    """Begin, enter the actor's tenant, lock the wallet for a trade, and check the actor's standing: one round trip.

    Raises: TokenRevoked, AccountDisabled, TenantInactive, Unauthorized, NotFound (no wallet), PriceUnavailable.
    """
    with connection.cursor() as cursor:
        cursor.execute(BEGIN + _DESK, [actor.tenant_id, actor.user_id, actor.session_id, side, key])
        cursor.nextset()
        state, wallet_id, gold, cash, held, frozen, replayed, *market = cursor.fetchone()
    standing.check(state)
    if wallet_id is None:
        raise NotFound("This account has no wallet.")
    price_id, price, version, minimum, *rates = market
    if price_id is None and replayed is None:
        raise PriceUnavailable
    seen = Market(price_id, price, version, *(Fees(rate=rate, minimum=minimum) for rate in rates))
    return Desk(wallet_id, gold, cash - held, frozen, replayed, seen)


def price_history() -> None:
    """Let one transaction at a time set the price, so that ids, times and commits have the same order."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_PRICE_LOCK])


def own_wallet(*, actor: Actor) -> Wallet:
    """The actor's wallet, locked, and the actor's standing checked after that; inside the tenant's scope.

    Raises: TokenRevoked, AccountDisabled, TenantInactive, Unauthorized, NotFound.
    """
    return own_wallet_and(actor=actor, others=())[0]


def own_wallet_and(*, actor: Actor, others: Iterable[UUID]) -> tuple[Wallet, dict[UUID, Wallet]]:
    """The same together with other wallets of the tenant, which come by their ids, all locked in their order."""
    own = Wallet.objects.filter(tenant_id=actor.tenant_id, user_id=actor.user_id).values_list("id", flat=True).first()
    if own is None:
        raise NotFound("This account has no wallet.")
    found = wallets(tenant_id=actor.tenant_id, wallet_ids={own, *others})
    with connection.cursor() as cursor:
        cursor.execute("SELECT actor_standing(%s, %s, %s)", [actor.tenant_id, actor.user_id, actor.session_id])
        (state,) = cursor.fetchone()
    standing.check(state)
    return found[own], found


def wallets(*, tenant_id: UUID, wallet_ids: Iterable[UUID]) -> dict[UUID, Wallet]:
    """Wallets by their ids, locked in the order of their keys. Those that do not exist are left out."""
    rows = Wallet.objects.filter(tenant_id=tenant_id, id__in=set(wallet_ids))
    return {row.id: row for row in rows.order_by("id").select_for_update(of=("self",))}


def wallet(*, tenant_id: UUID, wallet_id: UUID) -> Wallet:
    """One wallet, locked. Raises: NotFound."""
    return _only(Wallet.objects.filter(tenant_id=tenant_id, id=wallet_id))


def locked(rows: QuerySet[R]) -> R:
    """The one row that ``rows`` finds, locked. What has a wallet is locked after its wallet, bank lines before it.

    Raises: NotFound.
    """
    return _only(rows)


def all_locked(rows: QuerySet[R], *, most: int) -> list[R]:
    """The first ``most`` rows that ``rows`` finds, locked in the order of their ids."""
    return list(rows.order_by("id").select_for_update(of=("self",))[:most])


def once(*, tenant_id: UUID, subject: str) -> None:
    """Let one transaction at a time do what ``subject`` names, in a tenant."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, %s))", [f"{tenant_id}/{subject}", _ONCE])


def _only(rows: QuerySet[R]) -> R:
    row = rows.select_for_update(of=("self",)).first()
    if row is None:
        raise NotFound
    return row
