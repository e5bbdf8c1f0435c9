"""``POST /auth/logout``."""

from typing import Any

import pytest

from accounts.models import Session
from accounts.tests.asserts import refused, sessions_of, works
from aurix.tests.cast import PASSWORD, Api, Person


def login(someone: Person) -> dict[str, Any]:
    body = {"email": someone.email, "password": PASSWORD, "tenant_code": someone.tenant.code}
    answer: dict[str, Any] = Api().post("/auth/login", body).json()
    return answer


def logout(access_token: str, refresh_token: Any) -> Any:
    return Api(access_token).post("/auth/logout", {"refresh_token": refresh_token})


class TestLogout:
    def test_ends_the_session_at_once(self, alice: Person) -> None:
        answer = logout(alice.token, alice.tokens["refresh_token"])
        assert (answer.status_code, answer.content) == (204, b"")
        assert not works(alice.token)
        refused(Api().post("/auth/refresh", {"refresh_token": alice.tokens["refresh_token"]}), 401, "token_revoked")
        assert [session.end_reason for session in sessions_of(alice)] == ["logout"]

    def test_leaves_other_sessions_alone(self, alice: Person, bob: Person) -> None:
        other = login(alice)
        logout(alice.token, alice.tokens["refresh_token"])
        assert works(other["access_token"])
        assert works(bob.token)

    def test_ends_both_when_the_refresh_token_is_of_another_session(self, alice: Person) -> None:
        other, third = login(alice), login(alice)
        assert logout(alice.token, other["refresh_token"]).status_code == 204
        assert not works(alice.token)
        assert not works(other["access_token"])
        assert works(third["access_token"])

    def test_takes_a_refresh_token_that_was_used_already(self, alice: Person) -> None:
        latest = Api().post("/auth/refresh", {"refresh_token": alice.tokens["refresh_token"]}).json()
        assert logout(alice.token, alice.tokens["refresh_token"]).status_code == 204
        assert not works(latest["access_token"])
        assert sessions_of(alice)[0].end_reason == Session.EndReason.LOGOUT

    def test_ends_the_own_session_beside_one_that_has_ended(self, alice: Person) -> None:
        other = login(alice)
        logout(other["access_token"], other["refresh_token"])
        assert logout(alice.token, other["refresh_token"]).status_code == 204
        assert not works(alice.token)

    def test_a_second_time_is_too_late(self, alice: Person) -> None:
        logout(alice.token, alice.tokens["refresh_token"])
        refused(logout(alice.token, alice.tokens["refresh_token"]), 401, "token_revoked")


class TestRefusals:
    def test_needs_a_bearer_token(self, alice: Person) -> None:
        refused(logout("", alice.tokens["refresh_token"]), 401, "unauthorized")
        refused(logout("rubbish", alice.tokens["refresh_token"]), 401, "unauthorized")
        assert works(alice.token)

    def test_refuses_the_refresh_token_of_somebody_else(self, alice: Person, bob: Person, charlie: Person) -> None:
        for stranger in (bob, charlie):
            refused(logout(alice.token, stranger.tokens["refresh_token"]), 401, "unauthorized")
            assert works(stranger.token)
            assert works(alice.token)

    @pytest.mark.parametrize("token", ["", "rubbish", "A" * 64, "é" * 64])
    def test_refuses_what_is_no_token(self, alice: Person, token: str) -> None:
        refused(logout(alice.token, token), 401, "unauthorized")
        assert works(alice.token)

    @pytest.mark.parametrize("value", [None, 1, True, [], {}, "nul\0"])
    def test_refuses_what_is_no_string(self, alice: Person, value: Any) -> None:
        refused(logout(alice.token, value), 400, "bad_request")
        refused(alice.post("/auth/logout", {}), 400, "bad_request")
        assert works(alice.token)
