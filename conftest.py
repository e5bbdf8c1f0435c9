"""Fixtures that all apps' tests share: real tenants, real people, a client. Nothing is rolled back or cleaned up:
every test makes tenants of its own, and tenancy keeps the tests apart.
"""

from collections.abc import Iterator
from decimal import Decimal
from uuid import uuid4

import pytest
from django.core.cache import cache
from pytest_django.plugin import DjangoDbBlocker

from aurix import clock
from aurix.tests.cast import Api, Person, person
from aurix.tests.live import LiveServer, serving
from tenants.actions import tenants
from tenants.queries import TenantView
from wallet.actions import prices


@pytest.fixture(autouse=True)
def _database(django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Tests commit for real, as requests do; the price starts where the contract's examples do."""
    with django_db_blocker.unblock():
        prices.set_price(price=Decimal("65.00"), now=clock.now())
        cache.clear()
        yield


@pytest.fixture
def tenant() -> TenantView:
    """A fresh tenant with the default terms."""
    code = f"bank-{uuid4().hex[:12]}"
    return tenants.create(code=code, name=code.title(), now=clock.now())


@pytest.fixture
def other_tenant() -> TenantView:
    """Another one."""
    code = f"jeweller-{uuid4().hex[:12]}"
    return tenants.create(code=code, name=code.title(), now=clock.now())


@pytest.fixture
def api() -> Api:
    """A client without a token."""
    return Api()


@pytest.fixture
def alice(tenant: TenantView) -> Person:
    """A customer of ``tenant`` with 10,000.00 EUR."""
    return person("alice", tenant)


@pytest.fixture
def bob(tenant: TenantView) -> Person:
    """Another customer of the same tenant."""
    return person("bob", tenant)


@pytest.fixture
def charlie(other_tenant: TenantView) -> Person:
    """A customer of another tenant."""
    return person("charlie", other_tenant)


@pytest.fixture
def olivia(tenant: TenantView) -> Person:
    """The platform's admin, who happens to be of ``tenant``."""
    return person("olivia", tenant, role="admin")


@pytest.fixture
def tom(tenant: TenantView) -> Person:
    """The tenant's own admin."""
    return person("tom", tenant, role="tenant_admin")


@pytest.fixture(scope="session")
def server() -> Iterator[LiveServer]:
    """A real web server with two workers on this worker's database."""
    with serving() as running:
        yield running
