"""``POST /auth/change-password``."""

from typing import Any

import pytest
from django.contrib.auth.hashers import make_password

from accounts.models import User
from accounts.tests.asserts import audits, events, refused, sessions_of, works
from aurix import tenancy
from aurix.tests.cast import PASSWORD, Api, Person

NEW = "Fresh-Horse-2026"


def change(someone: Person, current: Any = PASSWORD, new: Any = NEW) -> Any:
    return someone.post("/auth/change-password", {"current_password": current, "new_password": new})


def login(someone: Person, password: str) -> Any:
    return Api().post("/auth/login", {"email": someone.email, "password": password, "tenant_code": someone.tenant.code})


class TestChange:
    def test_sets_the_new_password(self, alice: Person) -> None:
        answer = change(alice)
        assert (answer.status_code, answer.content) == (204, b"")
        refused(login(alice, PASSWORD), 401, "invalid_credentials")
        assert login(alice, NEW).status_code == 200

    def test_ends_every_session_at_once(self, alice: Person, bob: Person) -> None:
        other = login(alice, PASSWORD).json()
        change(alice)
        for issued in (alice.tokens, other):
            assert not works(issued["access_token"])
            refused(Api().post("/auth/refresh", {"refresh_token": issued["refresh_token"]}), 401, "token_revoked")
        assert {session.end_reason for session in sessions_of(alice)} == {"password_changed"}
        assert works(bob.token)

    def test_is_told_and_on_record(self, alice: Person) -> None:
        change(alice)
        assert ("account.password_changed", {"user_id": str(alice.user_id)}) in events(alice.tenant.id, alice.user_id)
        assert audits(alice.tenant.id, alice.user_id)[-1] == ("account.password_changed", alice.user_id)

    def test_dates_the_change(self, alice: Person) -> None:
        change(alice)
        with tenancy.tenant_scope(alice.tenant.id):
            user = User.objects.get(id=alice.user_id)
        assert user.password_changed_at > user.created_at

    def test_can_be_undone_by_another_change(self, alice: Person) -> None:
        change(alice)
        again = Api(login(alice, NEW).json()["access_token"])
        body = {"current_password": NEW, "new_password": PASSWORD}
        assert again.post("/auth/change-password", body).status_code == 204
        assert login(alice, PASSWORD).status_code == 200

    def test_takes_a_hash_of_older_making(self, alice: Person) -> None:
        with tenancy.tenant_scope(alice.tenant.id):
            User.objects.filter(id=alice.user_id).update(password=make_password(PASSWORD))
        assert change(alice).status_code == 204


class TestRefusals:
    def test_refuses_a_wrong_current_password(self, alice: Person) -> None:
        for wrong in (NEW, "", PASSWORD + "x", "x" * 60_000):
            refused(change(alice, wrong, "Third-Horse-99"), 401, "invalid_credentials")
        assert works(alice.token)
        assert login(alice, PASSWORD).status_code == 200

    def test_refuses_the_same_password_again(self, alice: Person) -> None:
        refused(change(alice, PASSWORD, PASSWORD), 400, "password_unchanged")
        assert works(alice.token)

    @pytest.mark.parametrize(
        "new", ["", "Short-1", "no-upper-case-1", "NO-LOWER-CASE-1", "No-Digit-Here", "Aa1" + "x" * 126]
    )
    def test_refuses_a_new_password_that_breaks_the_rule(self, alice: Person, new: str) -> None:
        refused(change(alice, new=new), 400, "invalid_password")
        assert works(alice.token)

    def test_looks_at_the_current_password_first(self, alice: Person) -> None:
        refused(change(alice, "wrong", "short"), 401, "invalid_credentials")
        refused(change(alice, "wrong", "wrong"), 401, "invalid_credentials")

    def test_needs_a_bearer_token(self, alice: Person) -> None:
        body = {"current_password": PASSWORD, "new_password": NEW}
        refused(Api().post("/auth/change-password", body), 401, "unauthorized")

    @pytest.mark.parametrize("name", ["current_password", "new_password"])
    @pytest.mark.parametrize("value", [None, 1, True, [], {}, "missing", "nul\0"])
    def test_refuses_what_is_no_string(self, alice: Person, name: str, value: Any) -> None:
        body = {"current_password": PASSWORD, "new_password": NEW, name: value}
        if value == "missing":
            del body[name]
        refused(alice.post("/auth/change-password", body), 400, "bad_request")
        assert works(alice.token)
