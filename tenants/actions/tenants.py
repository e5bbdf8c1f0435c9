"""Making a tenant, opening and closing it for its customers."""

from datetime import datetime
from uuid import UUID

from django.db import IntegrityError

from aurix import audit, standing
from aurix.actor import Actor
from aurix.errors import BadRequest
from aurix.ids import uuid7
from aurix.tenancy import platform_scope
from tenants import locks
from tenants.actions.terms import DEFAULT_TERMS, write_terms
from tenants.models import Tenant
from tenants.queries import TenantView, by_id


def create(*, code: str, name: str, now: datetime, tenant_id: UUID | None = None) -> TenantView:
    """Make a tenant with the default terms, from the command line.

    Raises: BadRequest when the code is taken or not made of a-z, 0-9 and hyphens.
    """
    tenant = Tenant(id=tenant_id or uuid7(), code=code, name=name, created_at=now)
    try:
        with platform_scope("create a tenant"):
            tenant.save(force_insert=True)
            write_terms(tenant_id=tenant.id, terms=DEFAULT_TERMS, by=None, now=now)
            audit.record(
                action="tenant.created",
                subject_id=tenant.id,
                tenant_id=tenant.id,
                by=None,
                now=now,
                after={"code": code},
            )
    except IntegrityError as problem:
        raise BadRequest(
            f"The code {code!r} is taken, or is not made of a-z, 0-9 and hyphens.",
            details={"fields": {"code": "refused"}},
        ) from problem
    return TenantView(tenant.id, tenant.code, tenant.name, tenant.status, tenant.created_at)


def set_status(*, by: Actor, tenant_id: UUID, status: Tenant.Status, now: datetime) -> TenantView:
    """Activate or deactivate a tenant, as the platform's admin; doing it again changes nothing.

    From the commit on, no login, token or trade of a deactivated tenant's customers is accepted.
    Raises: Forbidden, NotFound.
    """
    with platform_scope("change a tenant's standing"):
        standing.require_admin_of(actor=by, tenant_id=tenant_id)
        standing.require_platform_admin(actor=by)
        tenant = locks.tenant(tenant_id)
        if tenant.status != status:
            before, tenant.status = tenant.status, status
            tenant.save(update_fields=["status"])
            audit.record(
                action=f"tenant.{status}",
                subject_id=tenant.id,
                tenant_id=tenant.id,
                by=by.user_id,
                now=now,
                before={"status": before},
                after={"status": status},
            )
        view = by_id(tenant_id)
    assert view is not None  # noqa: S101  locked above
    return view
