"""Every error is the contract's: one format, the right status, nothing from inside."""

import json
from typing import Any

import pytest
from django.test import Client

pytestmark = pytest.mark.urls("aurix.tests.plumbing_urls")

FAILURES = [
    ("refusal", 401, "token_expired"),
    ("own_code", 422, "invalid_amount"),
    ("validation", 400, "bad_request"),
    ("parse", 400, "bad_request"),
    ("not_authenticated", 401, "unauthorized"),
    ("authentication_failed", 401, "unauthorized"),
    ("permission", 403, "forbidden"),
    ("django_permission", 403, "forbidden"),
    ("not_found", 404, "not_found"),
    ("http404", 404, "not_found"),
    ("method", 405, "method_not_allowed"),
    ("throttled", 429, "rate_limited"),
    ("suspicious", 400, "bad_request"),
    ("too_big", 413, "payload_too_large"),
    ("database", 503, "service_unavailable"),
    ("data", 400, "bad_request"),
    ("conflict", 409, "conflict"),
    ("defect", 500, "internal_error"),
    ("decimal", 500, "internal_error"),
]


def error_of(answer: Any) -> dict[str, Any]:
    """The error in ``answer``, which must have the contract's format."""
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["X-Request-Id"]
    body = json.loads(answer.content)
    assert list(body["error"]) == ["code", "message", "details"]
    assert body["error"]["message"]
    assert isinstance(body["error"]["details"], dict)
    assert b"secret" not in answer.content
    error: dict[str, Any] = body["error"]
    return error


@pytest.fixture
def client() -> Client:
    return Client(raise_request_exception=False)


class TestHandler:
    @pytest.mark.parametrize(("kind", "status", "code"), FAILURES)
    @pytest.mark.parametrize("accept", ["*/*", "application/json", "text/plain, */*"])
    def test_renders_whatever_a_view_raises(
        self, client: Client, kind: str, status: int, code: str, accept: str
    ) -> None:
        answer = client.get(f"/fail/{kind}", headers={"Accept": accept})
        assert answer.status_code == status
        assert error_of(answer)["code"] == code

    @pytest.mark.parametrize(
        ("kind", "status"),
        [("http404", 404), ("django_permission", 403), ("suspicious", 400), ("too_big", 413), ("defect", 500)],
    )
    @pytest.mark.parametrize("mode", ["", "DEBUG"])
    def test_renders_what_a_plain_view_raises(
        self, client: Client, settings: Any, kind: str, status: int, mode: str
    ) -> None:
        settings.DEBUG = bool(mode)
        answer = client.get(f"/plain-fail/{kind}", headers={"Accept": "text/html"})
        if mode and kind == "too_big":
            status = 400  # of Django's page for developers, which knows no other
        assert answer.status_code == status
        error_of(answer)

    def test_says_which_authentication_is_due(self, client: Client) -> None:
        assert client.get("/fail/refusal").headers["WWW-Authenticate"] == "Bearer"
        assert client.get("/fail/not_authenticated").headers["WWW-Authenticate"] == "Bearer"

    def test_names_fields_by_their_paths(self, client: Client) -> None:
        error = error_of(client.get("/fail/validation"))
        assert error["details"] == {"fields": {"a.b": "wrong", "list.1.c": "worse"}}

    def test_tells_how_long_to_wait(self, client: Client) -> None:
        answer = client.get("/fail/throttled")
        assert answer.headers["Retry-After"] == "7"
        assert error_of(answer)["details"] == {"retry_after_seconds": 7}

    def test_lets_a_defect_reach_the_test_that_caused_it(self) -> None:
        with pytest.raises(RuntimeError, match="secret"):
            Client().get("/fail/defect")

    @pytest.mark.parametrize("kind", ["defect", "database", "data"])
    def test_logs_the_traceback_of_what_it_hides(
        self, client: Client, kind: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        client.get(f"/fail/{kind}")
        assert [record for record in caplog.records if record.exc_info or "exc_info" in str(record.msg)]


class TestUnknownPath:
    @pytest.mark.parametrize(
        "path", ["/nothing", "/read/", "/read.json", "/fail/", "/swagger/", "//read", "/%F0%9F%92%A5", "/%ff"]
    )
    @pytest.mark.parametrize("accept", ["application/json", "text/html", "image/png", ""])
    def test_is_404_for_every_client(self, client: Client, path: str, accept: str) -> None:
        answer = client.get(path, headers={"Accept": accept})
        assert answer.status_code == 404
        assert error_of(answer)["code"] == "not_found"


class TestMethods:
    @pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"])
    def test_refuses_and_names_the_right_ones(self, client: Client, method: str) -> None:
        answer = client.generic(method, "/read")
        assert answer.status_code == 405
        assert answer.headers["Allow"] == "GET, HEAD, POST"
        assert error_of(answer)["code"] == "method_not_allowed"

    def test_is_looked_at_before_the_token(self, client: Client) -> None:
        assert client.delete("/echo").status_code == 405

    def test_refuses_in_a_plain_view_too(self, client: Client) -> None:
        answer = client.post("/swagger/spec")
        assert answer.status_code == 405
        assert answer.headers["Allow"] == "GET, HEAD"
        assert error_of(answer)["code"] == "method_not_allowed"

    def test_answers_head_without_a_body(self, client: Client) -> None:
        answer = client.head("/read")
        assert answer.status_code == 200
        assert answer.content == b""


class TestPlainErrorPages:
    @pytest.mark.parametrize(
        ("status", "code"),
        [
            (400, "bad_request"),
            (403, "forbidden"),
            (409, "conflict"),
            (418, "im_a_teapot"),
            (500, "internal_error"),
            (503, "service_unavailable"),
        ],
    )
    def test_become_json(self, client: Client, status: int, code: str) -> None:
        answer = client.get(f"/status/{status}", headers={"Accept": "text/html"})
        assert answer.status_code == status
        assert answer.headers["X-Kept"] == "yes"
        assert error_of(answer)["code"] == code

    def test_stay_pages_in_the_back_office(self, client: Client) -> None:
        answer = client.get("/backoffice/status/500")
        assert answer.content == b"<h1>secret</h1>"
        missing = client.get("/backoffice/nothing")
        assert missing.status_code == 404
        assert missing.headers["Content-Type"].startswith("text/html")

    def test_are_not_made_of_a_host_that_is_not_ours(self, client: Client, settings: Any) -> None:
        settings.ALLOWED_HOSTS = ["aurix.example"]
        answer = client.get("/read", headers={"Host": "evil.example"})
        assert answer.status_code == 400
        assert error_of(answer)["code"] == "bad_request"
