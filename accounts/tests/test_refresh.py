"""``POST /auth/refresh``: rotation, and what happens to a token that comes back."""

import base64
import secrets
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from accounts import locks, tokens
from accounts.actions import closing
from accounts.models import RefreshToken, Session, User
from accounts.tests.asserts import audits, refused, sessions_of, works
from accounts.tests.conftest import Clock
from accounts.tests.crowd import at_once
from aurix import clock, tenancy
from aurix.tests.cast import Api, Person, person
from tenants.queries import TenantView


def refresh(token: Any) -> Any:
    return Api().post("/auth/refresh", {"refresh_token": token})


def tokens_of(someone: Person) -> list[RefreshToken]:
    with tenancy.tenant_scope(someone.tenant.id):
        ids = Session.objects.filter(user_id=someone.user_id).values("id")
        return list(RefreshToken.objects.filter(session_id__in=ids).order_by("id"))


class TestRefresh:
    def test_answers_new_tokens_of_the_same_session(self, alice: Person) -> None:
        answer = refresh(alice.tokens["refresh_token"])
        assert answer.status_code == 200
        assert set(answer.json()) == {"access_token", "refresh_token", "token_type", "expires_in"}
        assert answer.json()["refresh_token"] != alice.tokens["refresh_token"]
        assert works(answer.json()["access_token"])
        assert works(alice.token)  # the first access token lives on until it expires
        assert len(sessions_of(alice)) == 1

    def test_goes_on_for_as_long_as_it_is_used(self, alice: Person, moved_clock: Clock) -> None:
        token = alice.tokens["refresh_token"]
        for days in (6, 12, 18):
            moved_clock.offset = timedelta(days=days)
            token = refresh(token).json()["refresh_token"]
        assert sessions_of(alice)[0].ended_at is None

    def test_takes_the_role_from_the_database(self, alice: Person) -> None:
        with tenancy.platform_scope("test"):
            User.objects.filter(id=alice.user_id).update(role="tenant_admin")
        assert tokens.verify(token=refresh(alice.tokens["refresh_token"]).json()["access_token"]).role == "tenant_admin"

    def test_stores_hashes_only(self, alice: Person) -> None:
        text = refresh(alice.tokens["refresh_token"]).json()["refresh_token"]
        first, second = tokens_of(alice)
        assert bytes(first.token_hash) == tokens.digest(refresh_token=alice.tokens["refresh_token"])
        assert bytes(second.token_hash) == tokens.digest(refresh_token=text)
        assert first.used_at is not None
        assert second.used_at is None
        for row in (first, second):
            assert text not in str(vars(row))

    def test_has_256_random_bits_behind_the_tenant(self, alice: Person) -> None:
        raw = base64.urlsafe_b64decode(alice.tokens["refresh_token"])
        assert len(raw) == 16 + 32
        assert raw[:16] == alice.tenant.id.bytes


class TestAUsedTokenThatComesBack:
    def test_ends_the_whole_session(self, alice: Person) -> None:
        latest = refresh(alice.tokens["refresh_token"]).json()
        refused(refresh(alice.tokens["refresh_token"]), 401, "token_revoked")
        refused(refresh(latest["refresh_token"]), 401, "token_revoked")
        assert not works(latest["access_token"])
        assert not works(alice.token)
        assert sessions_of(alice)[0].end_reason == "token_reused"

    def test_is_on_record_once(self, alice: Person) -> None:
        refresh(alice.tokens["refresh_token"])
        for _ in range(3):
            refused(refresh(alice.tokens["refresh_token"]), 401, "token_revoked")
        session = sessions_of(alice)[0]
        assert audits(alice.tenant.id, session.id) == [("session.token_reused", alice.user_id)]

    def test_leaves_other_sessions_alone(self, alice: Person) -> None:
        other = Api().post("/auth/login", {"email": alice.email, "password": "Correct-Horse-42"}).json()
        refresh(alice.tokens["refresh_token"])
        refused(refresh(alice.tokens["refresh_token"]), 401, "token_revoked")
        assert works(other["access_token"])
        assert refresh(other["refresh_token"]).status_code == 200

    def test_ends_the_session_even_when_it_has_expired(self, alice: Person, moved_clock: Clock) -> None:
        latest = refresh(alice.tokens["refresh_token"]).json()
        moved_clock.offset = timedelta(days=7, seconds=-60)
        latest = refresh(latest["refresh_token"]).json()
        moved_clock.offset = timedelta(days=8)
        refused(refresh(alice.tokens["refresh_token"]), 401, "token_revoked")
        refused(refresh(latest["refresh_token"]), 401, "token_revoked")

    def test_ends_the_session_of_an_inactive_tenant_as_well(
        self, alice: Person, olivia: Person, tenant: TenantView
    ) -> None:
        refresh(alice.tokens["refresh_token"])
        olivia.post(f"/admin/tenants/{tenant.id}/deactivate")
        refused(refresh(alice.tokens["refresh_token"]), 403, "tenant_inactive")
        assert sessions_of(alice)[0].end_reason == "token_reused"


class TestRefusals:
    def test_refuses_an_expired_token(self, alice: Person, moved_clock: Clock) -> None:
        moved_clock.offset = timedelta(days=7, seconds=1)
        refused(refresh(alice.tokens["refresh_token"]), 401, "token_expired")
        moved_clock.offset = timedelta(days=7, seconds=-60)
        assert refresh(alice.tokens["refresh_token"]).status_code == 200

    def test_refuses_a_closed_account(self, alice: Person) -> None:
        closing.close(tenant_id=alice.tenant.id, user_id=alice.user_id, by=None, now=clock.now())
        refused(refresh(alice.tokens["refresh_token"]), 403, "account_disabled")

    def test_refuses_an_inactive_tenant(self, alice: Person, olivia: Person, tenant: TenantView) -> None:
        olivia.post(f"/admin/tenants/{tenant.id}/deactivate")
        refused(refresh(alice.tokens["refresh_token"]), 403, "tenant_inactive")

    @pytest.mark.parametrize(
        "token",
        ["", " ", "rubbish", "A" * 63, "A" * 64, "A" * 65, "é" * 64, "A" * 63 + "=", "A" * 63 + "\n", "A" * 60_000],
    )
    def test_refuses_what_is_no_token(self, api: Api, token: str) -> None:
        refused(refresh(token), 401, "unauthorized")

    def test_refuses_an_access_token(self, alice: Person) -> None:
        refused(refresh(alice.token), 401, "unauthorized")

    def test_refuses_a_token_that_was_edited(self, alice: Person, charlie: Person) -> None:
        raw = base64.urlsafe_b64decode(alice.tokens["refresh_token"])
        edited = [
            charlie.tenant.id.bytes + raw[16:],  # another tenant's name on it
            raw[:16] + secrets.token_bytes(32),
            bytes([*raw[:-1], raw[-1] ^ 1]),
        ]
        for forged in edited:
            refused(refresh(base64.urlsafe_b64encode(forged).decode()), 401, "unauthorized")
        assert refresh(alice.tokens["refresh_token"]).status_code == 200

    @pytest.mark.parametrize("value", [None, 1, True, [], {}, ["a"], "nul\0"])
    def test_refuses_what_is_no_string(self, api: Api, value: Any) -> None:
        refused(refresh(value), 400, "bad_request")
        refused(api.post("/auth/refresh", {}), 400, "bad_request")


class TestAtOnce:
    def test_one_of_ten_wins_and_the_session_is_over(self, alice: Person) -> None:
        token = alice.tokens["refresh_token"]
        answers = at_once([partial(refresh, token)] * 10)
        winners = [answer for answer in answers if answer.status_code == 200]
        assert len(winners) == 1
        for answer in answers:
            if answer not in winners:
                refused(answer, 401, "token_revoked")
        assert not works(winners[0].json()["access_token"])
        refused(refresh(winners[0].json()["refresh_token"]), 401, "token_revoked")
        assert len(tokens_of(alice)) == 2

    def test_without_the_lock_it_would_not_hold(self, alice: Person, monkeypatch: pytest.MonkeyPatch) -> None:
        """The control: the same race, with the lock taken away."""
        token = alice.tokens["refresh_token"]

        def unlocked(*, tenant_id: Any, token_hash: bytes) -> Session | None:
            named = RefreshToken.objects.filter(token_hash=token_hash).values("session_id")
            return Session.objects.filter(tenant_id=tenant_id, id__in=named).first()

        monkeypatch.setattr(locks, "session_of_token", unlocked)
        for _ in range(20):
            answers = at_once([partial(refresh, token)] * 6)
            if sorted(answer.status_code for answer in answers) != [200] + [401] * 5:
                return  # the database itself refused to use a token twice
            someone = person("again", alice.tenant)
            token = someone.tokens["refresh_token"]
        pytest.fail("the race never happened, so the test above proves nothing")
