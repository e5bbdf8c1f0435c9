"""Rate limits: who shares an allowance with whom, what answers say, and what holds while Redis is down."""

import os
import socket
import time
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from aurix.api import counters, ratelimits
from aurix.api.breaker import Breaker
from aurix.tests.test_api_errors import error_of

pytestmark = pytest.mark.urls("aurix.tests.plumbing_urls")

DATABASE = 9
"""Of Redis; other tests empty the one that they use."""


def caches(location: str) -> dict[str, Any]:
    """The project's caches with Redis at ``location``, and keys of this test only."""
    redis = {
        "LOCATION": location,
        "OPTIONS": {"SOCKET_CONNECT_TIMEOUT": 0.25, "SOCKET_TIMEOUT": 0.25},
        "KEY_PREFIX": str(uuid4()),
    }
    return {
        "default": {"BACKEND": "django_redis.cache.RedisCache", **redis},
        "process": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": str(uuid4())},
    }


class Clock:
    """Stands still until a test moves it."""

    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        return self.now

    time = __call__


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The time by which calls are counted."""
    clock = Clock()
    monkeypatch.setattr(ratelimits, "time", clock)
    monkeypatch.setattr(ratelimits, "_redis", Breaker(rest_seconds=2, clock=clock))
    return clock


@pytest.fixture
def limits(settings: Any, clock: Clock) -> Any:
    """Limits of 3 an hour, counted in Redis."""
    settings.CACHES = caches(f"{os.environ['REDIS_URL'].partition('?')[0]}?db={DATABASE}")
    settings.RATE_LIMITS = settings.RATE_LIMITS | {"buy": "3/h", "login": "3/h"}
    return settings


@pytest.fixture(params=["refused", "hangs"])
def redis_down(request: pytest.FixtureRequest, limits: Any) -> Iterator[None]:
    """Redis gone, or there but silent."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        if request.param == "refused":
            listener.close()
        limits.CACHES = caches(f"redis://127.0.0.1:{port}/0")
        yield


def call(who: object, *, path: str = "/limited", body: bytes = b'{"name": "x"}') -> Any:
    """A call of the user ``who``."""
    headers = {"Authorization": f"Test {uuid4()}/{who}"}
    return Client(raise_request_exception=False).generic(
        "POST", path, body, content_type="application/json", headers=headers
    )


def login(body: bytes = b"{}", *, address: str = "192.0.2.1") -> Any:
    """A call of nobody in particular."""
    return Client().generic("POST", "/login", body, content_type="application/json", REMOTE_ADDR=address)


def remaining(answer: Any) -> int:
    return int(answer.headers["X-RateLimit-Remaining"])


@pytest.mark.usefixtures("limits")
class TestLimitOfAUser:
    def test_counts_down_to_a_refusal(self, clock: Clock) -> None:
        alice = uuid4()
        answers = [call(alice) for _ in range(5)]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
        assert [remaining(answer) for answer in answers] == [2, 1, 0, 0, 0]
        assert {answer.headers["X-RateLimit-Limit"] for answer in answers} == {"3"}
        assert len({answer.headers["X-RateLimit-Reset"] for answer in answers}) == 1
        assert 0 <= int(answers[0].headers["X-RateLimit-Reset"]) - int(clock.now) <= 3600

    def test_tells_how_long_to_wait(self, clock: Clock) -> None:
        alice = uuid4()
        refused = [call(alice) for _ in range(4)][-1]
        error = error_of(refused)
        assert error["code"] == "rate_limited"
        seconds = error["details"]["retry_after_seconds"]
        assert refused.headers["Retry-After"] == str(seconds)
        assert 1 <= seconds <= 3600
        assert int(refused.headers["X-RateLimit-Reset"]) == int(clock.now) + seconds

    def test_is_nobody_elses(self) -> None:
        alice, bob = uuid4(), uuid4()
        for _ in range(4):
            call(alice)
        assert call(bob).status_code == 200

    def test_counts_what_is_refused_or_fails_and_says_so(self) -> None:
        alice = uuid4()
        broken, missing = call(alice, body=b"{"), call(alice, body=b"{}")
        failed = call(alice, path="/limited-failure")
        assert [answer.status_code for answer in (broken, missing, failed)] == [400, 400, 500]
        assert [remaining(answer) for answer in (broken, missing, failed)] == [2, 1, 0]

    def test_is_looked_at_before_the_body(self) -> None:
        alice = uuid4()
        for _ in range(3):
            call(alice)
        assert call(alice, body=b"{").status_code == 429

    def test_does_not_count_strangers(self) -> None:
        answer = Client().post("/limited")
        assert answer.status_code == 401
        assert "X-RateLimit-Limit" not in answer.headers

    def test_is_absent_elsewhere(self) -> None:
        assert "X-RateLimit-Limit" not in Client().get("/read").headers

    def test_can_be_lifted(self, limits: Any) -> None:
        limits.RATE_LIMITS = limits.RATE_LIMITS | {"buy": ""}
        alice = uuid4()
        answers = [call(alice) for _ in range(5)]
        assert {answer.status_code for answer in answers} == {200}
        assert "X-RateLimit-Limit" not in answers[0].headers

    def test_starts_again_with_the_next_window(self, clock: Clock) -> None:
        alice = uuid4()
        refused = [call(alice) for _ in range(4)][-1]
        clock.now = int(refused.headers["X-RateLimit-Reset"]) + 1
        assert remaining(call(alice)) == 2


@pytest.mark.usefixtures("limits")
class TestLimitOfAnAddress:
    def test_counts_down_to_a_refusal(self) -> None:
        assert [login().status_code for _ in range(5)] == [200, 200, 200, 429, 429]

    def test_is_another_for_each_tenant(self) -> None:
        for _ in range(3):
            login()
        assert remaining(login(b'{"tenant_code": "aurix-demo"}')) == 2

    def test_is_another_for_each_address(self) -> None:
        for _ in range(3):
            login()
        assert remaining(login(address="192.0.2.2")) == 2

    def test_is_one_for_a_whole_network_of_version_6(self) -> None:
        for number in range(3):
            login(address=f"2001:db8::{number}")
        assert login(address="2001:db8::ffff:1").status_code == 429
        assert remaining(login(address="2001:db8:0:1::1")) == 2

    @pytest.mark.parametrize(
        "body",
        [
            b'{"tenant_code": "made-up-%d"}',
            b'{"tenant_code": %d}',
            b'{"tenant_code": ["%d"]}',
            b'{"tenant_code": null, "x": %d}',
            b'{"x": %d}',
            b"[%d]",
            b"{%d",
            b"",
        ],
    )
    def test_is_not_got_around_by_codes_of_no_tenant(self, body: bytes) -> None:
        for number in range(3):
            login(body % number if body else body)
        for other in (b"{}", b'{"tenant_code": "yet-another"}', b"{"):
            assert login(other).status_code == 429

    def test_counts_bodies_that_cannot_be_read(self) -> None:
        answer = login(b"{")
        assert answer.status_code == 400
        assert remaining(answer) == 2

    def test_believes_no_forwarded_address_by_default(self) -> None:
        statuses = [
            Client().post("/login", {}, content_type="application/json", headers={"X-Forwarded-For": f"192.0.2.{n}"})
            for n in range(4)
        ]
        assert statuses[-1].status_code == 429


@pytest.mark.usefixtures("redis_down")
class TestWithoutRedis:
    def test_calls_go_on_uncounted(self, caplog: pytest.LogCaptureFixture) -> None:
        alice, before = uuid4(), ratelimits.uncounted
        answers = [call(alice) for _ in range(6)]
        assert {answer.status_code for answer in answers} == {200}
        assert "X-RateLimit-Limit" not in answers[0].headers
        assert ratelimits.uncounted - before == 6
        assert "rate_limits_without_redis" in caplog.text
        assert caplog.text.count("Traceback") <= 2  # not for each call

    def test_logins_count_in_the_process(self) -> None:
        answers = [login() for _ in range(4)]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
        assert answers[-1].headers["Retry-After"]
        assert remaining(answers[0]) == 2
        assert remaining(login(b'{"tenant_code": "aurix-demo"}')) == 2

    def test_costs_one_call_a_quarter_of_a_second(self, monkeypatch: pytest.MonkeyPatch) -> None:
        seconds: list[float] = []
        count = counters.count

        def timed(*arguments: Any, **options: Any) -> Any:
            started = time.monotonic()
            try:
                return count(*arguments, **options)
            finally:
                seconds.append(time.monotonic() - started)

        monkeypatch.setattr(counters, "count", timed)
        for _ in range(10):
            assert call(uuid4()).status_code == 200
        (first,) = seconds  # and nobody else tried
        assert first < 1  # slack for a busy machine


class TestWithRedisAgain:
    def test_calls_are_counted_again(self, limits: Any, clock: Clock) -> None:
        working, alice = limits.CACHES, uuid4()
        limits.CACHES = caches("redis://127.0.0.1:1/0")
        assert "X-RateLimit-Limit" not in call(alice).headers
        limits.CACHES = working
        assert "X-RateLimit-Limit" not in call(alice).headers  # nobody looks yet
        clock.now += 2
        assert remaining(call(alice)) == 2


class TestBreaker:
    def test_lets_one_try_after_each_rest(self) -> None:
        clock = Clock()
        breaker = Breaker(rest_seconds=2, clock=clock)
        assert breaker.allows()
        assert breaker.failed()
        assert not breaker.allows()
        clock.now += 2
        assert [breaker.allows() for _ in range(3)] == [True, False, False]
        assert not breaker.failed()
        clock.now += 2
        assert breaker.allows()
        breaker.succeeded()
        assert [breaker.allows() for _ in range(3)] == [True, True, True]
