"""What the tests of accounts share: a new email, a count of hash computations, a clock that can be moved."""

import os
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from unittest.mock import patch
from uuid import uuid4

import pytest
from django.contrib.auth.hashers import Argon2PasswordHasher

from aurix import clock

REDIS_URL = os.environ["REDIS_URL"]


@pytest.fixture
def email() -> str:
    """An address that nobody has."""
    return f"Dora-{uuid4().hex[:8]}@Example.com"


@pytest.fixture
def hashes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Grows with every hash that is computed from here on: the time that a call takes, without a stopwatch."""
    computed: list[str] = []

    def spied(name: str) -> Callable[..., Any]:
        original = getattr(Argon2PasswordHasher, name)

        def call(self: Argon2PasswordHasher, *args: Any) -> Any:
            computed.append(name)
            return original(self, *args)

        return call

    for name in ("encode", "verify"):
        monkeypatch.setattr(Argon2PasswordHasher, name, spied(name))
    return computed


def redis_caches(caches: dict[str, Any], **options: Any) -> dict[str, Any]:
    """Django's ``CACHES`` with ``options`` in those that are kept in Redis."""
    return {name: cache | options if cache["LOCATION"] == REDIS_URL else cache for name, cache in caches.items()}


class Clock:
    """The application's clock, moved."""

    def __init__(self) -> None:
        self.offset = timedelta()
        self._now = clock.now

    def __call__(self) -> Any:
        return self._now() + self.offset


@pytest.fixture
def moved_clock() -> Iterator[Clock]:
    """Set ``offset`` to be in another time."""
    moved = Clock()
    with patch.object(clock, "now", moved):
        yield moved
