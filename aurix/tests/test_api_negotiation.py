"""JSON for programs, a page for a person's browser, 406 for whoever wants neither."""

import json

import pytest
from django.test import Client

from aurix.tests.test_api_errors import error_of

pytestmark = pytest.mark.urls("aurix.tests.plumbing_urls")

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"


@pytest.fixture
def client() -> Client:
    return Client()


class TestAccept:
    @pytest.mark.parametrize(
        "accept",
        [
            None,
            "",
            "*/*",
            "application/json",
            "application/*",
            "application/json; q=0.9",
            "text/plain, */*",
            "application/json, text/html",
            "application/json, text/plain, */*",
            "image/png, application/json",
            "*/*;q=0.5",
            "APPLICATION/JSON",
        ],
    )
    def test_gets_json(self, client: Client, accept: str | None) -> None:
        answer = client.get("/read", headers={} if accept is None else {"Accept": accept})
        assert answer.status_code == 200
        assert answer.headers["Content-Type"] == "application/json"
        assert answer.content == b'{"read":{}}'

    @pytest.mark.parametrize(
        "accept", ["text/plain", "application/xml", "image/*", "nonsense", ",", ";", "text/csv;q=1", "x" * 20_000]
    )
    @pytest.mark.parametrize("method", ["GET", "POST"])
    def test_that_nothing_satisfies_is_406(self, client: Client, accept: str, method: str) -> None:
        answer = client.generic(method, "/read", headers={"Accept": accept})
        assert answer.status_code == 406
        assert error_of(answer)["code"] == "not_acceptable"

    def test_alone_decides(self, client: Client) -> None:
        answer = client.get("/read?format=api", headers={"Accept": "*/*"})
        assert answer.headers["Content-Type"] == "application/json"
        assert client.get("/read?format=xml").status_code == 200

    def test_makes_answers_differ_for_caches(self, client: Client) -> None:
        assert "Accept" in client.get("/read").headers["Vary"]


class TestBrowser:
    def test_gets_a_page_of_ours(self, client: Client) -> None:
        answer = client.get("/read", headers={"Accept": BROWSER})
        assert answer.status_code == 200
        assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
        page = answer.content.decode()
        assert "Aurix API" in page
        assert "Django REST framework" not in page
        assert "&quot;read&quot;: {}" in page
        assert "<form" not in page.partition('id="content"')[2].replace('<form id="get-form"', "")

    def test_needs_nothing_from_elsewhere(self, client: Client) -> None:
        page = client.get("/read", headers={"Accept": BROWSER}).content.decode()
        for attribute in ('src="', 'href="'):
            for target in page.split(attribute)[1:]:
                assert not target.startswith(("http", "//"))

    def test_gets_errors_as_a_page_too(self, client: Client) -> None:
        answer = client.get("/echo", headers={"Accept": BROWSER})
        assert answer.status_code == 405
        refused = client.post("/echo", headers={"Accept": BROWSER})
        assert refused.status_code == 401
        assert refused.headers["Content-Type"].startswith("text/html")
        assert b"unauthorized" in refused.content

    def test_is_not_run_by_what_somebody_sent(self, client: Client) -> None:
        body = json.dumps({"a": "<script>alert(1)</script>"})
        answer = client.generic("POST", "/read", body, content_type="application/json", headers={"Accept": BROWSER})
        assert b"<script>alert(1)" not in answer.content
