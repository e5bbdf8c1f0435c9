"""Verifying the ledger."""

from uuid import UUID

from aurix.tenancy import platform_scope
from wallet import reconciliation
from wallet.reconciliation import Report


def verify(*, tenant_id: UUID | None = None) -> Report:
    """Walk the chains of a tenant, or of all, as of one moment. Changes nothing."""
    with platform_scope("verify the ledger", snapshot=True):
        return reconciliation.verify(tenant_id=tenant_id)
