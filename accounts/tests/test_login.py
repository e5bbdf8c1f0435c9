"""``POST /auth/login``: what fits, what is told to whom, and how much work it takes."""

from typing import Any

import pytest
from django.contrib.auth.hashers import make_password

from accounts.actions import closing
from accounts.models import User
from accounts.tests.asserts import refused, sessions_of, works
from aurix import clock, tenancy
from aurix.tests.cast import PASSWORD, Api, Person, person
from tenants.actions import tenants
from tenants.queries import TenantView

OTHER_PASSWORD = "Another-Horse-43"


def register(tenant: TenantView, email: str, password: str = PASSWORD) -> Person:
    body = {"tenant_code": tenant.code, "email": email, "password": password}
    answer = Api().post("/auth/register", body)
    assert answer.status_code == 201
    made = answer.json()
    return Person(email, tenant, made["user_id"], made["wallet_id"], made)


def login(email: str, password: str = PASSWORD, **more: Any) -> Any:
    return Api().post("/auth/login", {"email": email, "password": password, **more})


def deactivate(tenant: TenantView) -> None:
    assert person("olivia", tenant, role="admin").post(f"/admin/tenants/{tenant.id}/deactivate").status_code == 200


def close(someone: Person) -> None:
    closing.close(tenant_id=someone.tenant.id, user_id=someone.user_id, by=None, now=clock.now())


def stored_hash(someone: Person) -> str:
    with tenancy.tenant_scope(someone.tenant.id):
        return User.objects.get(id=someone.user_id).password


@pytest.fixture
def twins(tenant: TenantView, other_tenant: TenantView, email: str) -> tuple[Person, Person]:
    """One email and one password in two tenants."""
    return register(tenant, email), register(other_tenant, email)


class TestLogin:
    @pytest.mark.parametrize("named", [True, False])
    def test_answers_tokens(self, alice: Person, named: bool) -> None:  # noqa: FBT001
        answer = login(alice.email, **({"tenant_code": alice.tenant.code} if named else {}))
        assert answer.status_code == 200
        assert set(answer.json()) == {"access_token", "refresh_token", "token_type", "expires_in"}
        assert (answer.json()["token_type"], answer.json()["expires_in"]) == ("Bearer", 900)
        assert answer.headers["Cache-Control"] == "no-store"
        assert works(answer.json()["access_token"])

    def test_does_not_care_about_the_case_of_an_email(self, alice: Person) -> None:
        assert login(alice.email.upper()).status_code == 200
        assert login(alice.email.lower()).status_code == 200

    def test_opens_a_session_of_its_own_each_time(self, alice: Person) -> None:
        first, second = login(alice.email).json(), login(alice.email).json()
        assert len(sessions_of(alice)) == 3
        Api(first["access_token"]).post("/auth/logout", {"refresh_token": first["refresh_token"]})
        assert works(second["access_token"])
        assert works(alice.token)

    @pytest.mark.parametrize("token", ["rubbish", ""])
    def test_looks_at_no_bearer_token(self, alice: Person, token: str) -> None:
        answer = Api(token).post("/auth/login", {"email": alice.email, "password": PASSWORD})
        assert answer.status_code == 200

    def test_renews_a_hash_of_older_making(self, alice: Person) -> None:
        with tenancy.tenant_scope(alice.tenant.id):
            User.objects.filter(id=alice.user_id).update(password=make_password(PASSWORD))  # with a salt of its own
        before = stored_hash(alice)
        assert login(alice.email).status_code == 200
        after = stored_hash(alice)
        assert before != after
        assert login(alice.email).status_code == 200
        assert stored_hash(alice) == after
        refused(login(alice.email, OTHER_PASSWORD), 401, "invalid_credentials")


class TestTenantChoice:
    def test_lists_the_tenants_in_which_the_password_fits(self, twins: tuple[Person, Person]) -> None:
        answer = login(twins[0].email)
        assert answer.json() == {
            "error": {
                "code": "tenant_selection_required",
                "message": "Multiple tenants found. Please select one.",
                "details": {},
            },
            "tenants": [{"tenant_code": code} for code in sorted(one.tenant.code for one in twins)],
        }
        assert answer.status_code == 409
        assert len(sessions_of(twins[0])) == len(sessions_of(twins[1])) == 1

    def test_logs_in_to_the_chosen_one(self, twins: tuple[Person, Person]) -> None:
        for one in twins:
            answer = login(one.email, tenant_code=one.tenant.code)
            wallet = Api(answer.json()["access_token"]).get("/wallet").json()
            assert wallet["wallet_id"] == str(one.wallet_id)

    def test_needs_no_choice_when_the_password_fits_in_one(
        self, tenant: TenantView, other_tenant: TenantView, email: str
    ) -> None:
        register(tenant, email)
        there = register(other_tenant, email, OTHER_PASSWORD)
        answer = login(email, OTHER_PASSWORD)
        assert answer.status_code == 200
        assert Api(answer.json()["access_token"]).get("/wallet").json()["wallet_id"] == str(there.wallet_id)

    def test_does_not_find_an_account_in_the_wrong_tenant(self, alice: Person, other_tenant: TenantView) -> None:
        refused(login(alice.email, tenant_code=other_tenant.code), 401, "invalid_credentials")

    def test_offers_no_tenant_that_would_refuse(
        self, twins: tuple[Person, Person], tenant: TenantView, other_tenant: TenantView
    ) -> None:
        deactivate(tenant)
        answer = login(twins[0].email)
        assert Api(answer.json()["access_token"]).get("/wallet").json()["wallet_id"] == str(twins[1].wallet_id)
        close(twins[1])
        refused(login(twins[0].email), 403, "account_disabled")
        deactivate(other_tenant)
        refused(login(twins[0].email), 403, "tenant_inactive")

    @pytest.mark.parametrize("code", ["no-such-bank", "", "é", "x" * 5000])
    def test_refuses_an_unknown_tenant(self, alice: Person, code: str) -> None:
        refused(login(alice.email, tenant_code=code), 400, "invalid_tenant")


class TestBeforeThePasswordFits:
    """An unknown email, a wrong password and a closed account are the same thing."""

    @pytest.fixture
    def closed(self, bob: Person) -> Person:
        close(bob)
        return bob

    @pytest.mark.parametrize("named", [True, False])
    def test_every_refusal_has_the_same_text(
        self,
        alice: Person,
        closed: Person,
        email: str,
        tenant: TenantView,
        named: bool,  # noqa: FBT001
    ) -> None:
        more = {"tenant_code": tenant.code} if named else {}
        answers = [
            login(email, **more),
            login(alice.email, OTHER_PASSWORD, **more),
            login(closed.email, OTHER_PASSWORD, **more),
            login("no email at all", **more),
        ]
        deactivate(tenant)
        answers += [login(alice.email, OTHER_PASSWORD, **more), login(email, **more)]
        for answer in answers:
            refused(answer, 401, "invalid_credentials")
        assert len({answer.content for answer in answers}) == 1

    @pytest.mark.parametrize("named", [True, False])
    def test_every_refusal_takes_one_hash(
        self,
        twins: tuple[Person, Person],
        alice: Person,
        closed: Person,
        hashes: list[str],
        named: bool,  # noqa: FBT001
    ) -> None:
        more = {"tenant_code": alice.tenant.code} if named else {}
        unknown = f"nobody-{alice.email}"
        attempts = [
            *((email, OTHER_PASSWORD) for email in (unknown, alice.email, closed.email, twins[0].email)),
            *((email, OTHER_PASSWORD) for email in ("no email at all", "x" * 60_000, "a\u00ad@b.at", "")),
            *((email, "x" * 129) for email in (unknown, alice.email, twins[0].email)),
            *((email, "Ünïcödé-🔑") for email in (unknown, alice.email)),
            *((alice.email, password) for password in ("", "x" * 60_000)),
        ]
        for email, password in attempts:
            hashes.clear()
            refused(login(email, password, **more), 401, "invalid_credentials")
            assert hashes == ["encode"], (email[:40], password[:40])

    def test_a_fitting_password_takes_one_hash_too(self, twins: tuple[Person, Person], hashes: list[str]) -> None:
        assert login(twins[0].email).status_code == 409
        assert login(twins[0].email, tenant_code=twins[0].tenant.code).status_code == 200
        assert hashes == ["encode"] * 2

    def test_an_email_in_many_tenants_takes_one_hash(self, email: str, hashes: list[str]) -> None:
        for number in range(5):
            code = f"many-{number}-{email.partition('@')[0].lower()}"
            register(tenants.create(code=code, name=code, now=clock.now()), email)
        hashes.clear()
        refused(login(email, OTHER_PASSWORD), 401, "invalid_credentials")
        assert len(login(email).json()["tenants"]) == 5
        assert hashes == ["encode"] * 2

    def test_a_password_that_is_too_long_never_fits(self, tenant: TenantView, email: str) -> None:
        longest = "Aa3" + "x" * 125
        register(tenant, email, longest)
        assert login(email, longest).status_code == 200
        refused(login(email, longest + "x"), 401, "invalid_credentials")


class TestAfterThePasswordFits:
    def test_names_a_closed_account(self, alice: Person) -> None:
        close(alice)
        refused(login(alice.email, tenant_code=alice.tenant.code), 403, "account_disabled")
        refused(login(alice.email), 403, "account_disabled")

    def test_names_an_inactive_tenant(self, alice: Person, tenant: TenantView) -> None:
        deactivate(tenant)
        refused(login(alice.email, tenant_code=tenant.code), 403, "tenant_inactive")
        refused(login(alice.email), 403, "tenant_inactive")
        close(alice)
        refused(login(alice.email), 403, "tenant_inactive")

    def test_works_again_when_the_tenant_is_active_again(
        self, alice: Person, olivia: Person, tenant: TenantView
    ) -> None:
        deactivate(tenant)
        assert olivia.post(f"/admin/tenants/{tenant.id}/activate").status_code == 200
        assert login(alice.email).status_code == 200
        assert works(alice.token)
        assert works(olivia.token)


class TestRefusals:
    @pytest.mark.parametrize("name", ["email", "password", "tenant_code"])
    @pytest.mark.parametrize("value", [None, 1, 1.5, True, [], {}, "nul\0"])
    def test_refuses_what_is_no_string(self, alice: Person, name: str, value: Any) -> None:
        body = {"email": alice.email, "password": PASSWORD, "tenant_code": alice.tenant.code, name: value}
        refused(Api().post("/auth/login", body), 400, "bad_request")

    @pytest.mark.parametrize("name", ["email", "password"])
    def test_refuses_what_is_missing(self, alice: Person, name: str) -> None:
        body = {"email": alice.email, "password": PASSWORD}
        del body[name]
        assert list(refused(Api().post("/auth/login", body), 400, "bad_request")["details"]["fields"]) == [name]

    def test_refuses_a_field_it_does_not_know(self, alice: Person) -> None:
        refused(login(alice.email, tenant_id=str(alice.tenant.id)), 400, "bad_request")
