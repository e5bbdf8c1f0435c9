"""Looking after webhooks, over the API and in the back-office."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from aurix.tests.attacks import sql
from aurix.tests.cast import PASSWORD, Person
from aurix.tests.hooks import ENVIRONMENT, Hook, emitted, forget, hurrying, outbox_ids_of
from aurix.tests.receiver import Receiver, receiving
from aurix.tests.relaying import emit, emit_many, eventually, numbers, relay
from tenants.queries import TenantView


@pytest.fixture(autouse=True)
def _allowed(settings: Any) -> None:
    settings.WEBHOOK_ALLOW_HTTP, settings.WEBHOOK_NETWORKS = True, ["127.0.0.0/8"]
    forget()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


class TestStaff:
    def test_rotate_the_secret_without_a_gap(self, receiver: Receiver, tom: Person) -> None:
        hook = Hook(tom, receiver.url())
        fresh = hook.post("rotate-secret")["secret"]
        assert fresh != hook.secret
        with relay(**ENVIRONMENT):
            hook.post("test")
            assert eventually(lambda: len(receiver.taken()) == 1)
        assert receiver.hits[0].verified_by(hook.secret)
        assert receiver.hits[0].verified_by(fresh)

    def test_see_a_secret_once_and_find_none_in_the_database(self, tom: Person) -> None:
        hook = Hook(tom, "https://aurix.example/hook")
        listed = tom.get(f"/admin/tenants/{tom.tenant.id}/webhooks").content.decode()
        assert hook.secret not in listed
        with sql("superuser") as everybody:
            row = everybody.execute(
                "SELECT string_agg(e::text, '') || (SELECT string_agg(a::text, '') FROM aurix_audit a) "
                "FROM aurix_webhook_endpoint e"
            ).fetchone()
        assert row
        assert hook.secret.removeprefix("whsec_") not in row[0]

    def test_replay_from_a_time(self, receiver: Receiver, tom: Person, tenant: TenantView) -> None:
        hook = Hook(tom, receiver.url())
        emit_many(tenant_id=tenant.id, subjects=10, each=5)
        with relay(**ENVIRONMENT):
            ids = emitted(tenant.id)
            assert eventually(lambda: {envelope["id"] for envelope in receiver.taken()} == ids)
            receiver.hits.clear()
            hook.post("replay", {"from": "2026-01-01T00:00:00Z"})
            assert eventually(lambda: {envelope["id"] for envelope in receiver.taken()} >= ids)
        own = [found for found in numbers(receiver.taken()).values() if len(found) == 5]
        assert own == [[1, 2, 3, 4, 5]] * 10
        late = Hook(tom, receiver.url("/late"))
        with relay(**ENVIRONMENT):
            late.post("replay", {"from": "2026-01-01T00:00:00Z"})
            assert eventually(lambda: {h.envelope["id"] for h in receiver.hits if h.path == "/late"} >= ids)

    def test_replay_one_event(self, receiver: Receiver, tom: Person, tenant: TenantView) -> None:
        hook, subject = Hook(tom, receiver.url(), "org.aurix.wallet.buy"), uuid4()
        emit(tenant_id=tenant.id, subject_id=subject)
        (event_id,) = outbox_ids_of(subject)
        with relay(**ENVIRONMENT):
            hook.post("replay", {"event_id": event_id})
            assert eventually(lambda: [e["id"] for e in receiver.taken()] == [event_id])
            hook.post("replay", {"event_id": event_id})
            assert eventually(lambda: [e["id"] for e in receiver.taken()] == [event_id] * 2)
        for wrong, status in (
            ({"event_id": str(uuid4())}, 404),
            ({}, 400),
            ({"event_id": event_id, "from": "2026-01-01T00:00:00Z"}, 400),
            ({"from": "yesterday"}, 400),
            ({"from": "2026-01-01T00:00:00"}, 400),
            ({"from": 5}, 400),
        ):
            assert tom.post(f"{hook.path}/replay", wrong).status_code == status

    def test_change_and_remove(self, receiver: Receiver, tom: Person, tenant: TenantView) -> None:
        hook = Hook(tom, "https://aurix.example/hook")
        changed = tom.patch(hook.path, {"url": receiver.url(), "types": ["org.aurix.wallet.buy"]})
        assert (changed.status_code, changed.json()["types"]) == (200, ["org.aurix.wallet.buy"])
        with relay(**ENVIRONMENT):
            hook.post("test")
            assert eventually(lambda: len(receiver.taken()) == 1)
        assert tom.delete(hook.path).status_code == 204
        assert tom.delete(hook.path).status_code == 404
        assert tom.get(f"/admin/tenants/{tenant.id}/webhooks").json() == {"items": [], "next_cursor": None}

    def test_are_refused_what_is_no_endpoint(self, tom: Person) -> None:
        path = f"/admin/tenants/{tom.tenant.id}/webhooks"
        for body in (
            {},
            {"url": 5},
            {"url": "https://x.example/", "types": "all"},
            {"url": "https://x.example/", "types": ["org.aurix"]},
            {"url": "https://x.example/", "types": ["org.aurix.Wallet.buy"]},
            {"url": "https://x.example/", "types": [5]},
            {"url": "https://x.example/", "secret": "whsec_mine"},
        ):
            answer = tom.post(path, body)
            assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_request"), body

    def test_have_so_many_and_no_more(self, tom: Person) -> None:
        for number in range(20):
            Hook(tom, f"https://aurix.example/{number}")
        answer = tom.post(f"/admin/tenants/{tom.tenant.id}/webhooks", {"url": "https://aurix.example/more"})
        assert answer.status_code == 400
        first = tom.get(f"/admin/tenants/{tom.tenant.id}/webhooks?limit=15").json()
        rest = tom.get(f"/admin/tenants/{tom.tenant.id}/webhooks?limit=15&cursor={first['next_cursor']}").json()
        assert [item["url"][-2:].strip("/") for item in first["items"] + rest["items"]] == [str(n) for n in range(20)]

    def test_of_another_tenant_find_nothing(self, tom: Person, alice: Person, charlie: Person, olivia: Person) -> None:
        theirs = Hook(olivia, "https://aurix.example/hook")
        theirs.path = theirs.path.replace(str(olivia.tenant.id), str(charlie.tenant.id))
        for verb in ("enable", "test", "rotate-secret"):
            assert olivia.post(f"{theirs.path}/{verb}").status_code == 404  # it is not that tenant's
            assert alice.post(f"{theirs.path}/{verb}").status_code == 403
        missing = olivia.post(f"/admin/tenants/{uuid4()}/webhooks", {"url": "https://aurix.example/hook"})
        assert missing.status_code == 404


class TestPages:
    """The back-office."""

    def test_enable_replay_and_decide(
        self, receiver: Receiver, tom: Person, olivia: Person, tenant: TenantView
    ) -> None:
        hook, subject = Hook(tom, receiver.url()), uuid4()
        office = Client()
        office.post("/backoffice/login/", {"username": olivia.email, "password": PASSWORD})
        hooks, deliveries = "/backoffice/aurix/webhookendpoint/", "/backoffice/aurix/webhookdelivery/"

        def act(page: str, action: str, chosen: str) -> bytes:
            return office.post(page, {"action": action, "_selected_action": chosen}, follow=True).content

        receiver.mood = lambda _: 410
        emit(tenant_id=tenant.id, subject_id=subject, number=1)
        with relay(**ENVIRONMENT):
            assert eventually(lambda: hook.state()["status"] == "disabled")
            assert b"answered 410" in office.get(hooks).content
            assert hook.secret.encode() not in office.get(hooks).content
            receiver.mood = lambda _: 200
            assert b"Enabled." in act(hooks, "enable", hook.id)
            assert eventually(lambda: numbers(receiver.taken()) == {str(subject): [1]})
            assert b"Queued." in act(hooks, "replay_hour", hook.id)
            assert eventually(lambda: [e["subject"] for e in receiver.taken()].count(str(subject)) == 2)
            receiver.mood = lambda e: 500 if e["data"].get("number") == 2 else 200
            for number in (2, 3):
                emit(tenant_id=tenant.id, subject_id=subject, number=number)
            assert eventually(lambda: bool(hook.deliveries("failing")))
            with sql("superuser") as everybody:
                rows = everybody.execute("SELECT id FROM aurix_webhook_delivery WHERE attempts > 0 "
                                         "AND delivered_at IS NULL").fetchall()  # fmt: skip
            assert b"answered 500" in office.get(deliveries).content
            assert b"Done: 1." in act(deliveries, "discard", str(rows[0][0]))
            assert hurrying(lambda: numbers(receiver.taken()).get(str(subject)) == [1, 3])
        assert office.get(f"{hooks}{hook.id}/change/").status_code == 404
        with sql("superuser") as everybody:
            done = everybody.execute(
                "SELECT action FROM aurix_audit WHERE actor_id = %s AND action LIKE 'webhook.%%' ORDER BY created_at",
                [olivia.user_id],
            ).fetchall()
        assert [action for (action,) in done] == ["webhook.enabled", "webhook.replayed", "webhook.discarded"]
