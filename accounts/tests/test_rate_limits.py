"""That the ways in are limited, by the names of the contract; how limits work is tested with the platform."""

from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from accounts.tests.asserts import refused
from accounts.tests.conftest import REDIS_URL, redis_caches
from aurix.tests.cast import PASSWORD, Api, Person, person
from tenants.queries import TenantView

WRONG = "Wrong-Horse-42"


DATABASE = 9
"""Of Redis; other tests empty the one that they use."""


@pytest.fixture(autouse=True)
def _two_an_hour(settings: Any) -> None:
    location = f"{REDIS_URL.partition('?')[0]}?db={DATABASE}"
    settings.CACHES = redis_caches(settings.CACHES, LOCATION=location, KEY_PREFIX=str(uuid4()))
    limited = dict.fromkeys(("login", "register", "change_password"), "2/h")  # hardly a window ends within a test
    settings.RATE_LIMITS = settings.RATE_LIMITS | limited


def login(email: str, tenant: TenantView | None = None, **headers: str) -> Any:
    named = {"tenant_code": tenant.code} if tenant else {}
    return Api().post("/auth/login", {"email": email, "password": WRONG, **named}, **headers)


def register(tenant: TenantView, number: int) -> Any:
    body = {"tenant_code": tenant.code, "email": f"eve{number}@example.com", "password": PASSWORD}
    return Api().post("/auth/register", body)


class TestLogin:
    def test_says_how_many_are_left(self, tenant: TenantView) -> None:
        first, second, third = (login("nobody@example.com", tenant) for _ in range(3))
        assert [answer.headers["X-RateLimit-Remaining"] for answer in (first, second, third)] == ["1", "0", "0"]
        assert first.headers["X-RateLimit-Limit"] == "2"
        assert int(first.headers["X-RateLimit-Reset"]) > 1_700_000_000
        error = refused(third, 429, "rate_limited")
        assert error["details"]["retry_after_seconds"] == int(third.headers["Retry-After"]) > 0

    def test_costs_no_hash_beyond_the_limit(self, tenant: TenantView, hashes: list[str]) -> None:
        for _ in range(5):
            login("nobody@example.com", tenant)
        assert len(hashes) == 2

    def test_counts_each_tenant_and_all_made_up_codes_together(
        self, tenant: TenantView, other_tenant: TenantView
    ) -> None:
        for _ in range(3):
            login("nobody@example.com", tenant)
        refused(login("nobody@example.com", tenant), 429, "rate_limited")
        refused(login("nobody@example.com", other_tenant), 401, "invalid_credentials")
        answers = [
            Api().post("/auth/login", {"email": "e", "password": "p", "tenant_code": f"made-up-{number}"})
            for number in range(3)
        ]
        assert [answer.status_code for answer in answers] == [400, 400, 429]

    def test_counts_each_address(self, tenant: TenantView, settings: Any) -> None:
        settings.TRUSTED_PROXIES = 1
        for number in range(4):
            refused(
                login("nobody@example.com", tenant, X_Forwarded_For=f"198.51.100.{number}"), 401, "invalid_credentials"
            )

    def test_counts_the_back_office_too(self) -> None:
        client = Client()
        form = {"username": "nobody@example.com", "password": WRONG}
        answers = [client.post("/backoffice/login/", form) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 429]
        assert answers[2].headers["Retry-After"]
        assert client.get("/backoffice/login/").status_code == 200
        for content_type in ("application/json", "text/plain", "multipart/form-data"):
            assert client.post("/backoffice/login/", b"{", content_type=content_type).status_code == 429
        refused(login("nobody@example.com"), 429, "rate_limited")  # the same people, guessing on


class TestRegister:
    def test_is_limited(self, tenant: TenantView, other_tenant: TenantView) -> None:
        assert [register(tenant, number).status_code for number in range(3)] == [201, 201, 429]
        assert register(other_tenant, 9).status_code == 201


class TestChangePassword:
    def test_is_limited_for_each_user(self, settings: Any, tenant: TenantView) -> None:
        settings.RATE_LIMITS = {**settings.RATE_LIMITS, "register": ""}
        alice, bob = person("alice", tenant), person("bob", tenant)

        def change(someone: Person) -> int:
            body = {"current_password": WRONG, "new_password": PASSWORD}
            return someone.post("/auth/change-password", body).status_code

        assert [change(alice) for _ in range(3)] == [401, 401, 429]
        assert change(bob) == 401
