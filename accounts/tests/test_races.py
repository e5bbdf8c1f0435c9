"""What happens to sessions when things happen at once. Where it matters there is a control that shows the race."""

from collections.abc import Callable
from functools import partial
from typing import Any
from unittest.mock import patch

import pytest
from django.db import connection

from accounts import locks, passwords
from accounts.actions import closing
from accounts.models import User
from accounts.tests.asserts import refused, sessions_of, works
from accounts.tests.crowd import at_once
from aurix import clock
from aurix.tests.cast import PASSWORD, Api, Person, person

NEW = "Fresh-Horse-2026"


def login(someone: Person, password: str = PASSWORD) -> Any:
    return Api().post("/auth/login", {"email": someone.email, "password": password, "tenant_code": someone.tenant.code})


def refresh(token: str) -> Any:
    return Api().post("/auth/refresh", {"refresh_token": token})


def change(someone: Person, new: str = NEW) -> Any:
    return someone.post("/auth/change-password", {"current_password": PASSWORD, "new_password": new})


def logout(someone: Person) -> Any:
    return someone.post("/auth/logout", {"refresh_token": someone.tokens["refresh_token"]})


def close(someone: Person) -> Any:
    return closing.close(tenant_id=someone.tenant.id, user_id=someone.user_id, by=None, now=clock.now())


def person_again(someone: Person) -> Person:
    """The same person on another device."""
    return Person(someone.email, someone.tenant, someone.user_id, someone.wallet_id, login(someone).json())


def open_sessions(someone: Person) -> int:
    return sum(session.ended_at is None for session in sessions_of(someone))


def hash_then(event: Callable[[], Any]) -> Any:
    """Let ``event`` happen, once, between a login's hash and its session: the moment that matters."""
    hash_it, pending = passwords.attempt, [event]

    def attempt(**given: Any) -> passwords.Attempt:
        done = hash_it(**given)
        if pending:
            pending.pop()()
        return done

    return patch.object(passwords, "attempt", attempt)


class TestHashing:
    @pytest.mark.parametrize(
        "call", [login, change, lambda who: login(who, NEW), lambda who: person("dora", who.tenant)]
    )
    def test_holds_no_transaction(self, alice: Person, call: Callable[[Person], Any]) -> None:
        during: list[bool] = []
        hash_it = passwords.attempt

        def attempt(**given: Any) -> passwords.Attempt:
            during.append(connection.in_atomic_block)
            return hash_it(**given)

        with patch.object(passwords, "attempt", attempt):
            call(alice)
        assert during
        assert not any(during)


class TestALoginThatIsOvertaken:
    def test_opens_no_session_when_the_password_was_changed(self, alice: Person) -> None:
        with hash_then(lambda: change(alice)):
            refused(login(alice), 401, "invalid_credentials")
        assert open_sessions(alice) == 0

    def test_would_open_one_without_a_second_look(self, alice: Person, monkeypatch: pytest.MonkeyPatch) -> None:
        """The control: the same moment, with the locked row believed to be as it was read before."""
        lock = locks.user

        def unchanged(**given: Any) -> User | None:
            user = lock(**given)
            if user is not None:
                user.password = passwords.attempt(email=user.email, password=PASSWORD).encoded
            return user

        with hash_then(lambda: change(alice)):
            monkeypatch.setattr(locks, "user", unchanged)
            assert login(alice).status_code == 200
        assert open_sessions(alice) == 1

    def test_opens_no_session_when_the_account_was_closed(self, alice: Person) -> None:
        with hash_then(lambda: close(alice)):
            refused(login(alice), 403, "account_disabled")
        assert open_sessions(alice) == 0

    def test_opens_no_session_when_the_tenant_was_deactivated(self, alice: Person, olivia: Person) -> None:
        with hash_then(lambda: olivia.post(f"/admin/tenants/{alice.tenant.id}/deactivate")):
            refused(login(alice), 403, "tenant_inactive")
        assert open_sessions(alice) == 1  # the first one, which the tenant's standing keeps out


class TestAChangeThatIsOvertaken:
    def test_is_refused_by_another_change(self, alice: Person) -> None:
        other = person_again(alice)
        with hash_then(lambda: change(other)):
            refused(change(alice, "Third-Horse-2026"), 401, "token_revoked")
        assert login(alice, NEW).status_code == 200

    def test_is_refused_by_a_logout(self, alice: Person) -> None:
        with hash_then(lambda: logout(alice)):
            refused(change(alice), 401, "token_revoked")
        assert login(alice).status_code == 200

    def test_is_refused_by_a_closed_account(self, alice: Person) -> None:
        with hash_then(lambda: close(alice)):
            refused(change(alice), 403, "account_disabled")


class TestAtOnce:
    def test_one_of_many_changes_wins(self, alice: Person) -> None:
        devices = [alice, *(person_again(alice) for _ in range(3))]
        wanted = [f"Fresh-Horse-{number}" for number in range(4)]
        answers = at_once([partial(change, who, new) for who, new in zip(devices, wanted, strict=True)])
        assert sorted(answer.status_code for answer in answers) == [204, 401, 401, 401]
        winner = wanted[[answer.status_code for answer in answers].index(204)]
        assert [login(alice, new).status_code == 200 for new in wanted] == [new == winner for new in wanted]

    def test_no_session_survives_a_change_of_the_password(self, alice: Person) -> None:
        *logins, _ = at_once([*[partial(login, alice)] * 5, partial(change, alice)])
        for answer in logins:
            if answer.status_code == 200:
                assert not works(answer.json()["access_token"])
                refused(refresh(answer.json()["refresh_token"]), 401, "token_revoked")
            else:
                refused(answer, 401, "invalid_credentials")
        assert open_sessions(alice) == 0

    @pytest.mark.parametrize("end", [logout, change, close])
    def test_no_refresh_outlives_the_end_of_its_session(self, alice: Person, end: Callable[[Person], Any]) -> None:
        for number in range(5):
            someone = person(f"someone{number}", alice.tenant)
            token = someone.tokens["refresh_token"]
            answer, _ = at_once([partial(refresh, token), partial(end, someone)])
            assert answer.status_code in {200, 401, 403}
            assert open_sessions(someone) == 0
            issued = answer.json() if answer.status_code == 200 else someone.tokens
            assert Api(issued["access_token"]).get("/wallet").status_code in {401, 403}
            assert refresh(issued["refresh_token"]).status_code in {401, 403}

    def test_logouts_and_a_change_over_many_sessions_do_not_block_each_other(self, alice: Person) -> None:
        """Sessions are locked in no order; the user's lock in front of them keeps this from being a deadlock."""
        devices = [person_again(alice) for _ in range(4)]
        crossed = [
            partial(Api(a.token).post, "/auth/logout", {"refresh_token": b.tokens["refresh_token"]})
            for a, b in zip(devices, reversed(devices), strict=True)
        ]
        answers = at_once([*crossed, partial(change, alice)])
        assert {answer.status_code for answer in answers} <= {204, 401}
        assert open_sessions(alice) == 0
