"""What holds for every request: its id, its line in the log, and text that is text."""

import json
import re
from typing import Any
from uuid import UUID, uuid4

import pytest
import structlog
from django.test import Client

from aurix import context
from aurix.tests.test_api_errors import error_of

pytestmark = pytest.mark.urls("aurix.tests.plumbing_urls")


@pytest.fixture
def client() -> Client:
    return Client(raise_request_exception=False)


class TestRequestId:
    @pytest.mark.parametrize("given", ["a", "x" * 128, "01/{}~!"])
    def test_is_taken_and_echoed(self, client: Client, given: str) -> None:
        assert client.get("/read", headers={"X-Request-Id": given}).headers["X-Request-Id"] == given

    @pytest.mark.parametrize("given", [None, "", " ", "a b", "x" * 129, "ä", "a\x00", "\x7f", "a\r\nSet-Cookie: x"])
    def test_is_made_otherwise(self, client: Client, given: str | None) -> None:
        headers = {} if given is None else {"X-Request-Id": given}
        assert UUID(client.get("/read", headers=headers).headers["X-Request-Id"]).version == 7

    @pytest.mark.parametrize(
        "path",
        [
            "/read",
            "/nothing",
            "/fail/defect",
            "/fail/database",
            "/status/418",
            "/stream",
            "/swagger",
            "/read?a=%00",
            "/backoffice/nothing",
        ],
    )
    def test_is_on_every_answer(self, client: Client, path: str) -> None:
        assert client.get(path, headers={"X-Request-Id": "mine"}).headers["X-Request-Id"] == "mine"

    def test_is_known_while_the_request_is_served_and_gone_after(self, client: Client) -> None:
        seen = []
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("aurix.tests.plumbing_urls.tenant_of", lambda code: None)
            patch.setattr("aurix.api.ratelimits.enforce", lambda **_: seen.append(context.request_id()))
            client.post("/login", {}, content_type="application/json", headers={"X-Request-Id": "mine"})
        assert seen == ["mine"]
        assert context.request_id() == ""


class TestAccessLog:
    def lines(self, caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
        return [json.loads(record.msg) for record in caplog.records if record.name == "aurix.access"]

    def test_is_one_line_for_each_request(self, client: Client, caplog: pytest.LogCaptureFixture) -> None:
        client.get("/read")
        (line,) = self.lines(caplog)
        assert line["method"] == "GET"
        assert line["path"] == "/read"
        assert line["status"] == 200
        assert line["duration_ms"] > 0
        assert line["request_id"]

    @pytest.mark.parametrize("path", ["/nothing", "/fail/defect", "/fail/http404", "/status/500", "/read?a=%00"])
    def test_is_one_line_for_errors_too(self, client: Client, caplog: pytest.LogCaptureFixture, path: str) -> None:
        client.get(path)
        assert len(self.lines(caplog)) == 1

    def test_says_who_it_was(self, client: Client, caplog: pytest.LogCaptureFixture) -> None:
        tenant_id, user_id = uuid4(), uuid4()
        client.post("/echo", headers={"Authorization": f"Test {tenant_id}/{user_id}"})
        (line,) = self.lines(caplog)
        assert (line["tenant_id"], line["user_id"]) == (str(tenant_id), str(user_id))
        caplog.clear()
        client.get("/read")
        assert "user_id" not in self.lines(caplog)[0]

    def test_holds_neither_query_nor_body_nor_headers(
        self, client: Client, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
    ) -> None:
        body = {"password": "sesame-1", "email": "alice@example.org", "note": "sesame-2"}
        for path in ("/read?token=sesame-3", "/nothing?token=sesame-3", "/fail/defect?token=sesame-3"):
            client.post(path, body, content_type="application/json", headers={"Authorization": "Bearer sesame-4"})
            client.get(path, headers={"Authorization": "Bearer sesame-4", "Cookie": "a=sesame-5"})
        everything = caplog.text + capsys.readouterr().out
        assert "sesame" not in everything
        assert "alice@" not in everything


class TestText:
    @pytest.mark.parametrize(
        "path",
        [
            "/re%00ad",
            "/%00",
            "/fail/%00",
            "/read?a=%00",
            "/read?%00=a",
            "/read?a=%ff",
            "/read?a=%C3",
            "/rows?cursor=%00",
            "/swagger?a=%ff",
            "/health?a=%00",
        ],
    )
    def test_that_is_none_is_400(self, client: Client, path: str) -> None:
        answer = client.get(path)
        assert answer.status_code == 400
        assert error_of(answer)["code"] == "bad_request"

    @pytest.mark.parametrize(
        "query", ["a=%C3%A4", "a=%F0%9F%92%A5", "a=100%", "a=%zz", "=&&==", "a[]=1", "%", "a=%2500"]
    )
    def test_may_be_any_other(self, client: Client, query: str) -> None:
        assert client.get(f"/read?{query}").status_code == 200

    @pytest.mark.parametrize("path", ["/reäd", "/%ff", "/\u2028", "/..%2fread", "/../read", "/read;a=b", "/read%2F"])
    def test_of_a_path_may_just_be_unknown(self, client: Client, path: str) -> None:
        assert client.get(path).status_code == 404

    def test_of_a_query_may_be_long(self, client: Client) -> None:
        assert client.get("/read?" + "&".join(f"a{n}=1" for n in range(5000))).status_code == 200
        headers = {"Authorization": f"Test {uuid4()}/{uuid4()}"}
        answer = client.get("/rows?" + "&".join(f"a{n}=1" for n in range(5000)), headers=headers)
        assert answer.status_code == 400
        error_of(answer)


class TestCors:
    @pytest.fixture(autouse=True)
    def _allow(self, settings: Any) -> None:
        settings.CORS_ALLOWED_ORIGINS = ["https://app.example"]
        outermost, *rest = settings.MIDDLEWARE
        settings.MIDDLEWARE = [outermost, "corsheaders.middleware.CorsMiddleware", *rest]

    def preflight(self, client: Client, origin: str) -> Any:
        headers = {
            "Origin": origin,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization,idempotency-key",
        }
        return client.options("/pay", headers=headers)

    def test_answers_a_preflight_of_an_origin_that_is_allowed(self, client: Client) -> None:
        answer = self.preflight(client, "https://app.example")
        assert answer.status_code == 200
        assert answer.headers["Access-Control-Allow-Origin"] == "https://app.example"
        assert "idempotency-key" in answer.headers["Access-Control-Allow-Headers"]

    def test_allows_nobody_else(self, client: Client) -> None:
        assert "Access-Control-Allow-Origin" not in self.preflight(client, "https://evil.example").headers

    @pytest.mark.parametrize("path", ["/read", "/nothing", "/fail/refusal", "/fail/defect"])
    def test_lets_scripts_read_answers_and_errors(self, client: Client, path: str) -> None:
        answer = client.get(path, headers={"Origin": "https://app.example"})
        assert answer.headers["Access-Control-Allow-Origin"] == "https://app.example"
        assert "X-Request-Id" in answer.headers["Access-Control-Expose-Headers"]


def test_streams_keep_their_request_id_to_the_end(client: Client) -> None:
    answer = client.get("/stream", headers={"X-Request-Id": "mine"})
    assert context.request_id() == "mine"
    assert len(b"".join(answer.streaming_content)) == 1024 * 1024  # type: ignore[attr-defined]
    structlog.contextvars.clear_contextvars()


def test_answers_are_plain_json(client: Client) -> None:
    answer = client.post("/read", {"a": "ä"}, content_type="application/json")
    assert answer.content == '{"read":{"a":"ä"}}'.encode()
    assert json.loads(answer.content)
    assert re.fullmatch(r"application/json", answer.headers["Content-Type"])
