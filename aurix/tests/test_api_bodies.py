"""Rude bodies of every kind: a 4xx in the error format, and the service stands."""

import contextlib
import json
from typing import Any

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from aurix.api.parsers import read_object
from aurix.errors import BadRequest
from aurix.tests.test_api_errors import error_of

pytestmark = pytest.mark.urls("aurix.tests.plumbing_urls")

DEEP = b'{"a":' * 40 + b"1" + b"}" * 40
RUDE = {
    "nothing": b"",
    "blank": b" \n",
    "broken": b"{",
    "cut off": b'{"a": "b',
    "trailing": b'{"a": 1} {"b": 2}',
    "trailing comma": b'{"a": 1,}',
    "single quotes": b"{'a': 1}",
    "comment": b'{"a": 1} // why',
    "null": b"null",
    "true": b"true",
    "number": b"1",
    "text": b'"text"',
    "list": b"[]",
    "list of objects": b'[{"a": 1}]',
    "NaN": b'{"a": NaN}',
    "infinity": b'{"a": -Infinity}',
    "a number beyond all": b'{"a": 1e999}',
    "NUL byte": b'{"a": "\x00"}',
    "NUL escaped": b'{"a": "\\u0000"}',
    "NUL deep": b'{"a": [{"b": "x\\u0000y"}]}',
    "NUL in a name": b'{"a\\u0000": 1}',
    "lone surrogate": b'{"a": "\\ud800"}',
    "lone surrogate in a name": b'{"\\udfff": 1}',
    "control character": b'{"a": "\x01"}',
    "not UTF-8": b'{"a": "\xff"}',
    "UTF-16": '{"a": 1}'.encode("utf-16"),
    "byte order mark": b'\xef\xbb\xbf{"a": 1}',
    "a name twice": b'{"a": 1, "a": 2}',
    "a name twice, escaped": b'{"a": 1, "\\u0061": 2}',
    "a name twice, deep": b'{"a": [{"b": 1, "b": 1}]}',
    "deep": DEEP,
    "deep lists": b'{"a":' + b"[" * 900 + b"]" * 900 + b"}",
    "bottomless": b'{"a":' * 10_000,
    "bottomless lists": b"[" * 65_000,
}


LEAVES = st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text()


@pytest.fixture
def client() -> Client:
    return Client()


def post(client: Client, path: str, body: bytes, content_type: str = "application/json") -> Any:
    return client.generic("POST", path, body, content_type=content_type)


class TestRudeBody:
    @pytest.mark.parametrize("name", sorted(set(RUDE) - {"nothing"}))
    @pytest.mark.parametrize("path", ["/read", "/login"])
    def test_is_refused(self, client: Client, path: str, name: str) -> None:
        answer = post(client, path, RUDE[name])
        assert answer.status_code == 400
        assert error_of(answer)["code"] == "bad_request"

    def test_may_be_absent_where_nothing_is_needed(self, client: Client) -> None:
        assert post(client, "/read", b"").json() == {"read": {}}

    def test_is_named_by_what_is_wrong(self, client: Client) -> None:
        error = error_of(post(client, "/read", b'{"a": 1, "a": 2}'))
        assert error["details"] == {"fields": {"a": "is given twice"}}


class TestGoodBody:
    @pytest.mark.parametrize(
        "body", [{}, {"a": None}, {"a": "ä€😀"}, {"a": [1, 2.5, True, {"b": []}]}, {"": ""}, {"n": 10**18}]
    )
    def test_is_read(self, client: Client, body: dict[str, Any]) -> None:
        assert post(client, "/read", json.dumps(body).encode()).json() == {"read": body}
        assert post(client, "/read", json.dumps(body, ensure_ascii=False).encode()).json() == {"read": body}

    def test_may_be_nested_as_deep_as_anyone_needs(self) -> None:
        assert read_object(b'{"a":' * 20 + b"1" + b"}" * 20)

    @given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
    def test_or_else_it_is_refused(self, raw: bytes) -> None:
        with contextlib.suppress(BadRequest):
            assert isinstance(read_object(raw), dict)

    @given(st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
    def test_comes_out_as_it_went_in(self, value: Any) -> None:
        raw = json.dumps({"value": value})
        if "\\u0000" in raw or "\\ud" in raw:
            return
        assert read_object(raw.encode()) == {"value": value}


class TestContentType:
    @pytest.mark.parametrize(
        "content_type",
        [
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
            "multipart/form-data",
            "application/xml",
            "application/jsonp",
            "application/json; charset=latin-1",
            "application/json; charset=utf-16",
            "*/*",
            "application/*",
            "application/json; charset=",
            "json",
            "/",
            ";",
            "x" * 5000,
        ],
    )
    @pytest.mark.parametrize("path", ["/read", "/login", "/read?x=%41"])
    def test_of_other_kinds_is_refused(self, client: Client, path: str, content_type: str) -> None:
        answer = post(client, path, b'{"a": 1}', content_type)
        assert answer.status_code == 415
        assert error_of(answer)["code"] == "unsupported_media_type"

    @pytest.mark.parametrize(
        "content_type",
        [
            "application/json",
            "application/json;charset=utf-8",
            'Application/JSON; charset="UTF-8"',
            "application/json; x=y",
        ],
    )
    def test_of_json_is_read(self, client: Client, content_type: str) -> None:
        assert post(client, "/read", b'{"a": 1}', content_type).status_code == 200


class TestSize:
    def test_up_to_the_limit_is_read(self, client: Client, settings: Any) -> None:
        body = b'{"a":"%s"}' % (b"x" * (settings.MAX_BODY_BYTES - 8))
        assert len(body) == settings.MAX_BODY_BYTES
        assert post(client, "/read", body).status_code == 200

    @pytest.mark.parametrize("path", ["/read", "/echo", "/login", "/nothing", "/swagger", "/health"])
    def test_beyond_it_is_413_wherever_it_goes(self, client: Client, settings: Any, path: str) -> None:
        answer = post(client, path, b" " * (settings.MAX_BODY_BYTES + 1))
        assert answer.status_code == 413
        assert error_of(answer)["code"] == "payload_too_large"

    def test_is_believed_without_reading(self, client: Client) -> None:
        answer = client.generic("POST", "/read", b"{}", content_type="application/json", CONTENT_LENGTH=str(10**15))
        assert answer.status_code == 413

    @pytest.mark.parametrize("length", ["-1", "+2", "2.0", "0x2", "two", "2, 2", "٢", " ", "1" * 30])
    def test_that_is_no_number_is_400(self, client: Client, length: str) -> None:
        answer = client.generic("POST", "/read", b"{}", content_type="application/json", CONTENT_LENGTH=length)
        assert answer.status_code == 400
        assert error_of(answer)["code"] == "bad_request"
