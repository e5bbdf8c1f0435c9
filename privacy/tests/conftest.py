import pytest

from tenants import queries as tenants
from tenants.queries import TenantView


@pytest.fixture
def two_tenants_only(tenant: TenantView, other_tenant: TenantView, monkeypatch: pytest.MonkeyPatch) -> None:
    """There are no other tenants than these: those of all tests before are many."""
    monkeypatch.setattr(tenants, "all_ids", lambda: [tenant.id, other_tenant.id])
