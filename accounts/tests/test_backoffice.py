"""``/backoffice/``: who gets in, that it sees all tenants, and that nobody changes anything there."""

from typing import Any

import pytest
from django.contrib.admin import site
from django.db import connection
from django.test import Client

from accounts.actions import closing
from accounts.backends import BackOfficeBackend
from accounts.models import Session, User
from accounts.tests.asserts import refused, sessions_of
from aurix import clock, tenancy
from aurix.tests.cast import PASSWORD, Api, Person

LISTS = [
    f"/backoffice/{model._meta.app_label}/{model._meta.model_name}/"
    for model in site._registry  # noqa: SLF001  Django offers no other way to walk an admin site
]
SCHEDULES = ("/intervalschedule/", "/crontabschedule/")
"""When background jobs run is the operators' to set (aurix/tests/test_operations.py)."""


def sign_in(email: str, password: str = PASSWORD) -> Client:
    client = Client()
    client.post("/backoffice/login/", {"username": email, "password": password})
    return client


def is_in(client: Client) -> bool:
    return client.get("/backoffice/").status_code == 200


@pytest.fixture
def office(olivia: Person) -> Client:
    """The back-office, with Olivia signed in."""
    return sign_in(olivia.email)


class TestSignIn:
    def test_lets_an_admin_in(self, office: Client) -> None:
        assert is_in(office)

    def test_asks_others_to_sign_in(self) -> None:
        answer = Client().get("/backoffice/")
        assert (answer.status_code, answer.headers["Location"]) == (302, "/backoffice/login/?next=/backoffice/")

    def test_keeps_customers_and_tenants_admins_out(self, alice: Person, tom: Person) -> None:
        assert not is_in(sign_in(alice.email))
        assert not is_in(sign_in(tom.email))

    def test_keeps_a_wrong_password_out(self, olivia: Person) -> None:
        for password in ("wrong", "", "x" * 5000, "Correct-Horse-42\0"):
            assert not is_in(sign_in(olivia.email, password))
        for email in ("", "nobody@example.com", "x" * 5000, "nul\0@example.com", "é"):
            assert not is_in(sign_in(email))

    def test_takes_one_hash_whatever_the_answer_is(self, olivia: Person, alice: Person, hashes: list[str]) -> None:
        for email in (olivia.email, alice.email, "nobody@example.com"):
            for password in (PASSWORD, "Wrong-Horse-42"):
                hashes.clear()
                BackOfficeBackend().authenticate(None, username=email, password=password)
                assert hashes == ["encode"]

    def test_finds_the_admin_among_accounts_of_one_email(self, olivia: Person, charlie: Person) -> None:
        body = {"tenant_code": charlie.tenant.code, "email": olivia.email, "password": PASSWORD}
        assert Api().post("/auth/register", body).status_code == 201
        assert is_in(sign_in(olivia.email))

    def test_sends_people_out_at_once(self, office: Client, olivia: Person) -> None:
        with tenancy.platform_scope("test"):
            User.objects.filter(id=olivia.user_id).update(role="user")
        assert not is_in(office)

    def test_sends_closed_accounts_out_at_once(self, office: Client, olivia: Person) -> None:
        closing.close(tenant_id=olivia.tenant.id, user_id=olivia.user_id, by=None, now=clock.now())
        assert not is_in(office)
        assert not is_in(sign_in(olivia.email))

    def test_sends_people_of_an_inactive_tenant_out_at_once(self, office: Client, olivia: Person) -> None:
        olivia.post(f"/admin/tenants/{olivia.tenant.id}/deactivate")
        assert not is_in(office)
        assert not is_in(sign_in(olivia.email))

    def test_a_change_of_the_password_ends_the_session(self, office: Client, olivia: Person) -> None:
        body = {"current_password": PASSWORD, "new_password": "Fresh-Horse-2026"}
        assert olivia.post("/auth/change-password", body).status_code == 204
        assert not is_in(office)

    def test_signs_out(self, office: Client) -> None:
        office.post("/backoffice/logout/")
        assert not is_in(office)


class TestTheApiInABrowser:
    def test_knows_who_is_signed_in(self, office: Client, olivia: Person) -> None:
        assert office.get("/wallet").json()["wallet_id"] == str(olivia.wallet_id)
        assert office.get("/admin/tenants").status_code == 200

    def test_does_not_take_a_post_from_another_site(self, olivia: Person) -> None:
        office = Client(enforce_csrf_checks=True)
        office.get("/backoffice/login/")
        form = {"username": olivia.email, "password": PASSWORD}
        token = office.cookies["csrftoken"].value
        office.post("/backoffice/login/", {**form, "csrfmiddlewaretoken": token})
        assert is_in(office)
        path, json = f"/admin/tenants/{olivia.tenant.id}/activate", "application/json"
        refused(office.post(path, {}, content_type=json), 403, "forbidden")
        token = office.cookies["csrftoken"].value
        assert office.post(path, {}, content_type=json, headers={"X-CSRFToken": token}).status_code == 200

    def test_does_not_know_customers(self, alice: Person, tom: Person) -> None:
        for someone in (alice, tom):
            refused(sign_in(someone.email).get("/wallet"), 401, "unauthorized")

    def test_forgets_people_at_once(self, office: Client, olivia: Person) -> None:
        with tenancy.platform_scope("test"):
            User.objects.filter(id=olivia.user_id).update(role="user")
        refused(office.get("/wallet"), 401, "unauthorized")


class TestPages:
    @pytest.mark.parametrize("path", LISTS)
    def test_every_list_opens_and_searches(self, office: Client, path: str) -> None:
        for query in ("", "?q=anything"):
            assert office.get(path + query).status_code == 200
        assert office.get(f"{path}?q=%00").status_code == 400

    def test_shows_all_tenants(self, office: Client, alice: Person, charlie: Person) -> None:
        page = office.get(f"/backoffice/accounts/user/?q={alice.email.lower()}").content.decode()
        assert alice.email in page
        page = office.get(f"/backoffice/accounts/user/?q={charlie.email.lower()}").content.decode()
        assert charlie.email in page

    def test_shows_one(self, office: Client, alice: Person) -> None:
        assert alice.email in office.get(f"/backoffice/accounts/user/{alice.user_id}/change/").content.decode()
        session = sessions_of(alice)[0]
        assert str(session.id) in office.get(f"/backoffice/accounts/session/{session.id}/change/").content.decode()

    def test_shows_no_secret(self, office: Client, alice: Person) -> None:
        with tenancy.tenant_scope(alice.tenant.id):
            stored = User.objects.get(id=alice.user_id).password
        for path in ("", f"{alice.user_id}/change/", f"{alice.user_id}/history/"):
            page = office.get(f"/backoffice/accounts/user/{path}").content.decode()
            assert "argon2" not in page
            assert stored[-20:] not in page

    @pytest.mark.parametrize("path", [path for path in LISTS if not path.endswith(SCHEDULES)])
    def test_nothing_can_be_added(self, office: Client, path: str) -> None:
        assert office.get(f"{path}add/").status_code == 403
        assert office.post(f"{path}add/", {}).status_code == 403

    def test_nothing_can_be_changed_or_deleted(self, office: Client, alice: Person) -> None:
        for model, key in ((User, alice.user_id), (Session, sessions_of(alice)[0].id)):
            path = f"/backoffice/accounts/{model._meta.model_name}/{key}/"
            assert office.post(f"{path}change/", {"role": "admin", "email": "x@y.zz"}).status_code == 403
            assert office.post(f"{path}delete/", {"post": "yes"}).status_code == 403
        chosen = {"action": "delete_selected", "_selected_action": str(alice.user_id), "post": "yes"}
        office.post("/backoffice/accounts/user/", chosen)  # an action that is not offered: the list again
        with tenancy.tenant_scope(alice.tenant.id):
            assert User.objects.get(id=alice.user_id).role == "user"

    def test_has_no_form_for_the_own_password(self, office: Client) -> None:
        assert office.get("/backoffice/password_change/").status_code == 404

    def test_customers_see_no_page(self, alice: Person) -> None:
        client = sign_in(alice.email)
        for path in LISTS:
            assert client.get(path).status_code == 302


class TestTheScope:
    def test_ends_with_the_page(self, office: Client, alice: Person) -> None:
        office.get("/backoffice/accounts/user/")
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_user, count(*) FROM accounts_user GROUP BY 1")
            assert cursor.fetchall() == []  # nothing to be seen again
            cursor.execute("SELECT current_user")
            assert cursor.fetchone() == ("aurix_app",)

    def test_ends_with_a_page_that_fails(self, office: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(*_: Any, **__: Any) -> None:
            raise RuntimeError("broken page")

        monkeypatch.setattr("accounts.admin.UserAdmin.get_queryset", fail)
        office.raise_request_exception = False
        assert office.get("/backoffice/accounts/user/").status_code == 500
        assert User.objects.count() == 0

    def test_leaves_an_action_the_scope_that_it_chose(self, alice: Person, charlie: Person) -> None:
        from accounts.backoffice import _across_tenants

        with connection.execute_wrapper(_across_tenants):
            assert User.objects.filter(id__in=[alice.user_id, charlie.user_id]).count() == 2
            with tenancy.tenant_scope(alice.tenant.id):
                assert User.objects.filter(id__in=[alice.user_id, charlie.user_id]).count() == 1
