"""``POST /auth/register``."""

import uuid
from functools import partial
from typing import Any

import jwt
import pytest

from accounts import passwords
from accounts.models import Session, User
from accounts.tests.asserts import audits, events, refused, sessions_of, works
from accounts.tests.crowd import at_once
from aurix import tenancy
from aurix.tests.cast import PASSWORD, Api, Person, person
from tenants.queries import TenantView
from wallet import ledger


def users_with(email: str) -> int:
    with tenancy.platform_scope("test"):
        return User.objects.filter(email__iexact=email).count()


class TestRegister:
    def test_answers_the_account_and_tokens(self, api: Api, tenant: TenantView, email: str) -> None:
        answer = api.post("/auth/register", {"tenant_code": tenant.code, "email": email, "password": PASSWORD})
        made = answer.json()
        assert answer.status_code == 201
        assert set(made) == {
            "user_id", "email", "tenant_id", "wallet_id", "created_at",
            "access_token", "refresh_token", "token_type", "expires_in",
        }  # fmt: skip
        assert made["email"] == email  # as it was typed
        assert made["tenant_id"] == str(tenant.id)
        assert uuid.UUID(made["user_id"])
        assert made["created_at"].endswith("Z")
        assert (made["token_type"], made["expires_in"]) == ("Bearer", 900)
        assert answer.headers["Cache-Control"] == "no-store"

    def test_opens_a_wallet_with_the_opening_balance(self, alice: Person) -> None:
        wallet = alice.get("/wallet").json()
        assert wallet["wallet_id"] == str(alice.wallet_id)
        assert wallet["fiat_balance_eur"] == "10000.00"
        assert wallet["gold_balance_grams"] == "0.00000000"

    def test_logs_in(self, alice: Person) -> None:
        assert works(alice.tokens["access_token"])
        assert alice.post("/auth/refresh", {"refresh_token": alice.tokens["refresh_token"]}).status_code == 200

    def test_issues_the_claims_of_the_contract(self, alice: Person) -> None:
        claims = jwt.decode(alice.token, options={"verify_signature": False})
        assert set(claims) == {"sub", "tenant_id", "role", "jti", "iat", "exp", "sid"}
        assert claims["sub"] == str(alice.user_id)
        assert claims["tenant_id"] == str(alice.tenant.id)
        assert claims["role"] == "user"
        assert claims["exp"] - claims["iat"] == 900
        assert claims["sid"] == str(sessions_of(alice)[0].id)

    def test_tells_the_world_without_the_email(self, alice: Person) -> None:
        registered = events(alice.tenant.id, alice.user_id)[0]
        assert registered == ("account.registered", {"user_id": str(alice.user_id), "wallet_id": str(alice.wallet_id)})
        assert audits(alice.tenant.id, alice.user_id) == [("account.registered", alice.user_id)]

    def test_stores_neither_password_nor_refresh_token(self, alice: Person) -> None:
        with tenancy.tenant_scope(alice.tenant.id):
            user = User.objects.get(id=alice.user_id)
        assert user.password.startswith("argon2$argon2id$")
        assert PASSWORD not in user.password
        assert not [name for name in vars(sessions_of(alice)[0]).values() if name == alice.tokens["refresh_token"]]

    def test_lets_one_email_register_in_two_tenants(
        self, api: Api, tenant: TenantView, other_tenant: TenantView, email: str
    ) -> None:
        for code in (tenant.code, other_tenant.code):
            answer = api.post("/auth/register", {"tenant_code": code, "email": email, "password": PASSWORD})
            assert answer.status_code == 201

    def test_ignores_a_bearer_token(self, alice: Person, email: str) -> None:
        body = {"tenant_code": alice.tenant.code, "email": email, "password": PASSWORD}
        assert alice.post("/auth/register", body).status_code == 201
        assert Api("rubbish").post("/auth/register", {**body, "email": f"2{email}"}).status_code == 201


class TestRefusals:
    @pytest.mark.parametrize("code", ["no-such-bank", "", " ", "AURIX", "é", "x" * 5000, "'; DROP TABLE"])
    def test_refuses_an_unknown_tenant(self, api: Api, email: str, code: str) -> None:
        answer = api.post("/auth/register", {"tenant_code": code, "email": email, "password": PASSWORD})
        refused(answer, 400, "invalid_tenant")

    def test_refuses_a_deactivated_tenant(self, api: Api, tenant: TenantView, olivia: Person, email: str) -> None:
        olivia.post(f"/admin/tenants/{tenant.id}/deactivate")
        answer = api.post("/auth/register", {"tenant_code": tenant.code, "email": email, "password": PASSWORD})
        refused(answer, 403, "tenant_inactive")
        assert users_with(email) == 0

    @pytest.mark.parametrize(
        "email",
        ["", "alice", "alice@", "@example.com", "a b@example.com", " a@example.com", "a@example.com\n", "a@b..com"],
    )
    def test_refuses_what_is_no_email(self, api: Api, tenant: TenantView, email: str) -> None:
        answer = api.post("/auth/register", {"tenant_code": tenant.code, "email": email, "password": PASSWORD})
        refused(answer, 400, "invalid_email")

    @pytest.mark.parametrize(
        ("password", "failed"),
        [
            ("", ["length", "upper", "lower", "digit"]),
            ("Short-1aB", ["length"]),
            ("A1" + "a" * 127, ["length"]),
            ("lower-case-1", ["upper"]),
            ("UPPER-CASE-1", ["lower"]),
            ("No-Digit-Here", ["digit"]),
        ],
    )
    def test_refuses_a_password_that_breaks_the_rule(
        self, api: Api, tenant: TenantView, email: str, password: str, failed: list[str]
    ) -> None:
        answer = api.post("/auth/register", {"tenant_code": tenant.code, "email": email, "password": password})
        assert refused(answer, 400, "invalid_password")["details"] == {"failed": failed}

    @pytest.mark.parametrize(
        "password", ["Aa3" + "x" * 7, "Aa3" + "x" * 125, "Größe-42-mm", "Пароль-2026", "with a space 1A"]
    )
    def test_accepts_the_edges_of_the_rule(self, api: Api, tenant: TenantView, email: str, password: str) -> None:
        body = {"tenant_code": tenant.code, "email": email, "password": password}
        assert api.post("/auth/register", body).status_code == 201
        assert api.post("/auth/login", body).status_code == 200

    @pytest.mark.parametrize("change", [str.lower, str.upper, str.swapcase])
    def test_refuses_an_email_that_is_taken_in_any_case(self, api: Api, alice: Person, change: Any) -> None:
        body = {"tenant_code": alice.tenant.code, "email": change(alice.email), "password": PASSWORD}
        refused(api.post("/auth/register", body), 409, "email_taken")
        assert users_with(alice.email) == 1

    @pytest.mark.parametrize("name", ["tenant_code", "email", "password"])
    @pytest.mark.parametrize("value", [None, 1, 1.5, True, [], {}, ["a"], "missing", "nul\0"])
    def test_refuses_what_is_no_string(self, api: Api, tenant: TenantView, email: str, name: str, value: Any) -> None:
        body = {"tenant_code": tenant.code, "email": email, "password": PASSWORD, name: value}
        if value == "missing":
            del body[name]
        error = refused(api.post("/auth/register", body), 400, "bad_request")
        assert value == "nul\0" or list(error["details"]["fields"]) == [name]

    def test_refuses_a_field_it_does_not_know(self, api: Api, tenant: TenantView, email: str) -> None:
        body = {"tenant_code": tenant.code, "email": email, "password": PASSWORD, "role": "admin"}
        assert list(refused(api.post("/auth/register", body), 400, "bad_request")["details"]["fields"]) == ["role"]


class TestAllOrNothing:
    def test_leaves_nothing_when_the_wallet_cannot_be_opened(
        self, api: Api, tenant: TenantView, email: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(**_: Any) -> None:
            raise RuntimeError("no wallet today")

        monkeypatch.setattr(ledger, "post", fail)
        body = {"tenant_code": tenant.code, "email": email, "password": PASSWORD}
        assert api.post("/auth/register", body).status_code == 500
        assert users_with(email) == 0
        monkeypatch.undo()
        assert api.post("/auth/register", body).status_code == 201

    def test_gives_an_email_to_one_of_many_who_ask_at_once(self, tenant: TenantView, email: str) -> None:
        spellings = [email, email.lower(), email.upper(), email.swapcase()] * 2
        bodies = [{"tenant_code": tenant.code, "email": one, "password": PASSWORD} for one in spellings]
        answers = at_once([partial(Api().post, "/auth/register", body) for body in bodies])
        assert sorted(answer.status_code for answer in answers) == [201] + [409] * 7
        for answer in answers:
            if answer.status_code == 409:
                refused(answer, 409, "email_taken")
        assert users_with(email) == 1
        with tenancy.tenant_scope(tenant.id):
            assert Session.objects.count() == 1

    def test_refuses_when_the_tenant_is_deactivated_while_it_hashes(
        self, api: Api, tenant: TenantView, email: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        olivia = person("olivia", tenant, role="admin")
        hash_it = passwords.attempt

        def slowly(**given: Any) -> Any:
            attempt = hash_it(**given)
            olivia.post(f"/admin/tenants/{tenant.id}/deactivate")
            return attempt

        monkeypatch.setattr(passwords, "attempt", slowly)
        answer = api.post("/auth/register", {"tenant_code": tenant.code, "email": email, "password": PASSWORD})
        refused(answer, 403, "tenant_inactive")
        assert users_with(email) == 0
