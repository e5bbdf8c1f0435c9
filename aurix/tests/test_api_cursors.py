"""Lists in pages: complete, stable while rows arrive, and with cursors that nobody can forge or carry elsewhere."""

import base64
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from aurix.tests import plumbing_urls
from aurix.tests.test_api_errors import error_of

pytestmark = pytest.mark.urls("aurix.tests.plumbing_urls")

TENANT, ALICE, BOB = uuid4(), uuid4(), uuid4()


@pytest.fixture(autouse=True)
def rows() -> Iterator[list[int]]:
    """Ten rows, newest first."""
    plumbing_urls.ROWS[:] = range(10, 0, -1)
    yield plumbing_urls.ROWS
    plumbing_urls.ROWS.clear()


def get(path: str, *, who: Any = ALICE, tenant: Any = TENANT, **query: Any) -> Any:
    return Client().get(path, query, headers={"Authorization": f"Test {tenant}/{who}"})


def numbers(answer: Any) -> list[int]:
    assert answer.status_code == 200, answer.content
    return [item["number"] for item in answer.json()["items"]]


class TestPages:
    def test_cover_the_list_without_gap_or_repeat(self) -> None:
        answer = get("/rows", limit=4)
        seen = [numbers(answer)]
        while cursor := answer.json()["next_cursor"]:
            answer = get("/rows", limit=4, cursor=cursor)
            seen.append(numbers(answer))
        assert seen == [[10, 9, 8, 7], [6, 5, 4, 3], [2, 1]]

    def test_end_with_a_full_page(self) -> None:
        answer = get("/rows", limit=10)
        assert len(numbers(answer)) == 10
        assert answer.json()["next_cursor"] is None

    def test_may_be_empty(self, rows: list[int]) -> None:
        rows.clear()
        assert get("/rows").json() == {"items": [], "next_cursor": None}

    def test_have_a_default_size(self) -> None:
        assert numbers(get("/rows")) == [10, 9, 8]

    def test_stay_where_they_are_while_rows_arrive(self, rows: list[int]) -> None:
        cursor = get("/rows", limit=3).json()["next_cursor"]
        rows[:0] = [12, 11]
        assert numbers(get("/rows", limit=3, cursor=cursor)) == [7, 6, 5]

    def test_may_change_their_size(self) -> None:
        cursor = get("/rows", limit=3).json()["next_cursor"]
        assert numbers(get("/rows", limit=5, cursor=cursor)) == [7, 6, 5, 4, 3]

    def test_ignore_parameters_they_do_not_know(self) -> None:
        assert numbers(get("/rows", colour="red", format="api", page="2")) == [10, 9, 8]


class TestLimit:
    @pytest.mark.parametrize(
        "limit",
        ["0", "11", "-1", "+1", "1.0", "1e1", "x", "", " 1", "1 ", "٣", "9" * 30, "0x1", "NaN", "1_0", ["1", "1"]],
    )
    def test_out_of_range_is_refused(self, limit: Any) -> None:
        answer = get("/rows", limit=limit)
        assert answer.status_code == 400
        error = error_of(answer)
        assert error["code"] == "bad_request"
        assert list(error["details"]["fields"]) == ["limit"]

    @pytest.mark.parametrize("limit", ["1", "10", "007"])
    def test_within_is_taken(self, limit: str) -> None:
        assert len(numbers(get("/rows", limit=limit))) == int(limit)


class TestCursor:
    def refused(self, answer: Any) -> None:
        assert answer.status_code == 400, answer.content
        error = error_of(answer)
        assert error["code"] == "bad_request"
        assert list(error["details"]["fields"]) == ["cursor"]

    @pytest.fixture
    def cursor(self) -> str:
        return str(get("/rows").json()["next_cursor"])

    def test_of_another_list_is_refused(self, cursor: str) -> None:
        self.refused(get("/other-rows", cursor=cursor))

    def test_of_another_person_is_refused(self, cursor: str) -> None:
        self.refused(get("/rows", cursor=cursor, who=BOB))

    def test_of_another_tenant_is_refused(self, cursor: str) -> None:
        self.refused(get("/rows", cursor=cursor, tenant=uuid4()))

    def test_of_another_filter_is_refused(self, cursor: str) -> None:
        self.refused(get("/rows", cursor=cursor, below="5"))

    @pytest.mark.parametrize(
        "cursor",
        [
            "",
            "x",
            "10",
            "=",
            "!!!!",
            "ä",
            "\x00x",
            "AAAA",
            "A" * 5000,
            base64.b64encode(b"\x00" * 16 + b"[5]").decode(),
            "null",
        ],
    )
    def test_made_up_is_refused(self, cursor: str) -> None:
        answer = get("/rows", cursor=cursor)
        if "\x00" in cursor:
            assert answer.status_code == 400
        else:
            self.refused(answer)

    def test_changed_in_any_place_is_refused(self, cursor: str) -> None:
        for index in range(len(cursor)):
            other = cursor[:index] + ("A" if cursor[index] != "A" else "B") + cursor[index + 1 :]
            self.refused(get("/rows", cursor=other))

    def test_cut_or_extended_is_refused(self, cursor: str) -> None:
        for other in (cursor[:-1], cursor[1:], cursor + "A", cursor + "=", cursor * 2, " " + cursor):
            self.refused(get("/rows", cursor=other))

    def test_given_twice_is_refused(self, cursor: str) -> None:
        self.refused(get("/rows", cursor=[cursor, cursor]))

    def test_needs_no_escaping_in_a_url(self, cursor: str) -> None:
        assert cursor.replace("-", "").replace("_", "").isalnum()
