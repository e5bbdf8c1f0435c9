"""``manage.py seed_demo``."""

from typing import Any
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command

from accounts.actions.registration import open_demo_account
from accounts.errors import InvalidEmail
from accounts.models import User
from accounts.tests.asserts import refused
from accounts.tests.crowd import at_once
from aurix import clock, tenancy
from aurix.tests.cast import Api
from tenants import queries

DEMO = {
    "TENANT": "aurix-demo",
    "ADMIN_EMAIL": "admin@Aurix.com",
    "ADMIN_PASSWORD": "P@ssw0rd",
    "USER_EMAIL": "user@Aurix.com",
    "USER_PASSWORD": "Password@",
}


@pytest.fixture
def demo(settings: Any) -> dict[str, str]:
    """All DEMO_* variables set."""
    settings.DEMO = dict(DEMO)
    return dict(DEMO)


def seed() -> None:
    call_command("seed_demo", verbosity=0)


def login(email: str, password: str) -> Any:
    return Api().post("/auth/login", {"tenant_code": "aurix-demo", "email": email, "password": password})


class TestSeed:
    def test_makes_the_tenants_of_the_contract(self) -> None:
        seed()
        for code, tenant_id in (
            ("aurix-demo", "a0000000-0000-0000-0000-000000000001"),
            ("partner-co", "b0000000-0000-0000-0000-000000000002"),
        ):
            tenant = queries.by_code(code)
            assert tenant is not None
            assert tenant.id == UUID(tenant_id)
            assert tenant.is_active

    def test_makes_the_accounts(self, demo: dict[str, str]) -> None:
        seed()
        admin = login("admin@aurix.com", "P@ssw0rd")
        assert Api(admin.json()["access_token"]).get("/admin/tenants").status_code == 200
        user = Api(login("USER@AURIX.COM", "Password@").json()["access_token"])
        assert user.get("/wallet").json()["fiat_balance_eur"] == "10000.00"
        refused(user.get("/admin/tenants"), 403, "forbidden")
        assert login(demo["USER_EMAIL"], "P@ssw0rd").status_code == 401

    def test_runs_any_number_of_times_and_at_once(self, demo: dict[str, str]) -> None:
        at_once([seed] * 3)
        seed()
        with tenancy.platform_scope("test"):
            emails = User.objects.filter(email__in=[demo["ADMIN_EMAIL"], demo["USER_EMAIL"]])
            assert sorted(emails.values_list("role", flat=True)) == ["admin", "user"]

    def test_leaves_an_account_with_another_password_alone(self, settings: Any) -> None:
        settings.DEMO = {**DEMO, "USER_EMAIL": "other@Aurix.com"}
        seed()
        settings.DEMO = {**DEMO, "USER_EMAIL": "OTHER@Aurix.com", "USER_PASSWORD": "Something-Else-1"}
        seed()
        assert login("other@aurix.com", "Password@").status_code == 200
        assert login("other@aurix.com", "Something-Else-1").status_code == 401

    @pytest.mark.parametrize("missing", sorted(DEMO))
    def test_makes_no_accounts_unless_all_is_set(self, settings: Any, missing: str) -> None:
        settings.DEMO = {**DEMO, "ADMIN_EMAIL": "never@Aurix.com", "USER_EMAIL": "never2@Aurix.com", missing: ""}
        seed()
        with tenancy.platform_scope("test"):
            assert not User.objects.filter(email__startswith="never").exists()

    def test_refuses_a_tenant_that_does_not_exist(self, settings: Any) -> None:
        settings.DEMO = {**DEMO, "TENANT": "no-such-bank"}
        with pytest.raises(CommandError, match="no-such-bank"):
            seed()

    def test_refuses_production(self, settings: Any) -> None:
        settings.PRODUCTION = True
        with pytest.raises(CommandError, match="production"):
            seed()

    def test_refuses_what_is_no_email(self) -> None:
        seed()
        tenant = queries.by_code("aurix-demo")
        assert tenant is not None
        with pytest.raises(InvalidEmail):
            open_demo_account(tenant_id=tenant.id, email="x", password="y", role="user", now=clock.now())
