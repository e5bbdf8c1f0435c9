"""Input is what it says: unknown fields, wrong types and numbers for decimals are refused by name."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from django.test import Client

from aurix.tests.test_api_errors import error_of

pytestmark = pytest.mark.urls("aurix.tests.plumbing_urls")

ME = {"Authorization": f"Test {uuid4()}/{uuid4()}"}
QUOTE = "0192f0c1-8a1c-7c3e-9c5e-3f1d6f1f2a3b"


@pytest.fixture
def client() -> Client:
    return Client()


def refusal(client: Client, body: dict[str, Any], *, path: str = "/echo") -> dict[str, Any]:
    """The error that ``body`` causes."""
    answer = client.post(path, body, content_type="application/json", headers=ME)
    assert answer.status_code == 400, answer.content
    error = error_of(answer)
    assert error["code"] == "bad_request"
    return error


class TestUnknownField:
    def test_is_refused_by_name(self, client: Client) -> None:
        error = refusal(client, {"text": "a", "tenant_id": "b", "colour": "red"})
        assert set(error["details"]["fields"]) == {"tenant_id", "colour"}
        assert "tenant_id" in error["message"]
        assert "colour" in error["message"]

    def test_is_not_repeated_at_any_length(self, client: Client) -> None:
        error = refusal(client, {f"{number}" + "x" * 500: 1 for number in range(100)})
        assert len(error["message"]) < 3000

    @pytest.mark.parametrize("name", ["Text", " text", "__class__", "", "non_field_errors"])
    def test_may_look_like_a_known_one(self, client: Client, name: str) -> None:
        assert refusal(client, {name: "a"})


class TestWrongValue:
    @pytest.mark.parametrize(
        ("field", "values"),
        {
            "grams": [
                1,
                1.5,
                0,
                -1,
                1e30,
                None,
                True,
                False,
                [],
                {},
                ["1"],
                "",
                " 1",
                "1 ",
                "1.",
                ".5",
                "-1",
                "+1",
                "1e5",
                "1,5",
                "0x1",
                "NaN",
                "Infinity",
                "1_000",
                "\u0661",
                "1" * 100,
                "0.000000001",
            ],
            "text": [1, 1.5, None, True, [], {}, "", "x" * 11],
            "maybe": [1, 1.5, True, [], {}],
            "count": [1.0, 1.5, None, True, "1", [], {}, -1, 1001, 10**30],
            "side": ["Buy", "hold", 1, None, "", ["buy"]],
            "quote_id": [
                1,
                None,
                "",
                "x",
                QUOTE + "0",
                "{" + QUOTE + "}",
                QUOTE.replace("-", ""),
                [QUOTE],
                "urn:uuid:" + QUOTE,
            ],
        }.items(),
    )
    def test_is_refused_by_the_name_of_its_field(self, client: Client, field: str, values: list[Any]) -> None:
        for value in values:
            error = refusal(client, {field: value})
            assert list(error["details"]["fields"]) == [field], value
            assert field in error["message"]

    def test_names_all_fields_that_are_wrong(self, client: Client) -> None:
        error = refusal(client, {"grams": 1, "count": "1"})
        assert error["details"]["fields"] == {
            "grams": 'must be a decimal string such as "12.50", not a JSON number',
            "count": "must be a whole number",
        }

    def test_may_be_missing(self, client: Client) -> None:
        assert refusal(client, {}, path="/limited")["details"]["fields"] == {"name": "is required"}

    def test_may_have_a_code_of_the_calls_own(self, client: Client) -> None:
        answer = client.post("/echo", {"eur": "1.234"}, content_type="application/json", headers=ME)
        assert answer.status_code == 422
        assert error_of(answer) == {
            "code": "invalid_amount",
            "message": "eur must have at most 2 decimal places.",
            "details": {"fields": {"eur": "must have at most 2 decimal places"}},
        }

    def test_is_bad_request_as_a_number_all_the_same(self, client: Client) -> None:
        assert refusal(client, {"eur": 1.23})


class TestRightValue:
    @pytest.mark.parametrize(
        ("field", "value", "read"),
        [
            ("grams", "1.25000000", "1.25000000"),
            ("grams", "0", "0"),
            ("grams", "007.5", "7.5"),
            ("eur", "81.75", "81.75"),
            ("text", " a ", " a "),
            ("text", "ä€😀", "ä€😀"),
            ("maybe", "", ""),
            ("maybe", None, "None"),
            ("count", 0, "0"),
            ("count", 1000, "1000"),
            ("side", "sell", "sell"),
            ("quote_id", QUOTE.upper(), str(UUID(QUOTE))),
        ],
    )
    def test_is_read(self, client: Client, field: str, value: Any, read: str) -> None:
        answer = client.post("/echo", {field: value}, content_type="application/json", headers=ME)
        assert answer.json() == {field: read}
