"""Reads of deposits, withdrawals, bank accounts, bank lines and payment files."""

from typing import TypeVar
from uuid import UUID

from django.db.models import Model, QuerySet

from aurix import tenancy
from aurix.actor import Actor
from aurix.errors import NotFound
from tenants import queries as tenants
from tenants.queries import SettlementAccountView
from wallet import staff
from wallet.models import Wallet

LAST = UUID(int=2**128 - 1)
"""Above every id: where the newest page begins."""

R = TypeVar("R", bound=Model)


def own_page(actor: Actor, rows: QuerySet[R], *, before: UUID, most: int) -> list[R]:
    """At most ``most`` of ``rows`` that belong to the actor's wallet, with ids below ``before``, newest first."""
    with tenancy.tenant_scope(actor.tenant_id):
        return list(_own(actor, rows).filter(id__lt=before).order_by("-id")[:most])


def own(actor: Actor, rows: QuerySet[R], *, row_id: UUID) -> R:
    """One of the actor's rows. Raises: NotFound."""
    with tenancy.tenant_scope(actor.tenant_id):
        row = _own(actor, rows).filter(id=row_id).first()
    if row is None:
        raise NotFound
    return row


def page_of_tenant(
    actor: Actor, rows: QuerySet[R], *, tenant_id: UUID, status: str | None, before: UUID, most: int
) -> list[R]:
    """At most ``most`` of a tenant's rows for its staff, newest first. Raises: Forbidden, NotFound."""
    with staff.in_tenant(by=actor, tenant_id=tenant_id, why="list payments"):
        rows = rows.filter(tenant_id=tenant_id, id__lt=before)
        return list((rows.filter(status=status) if status else rows).order_by("-id")[:most])


def for_staff(actor: Actor, rows: QuerySet[R]) -> R:
    """The one row that ``rows`` finds, for the staff of its tenant. Raises: Forbidden, NotFound."""
    with staff.in_tenant_of(by=actor, rows=rows, why="look at a payment"):
        row = rows.first()
    if row is None:
        raise NotFound
    return row


def _own(actor: Actor, rows: QuerySet[R]) -> QuerySet[R]:
    wallet = Wallet.objects.filter(tenant_id=actor.tenant_id, user_id=actor.user_id)
    return rows.filter(tenant_id=actor.tenant_id, wallet_id__in=wallet.values("id"))


def pay_to(actor: Actor) -> SettlementAccountView | None:
    """The bank account that the actor's deposits go to, None before the tenant has named one."""
    with tenancy.tenant_scope(actor.tenant_id):
        return tenants.settlement_account(actor.tenant_id)
