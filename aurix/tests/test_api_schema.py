"""The OpenAPI document and Swagger UI, offline."""

import re

import pytest
from django.contrib.staticfiles import finders
from django.test import Client

from aurix.api import schema
from aurix.tests.test_api_errors import error_of


@pytest.mark.urls("aurix.tests.plumbing_urls")
class TestSwagger:
    def test_shows_our_document(self) -> None:
        page = Client().get("/swagger").content.decode()
        assert 'url: "/swagger/spec"' in page
        assert "<title>Aurix API</title>" in page

    def test_needs_nothing_from_elsewhere(self) -> None:
        page = Client().get("/swagger").content.decode()
        targets = re.findall(r'(?:src|href)="([^"]*)"', page)
        assert len(targets) == 3
        for target in targets:
            assert target.startswith("/static/")
            assert finders.find(target.removeprefix("/static/"))
            answer = Client().get(target)
            assert answer.status_code == 200
            assert b"".join(answer.streaming_content)  # type: ignore[attr-defined]


class TestSpec:
    @pytest.mark.urls("aurix.tests.plumbing_urls")
    @pytest.mark.parametrize("accept", ["*/*", "text/html", "application/json"])
    def test_is_json_for_everybody(self, accept: str) -> None:
        answer = Client().get("/swagger/spec", headers={"Accept": accept})
        assert answer.status_code == 200
        assert answer.headers["Content-Type"] == "application/json"
        assert answer.json()["openapi"].startswith("3.")

    def test_describes_the_calls(self) -> None:
        document = Client().get("/swagger/spec").json()
        assert {"/wallet", "/wallet/buy", "/wallet/sell", "/transactions", "/health", "/auth/login"} <= set(
            document["paths"]
        )
        assert document["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"
        error = document["components"]["schemas"]["Error"]
        assert set(error["properties"]) == {"code", "message", "details"}

    def test_names_the_idempotency_key(self) -> None:
        parameters = Client().get("/swagger/spec").json()["paths"]["/wallet/buy"]["post"]["parameters"]
        assert [parameter["name"] for parameter in parameters if parameter["in"] == "header"] == ["Idempotency-Key"]

    def test_says_that_health_needs_no_token(self) -> None:
        document = Client().get("/swagger/spec").json()
        assert {"bearer": []} in document["paths"]["/wallet"]["get"]["security"]
        assert "security" not in document["paths"]["/health"]["get"]


class TestErrors:
    def test_are_described_once_for_each_status(self) -> None:
        described = schema.errors(400, 404)
        assert set(described) == {400, 404}
        assert described[404].description == "Not Found"


@pytest.mark.urls("aurix.tests.plumbing_urls")
def test_static_files_that_do_not_exist_are_404() -> None:
    answer = Client().get("/static/nothing.js")
    assert answer.status_code == 404
    error_of(answer)
