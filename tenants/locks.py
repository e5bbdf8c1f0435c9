"""Everything in this app that locks a row."""

from uuid import UUID

from aurix.errors import NotFound
from tenants.models import Tenant


def tenant(tenant_id: UUID) -> Tenant:
    """The tenant, locked until the transaction ends: one change of its standing or terms at a time.

    Raises: NotFound.
    """
    row = Tenant.objects.select_for_update(of=("self",)).filter(id=tenant_id).first()
    if row is None:
        raise NotFound
    return row
