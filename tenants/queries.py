"""Reads of tenants and their terms that other apps use. The tenants table itself is not hidden from any tenant."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.conf import settings

from aurix import standing, tenancy
from aurix.actor import Actor
from aurix.errors import NotFound
from tenants.models import SettlementAccount, Tenant


@dataclass(frozen=True, slots=True)
class TenantView:
    """A tenant as other apps see it."""

    id: UUID
    code: str
    name: str
    status: str
    created_at: datetime

    @property
    def is_active(self) -> bool:
        """Whether its customers may log in and trade."""
        return self.status == Tenant.Status.ACTIVE


@dataclass(frozen=True, slots=True)
class SettlementAccountView:
    """The bank account that customers pay to and are paid from; an empty ``bic`` is for the bank to find out."""

    holder_name: str
    iban: str
    bic: str


_FIELDS = tuple(TenantView.__dataclass_fields__)


def by_code(code: str) -> TenantView | None:
    """The tenant with this code, or None."""
    row = Tenant.objects.filter(code=code).values_list(*_FIELDS).first()
    return TenantView(*row) if row else None


def by_id(tenant_id: UUID) -> TenantView | None:
    """The tenant with this id, or None."""
    row = Tenant.objects.filter(id=tenant_id).values_list(*_FIELDS).first()
    return TenantView(*row) if row else None


def all_ids() -> list[UUID]:
    """Every tenant, the deactivated ones included."""
    return list(Tenant.objects.order_by("id").values_list("id", flat=True))


def time_zone_of(tenant_id: UUID) -> str:
    """The name of the time zone in which the tenant's days begin and end. Raises: NotFound."""
    name = Tenant.objects.filter(id=tenant_id).values_list("time_zone", flat=True).first()
    if name is None:
        raise NotFound
    return name


def with_ids(tenant_ids: list[UUID]) -> list[TenantView]:
    """The tenants with these ids, by code."""
    rows = Tenant.objects.filter(id__in=tenant_ids).order_by("code").values_list(*_FIELDS)
    return [TenantView(*row) for row in rows]


def visible_to(actor: Actor) -> UUID | None:
    """Which tenant an admin may see: None for all of them. Raises: Forbidden for who is no admin."""
    with tenancy.tenant_scope(actor.tenant_id):
        role = standing.role_of_staff(actor=actor)
    return None if role == "admin" else actor.tenant_id


def check_administers(actor: Actor, *, tenant_id: UUID) -> None:
    """Pass for who may administer the tenant. Raises: Forbidden, NotFound."""
    with tenancy.tenant_scope(actor.tenant_id):
        standing.require_admin_of(actor=actor, tenant_id=tenant_id)


def page(*, only: UUID | None, after: str, most: int) -> list[TenantView]:
    """At most ``most`` tenants by code, with codes behind ``after``; ``only`` narrows to one tenant."""
    rows = Tenant.objects.filter(code__gt=after).order_by("code")
    if only:
        rows = rows.filter(id=only)
    return [TenantView(*row) for row in rows.values_list(*_FIELDS)[:most]]


def settlement_account(tenant_id: UUID) -> SettlementAccountView | None:
    """The tenant's bank account, None before one is named; inside a scope that sees the tenant."""
    rows = SettlementAccount.objects.filter(tenant_id=tenant_id).order_by("-version")
    row = rows.values_list("holder_name", "iban", "bic").first()
    return SettlementAccountView(*row) if row else None


def withdrawal_approval_cents(_tenant_id: UUID) -> int:
    """Above how many cents a withdrawal of this tenant's customers needs two approvals."""
    return settings.WITHDRAWAL_APPROVAL_EUR_CENTS
