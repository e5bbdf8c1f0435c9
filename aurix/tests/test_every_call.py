"""What holds for every call, found by walking the URLs: strangers, rude bodies, missing tokens."""

import re
from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.urls import URLPattern, URLResolver, get_resolver

from aurix.tests.cast import Api, Person

OPEN = {"/auth/register", "/auth/login", "/auth/refresh", "/health", "/metrics", "/swagger", "/swagger/spec", "/"}
ERASURE = "/privacy/erasure-request"  # needs no body, and would close the account
RUDE = {
    "nothing": b"",
    "null": b"null",
    "a number": b"1",
    "a string": b'"x"',
    "a list": b"[]",
    "a list of lists": b"[[[]]]",
    "true": b"true",
    "an empty object": b"{}",
    "broken": b'{"a":',
    "two values": b"{}{}",
    "not a number": b'{"grams": NaN, "email": Infinity}',
    "bytes": bytes(range(256)),
    "not UTF-8": b'{"email": "\xff\xfe"}',
    "a lone surrogate": b'{"email": "\\ud800", "grams": "\\udfff"}',
    "a NUL": b'{"email": "a\\u0000b", "grams": "1\\u0000", "password": "\\u0000", "refresh_token": "\\u0000"}',
    "a NUL in a name": b'{"a\\u0000b": 1}',
    "a name twice": b'{"grams": "1", "grams": "2"}',
    "deep": b'{"a":' * 500 + b"1" + b"}" * 500,
    "very deep": b"[" * 30000 + b"]" * 30000,
    "huge": b'{"email": "' + b"x" * 70000 + b'"}',
    "a huge number": b'{"grams": ' + b"9" * 5000 + b"}",
    "wrong types": (
        b'{"tenant_code": 1, "email": [], "password": {}, "refresh_token": 5, "current_password": true, '
        b'"new_password": null, "grams": 1.5, "price_eur": 65, "buy_fee_rate": 0.1, "sell_fee_rate": [], '
        b'"min_fee_eur_cents": "x"}'
    ),
    "nulls": b'{"tenant_code": null, "email": null, "password": null, "refresh_token": null, "grams": null}',
    "very long strings": (
        b'{"email": "' + b"a" * 20000 + b'@example.com", "password": "' + b"p" * 20000 + b'", "tenant_code": "x"}'
    ),
    "a form": b"email=a&password=b",
    "XML": b"<?xml version='1.0'?><a/>",
}
TYPES = [
    "text/plain",
    "application/xml",
    "multipart/form-data; boundary=x",
    "application/x-www-form-urlencoded",
    "x",
    "",
]


def walk(patterns: list[Any], prefix: str = "/") -> Iterator[tuple[str, list[str]]]:
    """Every path of the API with its methods; ids are placeholders."""
    for pattern in patterns:
        path = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver) and "backoffice" not in path:
            yield from walk(pattern.url_patterns, path)
        elif isinstance(pattern, URLPattern):
            actions = getattr(pattern.callback, "actions", None) or {"get": ""}
            yield re.sub(r"<uuid:\w+>", "{id}", path), sorted(method.upper() for method in actions)


CALLS = [
    (method, path) for path, methods in walk(get_resolver().url_patterns) for method in methods if method != "HEAD"
]
WRITES = [(method, path) for method, path in CALLS if method in {"POST", "PUT", "PATCH"}]


def call(client: Api, method: str, path: str, body: Any = None, **headers: str) -> Any:
    return client._call(method, path.replace("{id}", str(uuid4())), body, headers)  # noqa: SLF001  the tests' own


def assert_refused(answer: Any) -> None:
    assert 400 <= answer.status_code < 500, (answer.status_code, answer.content)
    body = answer.json()
    assert set(body) <= {"error", "tenants"}
    assert set(body["error"]) == {"code", "message", "details"}
    assert isinstance(body["error"]["message"], str)
    assert body["error"]["message"]
    assert answer["Content-Type"] == "application/json"
    assert answer["X-Request-Id"]


def test_the_walk_finds_the_contract_s_calls() -> None:
    expected = {
        ("POST", "/auth/register"), ("POST", "/auth/login"), ("POST", "/auth/refresh"), ("POST", "/auth/logout"),
        ("POST", "/auth/change-password"), ("GET", "/wallet"), ("POST", "/wallet/buy"), ("POST", "/wallet/sell"),
        ("GET", "/transactions"), ("GET", "/transactions/{id}"), ("GET", "/admin/tenants"),
        ("POST", "/admin/tenants/{id}/deactivate"), ("POST", "/admin/tenants/{id}/activate"),
        ("PUT", "/admin/tenants/{id}/fees"), ("POST", "/admin/gold-price"), ("GET", "/health"),
        ("GET", "/swagger"), ("GET", "/swagger/spec"),
    }  # fmt: skip
    assert expected <= set(CALLS)


@pytest.mark.parametrize(("method", "path"), [pair for pair in CALLS if pair[1] not in OPEN])
class TestProtectedCalls:
    def test_want_a_token(self, method: str, path: str, api: Api) -> None:
        answer = call(api, method, path, {} if method != "GET" else None)
        assert_refused(answer)
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "unauthorized")
        assert answer["WWW-Authenticate"].startswith("Bearer")

    @pytest.mark.parametrize(
        "header", ["Bearer", "Bearer x", "Basic eDp5", "Bearer a.b.c", "bearer  ", "\x00", "Bearer é"]
    )
    def test_refuse_what_is_no_token(self, method: str, path: str, header: str, api: Api) -> None:
        answer = call(api, method, path, {} if method != "GET" else None, Authorization=header)
        assert_refused(answer)
        assert answer.status_code == 401

    def test_end_with_the_session(self, method: str, path: str, alice: Person) -> None:
        assert alice.post("/auth/logout", {"refresh_token": alice.tokens["refresh_token"]}).status_code == 204
        body = {"grams": "1"} if "/wallet/" in path else {}
        answer = call(alice, method, path, body if method != "GET" else None, Idempotency_Key="k")
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "token_revoked")


@pytest.mark.parametrize(("method", "path"), WRITES)
class TestRudeBodies:
    @pytest.mark.parametrize("body", RUDE.values(), ids=RUDE.keys())
    def test_from_nobody(self, method: str, path: str, body: bytes, api: Api) -> None:
        assert_refused(call(api, method, path, body))

    @pytest.mark.parametrize("content_type", TYPES)
    def test_of_other_types(self, method: str, path: str, content_type: str, api: Api) -> None:
        assert_refused(call(api, method, path, b'{"a": 1}', Content_Type=content_type))


def test_rude_bodies_from_a_customer(alice: Person) -> None:
    for method, path in WRITES:
        for body in RUDE.values():
            if (path, body) in {("/auth/logout", b"{}"), *((ERASURE, empty) for empty in (b"", b"{}"))}:
                continue
            assert_refused(call(alice, method, path, body, Idempotency_Key="k"))
    assert alice.get("/wallet").json()["fiat_balance_eur"] == "10000.00"


def test_rude_bodies_from_an_admin(olivia: Person) -> None:
    bodiless = {"/admin/tenants/{id}/activate", "/admin/tenants/{id}/deactivate"}
    for method, path in WRITES:
        for body in RUDE.values():
            if path in {"/admin/etl/trigger", ERASURE} and body in {b"", b"{}"}:
                continue
            answer = call(olivia, method, path, body, Idempotency_Key="k")
            assert_refused(answer)
            assert path not in bodiless or answer.status_code in {400, 404, 413}


@pytest.mark.parametrize("method", ["DELETE", "PATCH", "PUT", "TRACE"])
@pytest.mark.parametrize("path", ["/wallet", "/wallet/buy", "/auth/login", "/transactions"])
def test_other_methods_are_refused(method: str, path: str, alice: Person) -> None:
    answer = call(alice, method, path, {})
    assert_refused(answer)
    assert (answer.status_code, answer.json()["error"]["code"]) == (405, "method_not_allowed")
    assert answer["Allow"]


class TestStrangers:
    """Each call that names something, with something of somebody else's."""

    def test_do_not_exist_for_customers(self, alice: Person, bob: Person, charlie: Person) -> None:
        foreign: list[UUID | str] = []
        for stranger in (bob, charlie):
            foreign.append(stranger.buy(grams="1").json()["transaction"]["id"])
            foreign += [stranger.wallet_id, stranger.user_id, stranger.tenant.id]
        for method, path in [pair for pair in CALLS if "{id}" in pair[1]]:
            for identifier in foreign:
                body = None if method == "GET" else {"buy_fee_rate": "0", "sell_fee_rate": "0", "min_fee_eur_cents": 0}
                answer = call(alice, method, path.replace("{id}", str(identifier)), body)
                assert answer.status_code in {403, 404}, (method, path)
                if not path.startswith("/admin"):
                    assert answer.status_code == 404

    def test_do_not_exist_for_a_tenant_s_admin(self, tom: Person, charlie: Person) -> None:
        for method, path in [pair for pair in CALLS if pair[1].startswith("/admin/tenants/{id}")]:
            body = {"buy_fee_rate": "0", "sell_fee_rate": "0", "min_fee_eur_cents": 0} if method == "PUT" else b""
            answer = call(tom, method, path.replace("{id}", str(charlie.tenant.id)), body)
            assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found"), (method, path)

    def test_are_not_reached_by_naming_their_tenant(self, alice: Person, charlie: Person) -> None:
        charlie.buy(grams="1")
        named = str(charlie.tenant.id)
        headers = {"X_Tenant_Id": named, "X_Tenant": named, "Tenant": charlie.tenant.code}
        for path in ("/wallet", "/transactions"):
            answer = alice.get(f"{path}?tenant_id={named}&tenant={named}&tenant_code={charlie.tenant.code}", **headers)
            assert answer.status_code == 200
            assert str(charlie.wallet_id) not in answer.content.decode()
            assert named not in answer.content.decode()

    def test_keys_are_not_shared_between_tenants(self, alice: Person, charlie: Person) -> None:
        mine, theirs = alice.buy("same-key", grams="1"), charlie.buy("same-key", grams="1")
        assert mine.json()["transaction"]["id"] != theirs.json()["transaction"]["id"]
