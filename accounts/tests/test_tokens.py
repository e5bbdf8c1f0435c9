"""Access tokens under attack, as a function and through the API."""

import base64
import hashlib
import hmac
import json
from datetime import timedelta
from typing import Any
from uuid import uuid4

import jwt
import pytest
from django.conf import settings
from django.db import connection

from accounts import tokens
from accounts.tests.asserts import refused, works
from aurix import clock
from aurix.actor import Actor
from aurix.errors import TokenExpired, Unauthorized
from aurix.tests.cast import Api, Person


def encode(part: Any) -> str:
    raw = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def signed(claims: Any, *, key: str | None = None, header: dict[str, Any] | None = None) -> str:
    """A JWT made by hand, so that it can be wrong in ways that a library would not write."""
    body = f"{encode(header or {'alg': 'HS256', 'typ': 'JWT'})}.{encode(claims)}"
    digest = hmac.digest((key or settings.JWT_SECRET).encode(), body.encode(), hashlib.sha256)
    return f"{body}.{encode(digest)}"


def claims_of(actor: Actor) -> dict[str, Any]:
    return tokens.decode(token=tokens.issue(actor=actor, now=clock.now()))


@pytest.fixture
def actor() -> Actor:
    return Actor(tenant_id=uuid4(), user_id=uuid4(), session_id=uuid4(), role="user")


class TestVerify:
    def test_returns_whom_it_was_issued_to(self, actor: Actor) -> None:
        assert tokens.verify(token=tokens.issue(actor=actor, now=clock.now())) == actor

    def test_takes_what_is_signed_by_hand(self, actor: Actor) -> None:
        """The control of all tests below: this is how a right token is made."""
        assert tokens.verify(token=signed(claims_of(actor))) == actor

    def test_asks_no_database(self, actor: Actor, django_assert_num_queries: Any) -> None:
        with django_assert_num_queries(0):
            tokens.verify(token=tokens.issue(actor=actor, now=clock.now()))

    def test_refuses_what_has_expired(self, actor: Actor) -> None:
        token = tokens.issue(actor=actor, now=clock.now() - timedelta(minutes=15))
        with pytest.raises(TokenExpired):
            tokens.verify(token=token)
        tokens.verify(token=tokens.issue(actor=actor, now=clock.now() - timedelta(minutes=14, seconds=50)))

    @pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "HS384", "HS512", "RS256", "ES256", "", None, 1])
    def test_refuses_another_algorithm(self, actor: Actor, algorithm: Any) -> None:
        claims = claims_of(actor)
        with pytest.raises(Unauthorized):
            tokens.verify(token=signed(claims, header={"alg": algorithm, "typ": "JWT"}))
        with pytest.raises(Unauthorized):
            tokens.verify(token=f"{encode({'alg': algorithm})}.{encode(claims)}.")

    @pytest.mark.parametrize("algorithm", ["HS384", "HS512"])
    def test_refuses_our_own_key_with_another_hash(self, actor: Actor, algorithm: str) -> None:
        with pytest.raises(Unauthorized):
            tokens.verify(token=jwt.encode(claims_of(actor), settings.JWT_SECRET, algorithm=algorithm))

    @pytest.mark.parametrize("key", ["guess" * 10, settings.SECRET_KEY])
    def test_refuses_another_key(self, actor: Actor, key: str) -> None:
        with pytest.raises(Unauthorized):
            tokens.verify(token=signed(claims_of(actor), key=key))

    @pytest.mark.parametrize("name", ["sub", "tenant_id", "role", "sid", "jti", "iat", "exp"])
    @pytest.mark.parametrize("value", ["missing", None, "", "x", 1.5, -1, True, [], {}, "0" * 32 + "g", "9" * 400])
    def test_refuses_a_claim_that_is_malformed(self, actor: Actor, name: str, value: Any) -> None:
        claims = {**claims_of(actor), name: value}
        if value == "missing":
            del claims[name]
        if (name == "jti" and isinstance(value, str) and value and value != "missing") or (
            name == "iat" and value == -1
        ):
            tokens.verify(token=signed(claims))  # odd, but what it says it is
            return
        with pytest.raises(Unauthorized):
            tokens.verify(token=signed(claims))

    @pytest.mark.parametrize("claims", [None, [], "text", 1, b"not json", b"\xff", b'{"sub":'])
    def test_refuses_claims_that_are_no_object(self, claims: Any) -> None:
        with pytest.raises(Unauthorized):
            tokens.verify(token=signed(claims))

    @pytest.mark.parametrize(
        "token", ["", ".", "..", "...", "a.b.c", "é.é.é", " ", "\0", "x" * 50_000, "." * 5_000, "e30.e30.e30"]
    )
    def test_refuses_rubbish(self, token: str) -> None:
        with pytest.raises(Unauthorized):
            tokens.verify(token=token)

    def test_takes_an_expiry_only_as_a_whole_number(self, actor: Actor) -> None:
        for expiry in (1e300, -(10**30), "1e9", str(10**12), True):
            with pytest.raises(Unauthorized):
                tokens.verify(token=signed({**claims_of(actor), "exp": expiry}))


class TestBearer:
    @pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "bEARER"])
    def test_takes_the_scheme_in_any_case(self, alice: Person, scheme: str) -> None:
        assert Api().get("/wallet", Authorization=f"{scheme} {alice.token}").status_code == 200

    @pytest.mark.parametrize(
        "header",
        ["Bearer", "Bearer ", "Bearer a b", "Basic YTpi", "Token x", "é", "Bearer é", "Bearer \xff", ", ,", "null"],
    )
    def test_refuses_other_headers(self, api: Api, header: str) -> None:
        refused(api.get("/wallet", Authorization=header), 401, "unauthorized")

    def test_does_not_take_the_token_from_elsewhere(self, alice: Person, api: Api) -> None:
        refused(api.get(f"/wallet?access_token={alice.token}"), 401, "unauthorized")
        refused(api.get("/wallet", Cookie=f"access_token={alice.token}"), 401, "unauthorized")

    def test_does_not_take_a_refresh_token(self, alice: Person) -> None:
        refused(Api(alice.tokens["refresh_token"]).get("/wallet"), 401, "unauthorized")

    def test_refuses_edited_claims(self, alice: Person, charlie: Person) -> None:
        head, _, signature = alice.token.split(".")
        mine, theirs = (tokens.decode(token=who.token) for who in (alice, charlie))
        for edit in (
            {"role": "admin"},
            {"sub": theirs["sub"]},
            {"tenant_id": theirs["tenant_id"]},
            {"sid": theirs["sid"]},
            {"exp": mine["exp"] + 10**6},
        ):
            refused(Api(f"{head}.{encode({**mine, **edit})}.{signature}").get("/wallet"), 401, "unauthorized")

    def test_refuses_claims_that_do_not_belong_together(self, alice: Person, charlie: Person) -> None:
        """Even with our signature: a user, a tenant and a session have to be each other's."""
        mine, theirs = (tokens.decode(token=who.token) for who in (alice, charlie))
        refused(Api(signed({**mine, "tenant_id": theirs["tenant_id"]})).get("/wallet"), 401, "unauthorized")
        refused(Api(signed({**mine, "sub": theirs["sub"]})).get("/wallet"), 401, "unauthorized")
        refused(Api(signed({**mine, "sub": str(uuid4())})).get("/wallet"), 401, "unauthorized")
        refused(Api(signed({**mine, "sid": theirs["sid"]})).get("/wallet"), 401, "token_revoked")
        refused(Api(signed({**mine, "sid": str(uuid4())})).get("/wallet"), 401, "token_revoked")
        assert works(alice.token)

    def test_does_not_believe_the_role(self, alice: Person) -> None:
        promoted = signed({**tokens.decode(token=alice.token), "role": "admin"})
        refused(Api(promoted).get("/admin/tenants"), 403, "forbidden")

    def test_does_not_look_at_the_database_for_a_bad_token(self, api: Api, django_assert_num_queries: Any) -> None:
        connection.ensure_connection()
        with django_assert_num_queries(0):
            refused(api.get("/wallet", Authorization="Bearer a.b.c"), 401, "unauthorized")
