"""Idempotency keys are read strictly, and requests told apart by what the client sent."""

from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from aurix.api import idempotency
from aurix.tests.test_api_errors import error_of

pytestmark = pytest.mark.urls("aurix.tests.plumbing_urls")

ME = {"Authorization": f"Test {uuid4()}/{uuid4()}"}


def pay(body: dict[str, Any], **headers: str) -> Any:
    return Client().post("/pay", body, content_type="application/json", headers=ME | headers)


class TestReadKey:
    @pytest.mark.parametrize(
        "key", ["a", "x" * 128, "0192f0c1-8a1c-7c3e-9c5e-3f1d6f1f2a3b", "!\"#$%&'()*+,-./:;<=>?@[]^_`{|}~"]
    )
    def test_takes_visible_ascii(self, key: str) -> None:
        assert pay({}, **{"Idempotency-Key": key}).json()["key"] == key

    @pytest.mark.parametrize("key", ["", " ", "a b", "x" * 129, "ä", "a\tb", "\x7f", "a\x00", "\u0661"])
    def test_refuses_anything_else(self, key: str) -> None:
        answer = pay({}, **{"Idempotency-Key": key})
        assert answer.status_code == 400
        assert error_of(answer)["code"] == "invalid_idempotency_key"

    def test_demands_one(self) -> None:
        answer = pay({})
        assert answer.status_code == 400
        assert error_of(answer)["code"] == "idempotency_key_required"


class TestFingerprint:
    def test_is_the_same_in_any_order(self) -> None:
        assert idempotency.fingerprint({"a": 1, "b": {"c": 2, "d": 3}}) == idempotency.fingerprint(
            {"b": {"d": 3, "c": 2}, "a": 1}
        )

    def test_is_32_bytes(self) -> None:
        assert len(idempotency.fingerprint({})) == 32

    @pytest.mark.parametrize("other", [{}, {"eur": "1.0"}, {"eur": "1.00", "x": None}, {"grams": "1.00"}, {"eur": 1}])
    def test_differs_for_whatever_differs(self, other: dict[str, Any]) -> None:
        assert idempotency.fingerprint({"eur": "1.00"}) != idempotency.fingerprint(other)

    def test_is_of_the_body_as_it_was_sent(self) -> None:
        first = pay({"eur": "1"}, **{"Idempotency-Key": "k"}).json()["print"]
        assert first == idempotency.fingerprint({"eur": "1"}).hex()
