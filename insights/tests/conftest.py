from uuid import UUID

import pytest

from tenants import queries as tenants
from tenants.queries import TenantView


@pytest.fixture
def two_tenants(tenant: TenantView, other_tenant: TenantView, monkeypatch: pytest.MonkeyPatch) -> list[UUID]:
    """There are no other tenants than these: those of all tests before are many."""
    both = [tenant.id, other_tenant.id]
    monkeypatch.setattr(tenants, "all_ids", lambda: both)
    return both
