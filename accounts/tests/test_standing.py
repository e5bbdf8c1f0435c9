"""Bearer problems on protected calls, and that what ends ends at once, with or without Redis."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import caches
from redis.exceptions import RedisError

from accounts import queries, tokens
from accounts.actions import closing
from accounts.models import User
from accounts.tests.asserts import audits, events, refused, sessions_of, works
from accounts.tests.conftest import Clock, redis_caches
from aurix import clock, standing, tenancy
from aurix.actor import Actor
from aurix.api import ratelimits
from aurix.api.breaker import Breaker
from aurix.errors import NotFound
from aurix.tests.cast import PASSWORD, Person
from tenants.queries import TenantView

PROTECTED: tuple[tuple[str, str], ...] = (
    ("GET", "/wallet"),
    ("GET", "/transactions"),
    ("POST", "/wallet/buy"),
    ("POST", "/wallet/sell"),
    ("POST", "/auth/logout"),
    ("POST", "/auth/change-password"),
    ("GET", "/admin/tenants"),
)


def call(someone: Person, method: str, path: str) -> Any:
    if method == "GET":
        return someone.get(path)
    bodies = {
        "/auth/logout": {"refresh_token": someone.tokens["refresh_token"]},
        "/auth/change-password": {"current_password": PASSWORD, "new_password": "Fresh-Horse-2026"},
    }
    return someone.post(path, bodies.get(path, {"eur": "10.00"}), Idempotency_Key="k1")


def close(someone: Person) -> None:
    closing.close(tenant_id=someone.tenant.id, user_id=someone.user_id, by=someone.user_id, now=clock.now())


def actor_of(someone: Person) -> Actor:
    return tokens.verify(token=someone.token)


@pytest.mark.parametrize(("method", "path"), PROTECTED)
class TestEveryProtectedCall:
    def test_needs_a_token(self, alice: Person, method: str, path: str) -> None:
        alice.token = ""
        refused(call(alice, method, path), 401, "unauthorized")

    def test_refuses_an_expired_token(self, alice: Person, moved_clock: Clock, method: str, path: str) -> None:
        moved_clock.offset = timedelta(minutes=-16)
        alice.token = tokens.issue(actor=actor_of(alice), now=clock.now())
        refused(call(alice, method, path), 401, "token_expired")

    def test_refuses_a_session_that_was_logged_out(self, alice: Person, method: str, path: str) -> None:
        alice.post("/auth/logout", {"refresh_token": alice.tokens["refresh_token"]})
        refused(call(alice, method, path), 401, "token_revoked")

    def test_refuses_a_closed_account(self, alice: Person, method: str, path: str) -> None:
        close(alice)
        refused(call(alice, method, path), 403, "account_disabled")

    def test_refuses_an_inactive_tenant(
        self, alice: Person, olivia: Person, tenant: TenantView, method: str, path: str
    ) -> None:
        olivia.post(f"/admin/tenants/{tenant.id}/deactivate")
        refused(call(alice, method, path), 403, "tenant_inactive")


class TestWithoutRedis:
    @pytest.fixture(autouse=True)
    def _no_redis(self, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        settings.CACHES = redis_caches(settings.CACHES, LOCATION="redis://127.0.0.1:1/0")
        settings.RATE_LIMITS = dict.fromkeys(settings.RATE_LIMITS, "1000/m")
        monkeypatch.setattr(ratelimits, "_redis", Breaker(rest_seconds=2))

    def test_there_is_none(self, alice: Person) -> None:
        with pytest.raises(RedisError):
            caches["default"].get("anything")
        assert alice.get("/wallet").headers.get("X-RateLimit-Limit") is None  # the control: nobody counts

    @pytest.mark.parametrize(
        ("end", "status", "code"),
        [
            (
                lambda who: who.post("/auth/logout", {"refresh_token": who.tokens["refresh_token"]}),
                401,
                "token_revoked",
            ),
            (lambda who: call(who, "POST", "/auth/change-password"), 401, "token_revoked"),
            (close, 403, "account_disabled"),
        ],
    )
    def test_what_ends_ends_at_once(self, alice: Person, end: Callable[[Person], Any], status: int, code: str) -> None:
        assert works(alice.token)
        end(alice)
        refused(alice.get("/wallet"), status, code)

    def test_a_deactivated_tenant_is_refused_at_once(self, alice: Person, olivia: Person, tenant: TenantView) -> None:
        olivia.post(f"/admin/tenants/{tenant.id}/deactivate")
        refused(alice.get("/wallet"), 403, "tenant_inactive")


class TestClose:
    def test_ends_all_sessions_and_says_so(self, alice: Person) -> None:
        close(alice)
        assert {session.end_reason for session in sessions_of(alice)} == {"account_closed"}
        assert ("account.closed", {"user_id": str(alice.user_id)}) in events(alice.tenant.id, alice.user_id)
        assert audits(alice.tenant.id, alice.user_id)[-1] == ("account.closed", alice.user_id)

    def test_changes_nothing_a_second_time(self, alice: Person) -> None:
        close(alice)
        before = audits(alice.tenant.id, alice.user_id)
        close(alice)
        assert audits(alice.tenant.id, alice.user_id) == before

    def test_does_not_find_a_stranger(self, alice: Person, charlie: Person) -> None:
        with pytest.raises(NotFound):
            closing.close(tenant_id=alice.tenant.id, user_id=charlie.user_id, by=None, now=clock.now())


class TestStandingAndRole:
    def test_takes_no_session_for_a_person_in_the_back_office(self, alice: Person) -> None:
        actor = actor_of(alice)
        assert queries.standing(Actor(actor.tenant_id, actor.user_id, None, "user")) == ""

    def test_refuses_a_session_of_somebody_else(self, alice: Person, bob: Person) -> None:
        mine, theirs = actor_of(alice), actor_of(bob)
        assert queries.standing(Actor(mine.tenant_id, mine.user_id, theirs.session_id, "user")) == "token_revoked"

    def test_does_not_know_a_user_of_another_tenant(self, alice: Person, charlie: Person) -> None:
        mine, theirs = actor_of(alice), actor_of(charlie)
        mixed = Actor(mine.tenant_id, theirs.user_id, theirs.session_id, "user")
        assert queries.standing(mixed) == "unauthorized"
        assert queries.role(mixed) == ""

    def test_looks_the_role_up(self, olivia: Person) -> None:
        actor = actor_of(olivia)
        assert queries.role(actor) == queries.role_in_good_standing(actor) == "admin"
        with tenancy.platform_scope("test"):
            User.objects.filter(id=olivia.user_id).update(role="user")
        assert queries.role(actor) == "user"
        refused(olivia.get("/admin/tenants"), 403, "forbidden")  # whatever the token says

    def test_a_closed_account_has_no_role(self, olivia: Person) -> None:
        close(olivia)
        assert queries.role(actor_of(olivia)) == ""

    def test_takes_one_round_trip(self, alice: Person, django_assert_num_queries: Any) -> None:
        actor = actor_of(alice)
        with django_assert_num_queries(1):
            standing.check(queries.standing(actor))

    def test_leaves_no_tenant_behind_on_the_connection(self, alice: Person) -> None:
        queries.standing(actor_of(alice))
        assert User.objects.count() == 0
