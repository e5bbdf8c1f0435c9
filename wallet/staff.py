"""Staff at work: a tenant's own admins, and the platform's in any tenant."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from django.db.models import Model, QuerySet

from aurix import standing, tenancy
from aurix.actor import Actor
from aurix.errors import NotFound
from tenants import queries as tenants


@contextmanager
def in_tenant(*, by: Actor, tenant_id: UUID, why: str) -> Iterator[None]:
    """A transaction in a tenant's scope, for its staff. Raises: Forbidden; NotFound, also for another tenant."""
    with tenancy.platform_scope(why):
        standing.require_admin_of(actor=by, tenant_id=tenant_id)
        if tenants.by_id(tenant_id) is None:
            raise NotFound
        tenancy.enter_tenant(tenant_id)
        yield


@contextmanager
def in_tenant_of(*, by: Actor, rows: QuerySet[Model], why: str) -> Iterator[UUID]:
    """A transaction in the scope of the tenant to which the one row that ``rows`` finds belongs, which it yields.

    Raises: Forbidden; NotFound also for a row of another tenant.
    """
    with tenancy.platform_scope(why):
        if standing.role_of_staff(actor=by) != "admin":
            rows = rows.filter(tenant_id=by.tenant_id)
        tenant_id: UUID | None = rows.values_list("tenant_id", flat=True).first()
        if tenant_id is None:
            raise NotFound
        tenancy.enter_tenant(tenant_id)
        yield tenant_id
