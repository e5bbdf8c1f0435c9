"""Webhooks: what reaches a real receiver, in which order, signed by whom; and what happens when it does not."""

import time
from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.test import Client

from aurix.tests.attacks import sql
from aurix.tests.cast import PASSWORD, Person
from aurix.tests.receiver import DROP, FLOOD, Receiver, receiving, slowly
from aurix.tests.relaying import emit, emit_many, eventually, numbers, outbox_ids, relay, start_afresh
from aurix.tests.test_relay_schemas import problems
from tenants.queries import TenantView

ENVIRONMENT = {
    "EVENT_TARGETS": "webhooks",
    "WEBHOOK_ALLOW_HTTP": "on",
    "WEBHOOK_NETWORKS": "127.0.0.0/8",
    "WEBHOOK_TIMEOUT_SECONDS": "2",
    "LOG_LEVEL": "ERROR",
}


@pytest.fixture(autouse=True)
def _allowed(settings: Any) -> None:
    settings.WEBHOOK_ALLOW_HTTP, settings.WEBHOOK_NETWORKS = True, ["127.0.0.0/8"]
    with sql("superuser") as everybody:
        everybody.execute("DELETE FROM aurix_webhook_delivery")
        everybody.execute("DELETE FROM aurix_webhook_endpoint")
    start_afresh("webhooks")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


class Hook:
    """An endpoint, looked after by the tenant's own admin."""

    def __init__(self, staff: Person, url: str, *types: str) -> None:
        self.staff = staff
        answer = staff.post(f"/admin/tenants/{staff.tenant.id}/webhooks", {"url": url, "types": list(types)})
        assert answer.status_code == 201, answer.content
        self.id, self.secret = answer.json()["id"], answer.json()["secret"]
        self.path = f"/admin/tenants/{staff.tenant.id}/webhooks/{self.id}"

    def post(self, verb: str, body: Any = None) -> Any:
        answer = self.staff.post(f"{self.path}/{verb}", body)
        assert answer.status_code == 200, answer.content
        return answer.json()

    def deliveries(self, status: str = "") -> list[dict[str, Any]]:
        query = f"?limit=100&status={status}" if status else "?limit=100"
        items: list[dict[str, Any]] = self.staff.get(f"{self.path}/deliveries{query}").json()["items"]
        return items

    def state(self) -> dict[str, Any]:
        items = self.staff.get(f"/admin/tenants/{self.staff.tenant.id}/webhooks").json()["items"]
        (found,) = [item for item in items if item["id"] == self.id]
        assert isinstance(found, dict)
        return found


def hurry() -> None:
    """All pauses are over. In the order in which the dispatcher locks."""
    with sql("superuser") as everybody:
        everybody.execute("UPDATE aurix_webhook_endpoint SET retry_at = now() WHERE retry_at > now()")
        everybody.execute(
            "UPDATE aurix_webhook_delivery SET retry_at = now() WHERE retry_at > now() AND delivered_at IS NULL"
        )


def hurrying(true: Any) -> bool:
    """Whether it becomes true while pauses are cut short."""

    def look() -> bool:
        hurry()
        time.sleep(0.1)
        return bool(true())

    return eventually(look)


class TestDelivery:
    def test_posts_what_happened_signed_and_in_order(self, receiver: Receiver, tom: Person, alice: Person) -> None:
        hook = Hook(tom, receiver.url())
        with relay(**ENVIRONMENT):
            for _ in range(3):
                assert alice.buy(eur="10.00").status_code == 200
            assert eventually(lambda: numbers(receiver.taken()).get(str(alice.wallet_id)) == [2, 3, 4])
        for hit in receiver.hits:
            assert hit.verified_by(hook.secret)
            assert hit.headers["webhook-id"] == hit.envelope["id"]
            assert hit.headers["content-type"].startswith("application/cloudevents+json")
            assert hit.envelope["tenantid"] == str(tom.tenant.id)
        assert {item["status"] for item in hook.deliveries()} == {"delivered"}
        assert hook.state()["last_success_at"]

    def test_posts_only_what_is_wanted_and_only_the_own_tenant_s(
        self, receiver: Receiver, tom: Person, alice: Person, charlie: Person
    ) -> None:
        before = outbox_ids(tenant_id=tom.tenant.id)
        Hook(tom, receiver.url("/some"), "org.aurix.wallet.buy", "org.aurix.account.*")
        Hook(tom, receiver.url("/all"))
        with relay(**ENVIRONMENT):
            for who in (alice, charlie):
                assert who.buy(eur="10.00").status_code == 200
                assert who.sell(grams="0.01").status_code == 200
            emit(tenant_id=tom.tenant.id, subject_id=uuid4())
            wanted = outbox_ids(tenant_id=tom.tenant.id) - before
            assert eventually(lambda: {h.envelope["id"] for h in receiver.hits if h.path == "/all"} == wanted)
            some = {"org.aurix.wallet.buy", "org.aurix.account.closed"}
            assert eventually(lambda: {h.envelope["type"] for h in receiver.hits if h.path == "/some"} == some)
        assert {hit.envelope["tenantid"] for hit in receiver.hits} == {str(tom.tenant.id)}

    def test_keeps_each_subject_s_order_through_failures_and_kills(
        self, receiver: Receiver, tom: Person, tenant: TenantView
    ) -> None:
        Hook(tom, receiver.url())
        seen: list[int] = []

        def moody(_: dict[str, Any]) -> int:
            seen.append(1)
            return [200, 200, 500, 200, DROP, 200, 302][len(seen) % 7]

        receiver.mood = moody
        emit_many(tenant_id=tenant.id, subjects=20, each=15)
        with relay(**ENVIRONMENT) as running:
            assert hurrying(lambda: len(receiver.taken()) > 60)
            running.kill()
            running.wait()
        with relay(**ENVIRONMENT), relay(**ENVIRONMENT):
            ids = emitted(tenant.id)
            assert hurrying(lambda: ids <= {envelope["id"] for envelope in receiver.taken()})
        own = {subject: found for subject, found in numbers(receiver.taken()).items() if len(found) > 1}
        assert list(own.values()) == [list(range(1, 16))] * 20

    def test_neither_a_slow_nor_a_dead_endpoint_stops_another(
        self, receiver: Receiver, tom: Person, tenant: TenantView, charlie: Person, olivia: Person
    ) -> None:
        with receiving() as slow, receiving() as dead:
            slow.mood = slowly(5)
            dead_hook = Hook(tom, dead.url())
            slow_hook = Hook(tom, slow.url())
            dead.stop()
            Hook(tom, receiver.url())
            emit_many(tenant_id=tenant.id, subjects=50, each=20)
            ids = emitted(tenant.id)
            with relay(**ENVIRONMENT):
                assert eventually(lambda: ids == {envelope["id"] for envelope in receiver.taken()})
                assert hurrying(lambda: slow_hook.state()["failures"] and dead_hook.state()["failures"])
                assert [item["status"] for item in dead_hook.deliveries("delivered")] == []

    def test_asks_no_receiver_more_at_once_than_agreed(
        self, receiver: Receiver, tom: Person, tenant: TenantView
    ) -> None:
        Hook(tom, receiver.url())
        receiver.mood = slowly(0.05)
        emit_many(tenant_id=tenant.id, subjects=40, each=2)
        with relay(**ENVIRONMENT, WEBHOOK_CONCURRENCY="4"):
            assert eventually(lambda: len(receiver.taken()) >= 80)
        assert 1 < receiver.most_at_once <= 4


class TestFailures:
    def test_of_one_event_stop_its_own_subject_only(self, receiver: Receiver, tom: Person, tenant: TenantView) -> None:
        hook, bad, good = Hook(tom, receiver.url()), uuid4(), uuid4()
        receiver.mood = lambda e: 500 if e["subject"] == str(bad) and e["data"].get("number") == 1 else 200
        for number in range(1, 4):
            emit(tenant_id=tenant.id, subject_id=bad, number=number)
            emit(tenant_id=tenant.id, subject_id=good, number=number)
        with relay(**ENVIRONMENT, WEBHOOK_ATTEMPTS="3"):
            assert eventually(lambda: numbers(receiver.taken()).get(str(good)) == [1, 2, 3])

            def dies() -> bool:  # others arrive meanwhile, or it would be the endpoint that fails
                emit(tenant_id=tenant.id, subject_id=uuid4())
                return bool(hook.deliveries("dead"))

            assert hurrying(dies)
            (dead,) = hook.deliveries("dead")
            assert (dead["subject"], dead["last_status"], dead["last_error"]) == (str(bad), 500, "answered 500")
            assert str(bad) not in numbers(receiver.taken())
            receiver.mood = lambda _: 200
            hook.post(f"deliveries/{dead['event_id']}/requeue")
            assert eventually(lambda: numbers(receiver.taken()).get(str(bad)) == [1, 2, 3])

    def test_that_are_given_up_let_the_others_go(self, receiver: Receiver, tom: Person, tenant: TenantView) -> None:
        hook, bad = Hook(tom, receiver.url(), "org.aurix.account.closed"), uuid4()
        receiver.mood = lambda e: 500 if e["data"].get("number") == 1 else 200
        for number in range(1, 4):
            emit(tenant_id=tenant.id, subject_id=bad, number=number)
        with relay(**ENVIRONMENT):
            assert eventually(lambda: bool(hook.deliveries("failing")))
            (failing,) = hook.deliveries("failing")
            hook.post(f"deliveries/{failing['event_id']}/discard")
            assert hurrying(lambda: numbers(receiver.taken()).get(str(bad)) == [2, 3])
        assert tom.post(f"{hook.path}/deliveries/{failing['event_id']}/discard").status_code == 404

    def test_that_go_on_disable_the_endpoint_with_an_alert(
        self, receiver: Receiver, tom: Person, tenant: TenantView
    ) -> None:
        hook, subject = Hook(tom, receiver.url("/broken")), uuid4()
        with receiving() as other:
            Hook(tom, other.url(), "org.aurix.webhook.disabled")
            receiver.mood = lambda _: 503
            for number in range(1, 4):
                emit(tenant_id=tenant.id, subject_id=subject, number=number)
            with relay(**ENVIRONMENT, WEBHOOK_FAILURES="4", WEBHOOK_ATTEMPTS="2"):
                assert hurrying(lambda: hook.state()["status"] == "disabled")
                assert eventually(lambda: len(other.taken()) == 1)
                alert = other.taken()[0]
                assert problems(alert["data"], alert["dataschema"]) == []
                assert alert["data"] == {"endpoint_id": hook.id, "failures": 4, "reason": "answered 503"}
                assert hook.deliveries("dead") == []  # no event is to blame
                tried = len(receiver.hits)
                emit(tenant_id=tenant.id, subject_id=subject, number=4)
                hurry()
                receiver.mood = lambda _: 200
                assert not eventually(lambda: len(receiver.hits) > tried, seconds=1.5)
                hook.post("enable")
                assert eventually(lambda: numbers(receiver.taken()).get(str(subject)) == [1, 2, 3, 4])
        with sql("superuser") as everybody:
            rows = everybody.execute(
                "SELECT action, actor_id FROM aurix_audit WHERE subject_id = %s ORDER BY created_at", [hook.id]
            ).fetchall()
        assert rows == [
            ("webhook.created", tom.user_id),
            ("webhook.disabled", None),
            ("webhook.enabled", tom.user_id),
        ]

    def test_of_a_receiver_that_is_gone_disable_it_at_once(self, receiver: Receiver, tom: Person) -> None:
        hook = Hook(tom, receiver.url())
        receiver.mood = lambda _: 410
        with relay(**ENVIRONMENT):
            hook.post("test")
            assert eventually(lambda: hook.state()["status"] == "disabled")
        assert len(receiver.hits) == 1

    def test_bodies_without_end_are_not_read(self, receiver: Receiver, tom: Person) -> None:
        hook = Hook(tom, receiver.url())
        receiver.mood = lambda _: FLOOD
        with relay(**ENVIRONMENT):
            hook.post("test")
            assert eventually(lambda: [item["status"] for item in hook.deliveries()] == ["delivered"])


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


def emitted(tenant_id: UUID) -> set[str]:
    """Of what a test has emitted, not of those who registered before."""
    with sql("superuser") as everybody:
        rows = everybody.execute(
            "SELECT id::text FROM aurix_outbox WHERE tenant_id = %s AND payload ? 'gold_balance_grams' IS FALSE "
            "AND payload ? 'number'",
            [tenant_id],
        ).fetchall()
    return {identity for (identity,) in rows}


def outbox_ids_of(subject: UUID) -> list[str]:
    with sql("superuser") as everybody:
        rows = everybody.execute("SELECT id::text FROM aurix_outbox WHERE subject_id = %s", [subject]).fetchall()
    return [identity for (identity,) in rows]
