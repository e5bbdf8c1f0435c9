"""Reads of transfers: the sender's own, and those to the reader's address."""

import hmac
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.db.models import Q, QuerySet

from aurix import emails, tenancy
from aurix.actor import Actor
from aurix.errors import NotFound
from wallet.models import Transfer, Wallet


@dataclass(frozen=True, slots=True)
class Seen:
    """A transfer as one of its two sides sees it."""

    transfer: Transfer
    incoming: bool


def page(actor: Actor, *, before: UUID, most: int) -> list[Seen]:
    """At most ``most`` transfers with ids below ``before``, newest first: sent ones, and those to the actor's address.

    Of the latter those that can be accepted or have been; what expired or was taken back was never the actor's.
    """
    with tenancy.tenant_scope(actor.tenant_id):
        own = _own_wallet(actor)
        rows = Transfer.objects.filter(tenant_id=actor.tenant_id, id__lt=before)
        rows = rows.filter(Q(wallet_id=own) | Q(receiver_wallet_id=own) | _to(actor, Q(status="pending", hidden=False)))
        return [Seen(row, incoming=row.wallet_id != own) for row in rows.order_by("-id")[:most]]


def one(actor: Actor, *, transfer_id: UUID) -> Seen:
    """One of these, the hidden ones included. Raises: NotFound."""
    with tenancy.tenant_scope(actor.tenant_id):
        own = _own_wallet(actor)
        rows = Transfer.objects.filter(tenant_id=actor.tenant_id, id=transfer_id)
        row = rows.filter(Q(wallet_id=own) | Q(receiver_wallet_id=own) | _to(actor, Q(status="pending"))).first()
    if row is None:
        raise NotFound
    return Seen(row, incoming=row.wallet_id != own)


def to_actor(actor: Actor, rows: QuerySet[Transfer]) -> Transfer:
    """The one of ``rows`` that is to the actor's address, whatever became of it; inside the tenant's scope.

    Raises: NotFound.
    """
    row = rows.filter(_to(actor, Q())).first()
    if row is None:
        raise NotFound
    return row


def own_address(actor: Actor) -> tuple[bytes, datetime]:
    """The actor's address as transfers know it, and since when it is the actor's; inside the tenant's scope.

    Raises: NotFound for a closed account.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT email, since FROM actor_address(%s, %s)", [actor.tenant_id, actor.user_id])
        email, since = cursor.fetchone() or (None, None)
    if email is None or since is None:
        raise NotFound
    return _hash(actor.tenant_id, email), since


def address(*, tenant_id: UUID, email: str) -> bytes:
    """An address as transfers know it: 32 bytes that depend on the installation's secret."""
    return _hash(tenant_id, emails.folded(email=email))


def _to(actor: Actor, condition: Q) -> Q:
    """Transfers to the actor's address, but for those that are older than the account.

    Whoever registers an address has not shown that it is his; gold that was sent before is not for the taking.
    """
    mine, since = own_address(actor)
    return Q(receiver=mine, created_at__gte=since) & condition


def _own_wallet(actor: Actor) -> UUID | None:
    rows = Wallet.objects.filter(tenant_id=actor.tenant_id, user_id=actor.user_id)
    return rows.values_list("id", flat=True).first()


def _hash(tenant_id: UUID, folded: str) -> bytes:
    key = f"transfers/{settings.SECRET_KEY}".encode()
    return hmac.digest(key, f"{tenant_id}/{folded}".encode(), "sha256")
