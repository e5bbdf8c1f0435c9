"""Webhooks: what reaches a real receiver, in which order, signed by whom; and what happens when it does not."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from aurix.tests.attacks import sql
from aurix.tests.cast import Person
from aurix.tests.hooks import ENVIRONMENT, Hook, emitted, forget, hurry, hurrying
from aurix.tests.receiver import DROP, FLOOD, Receiver, receiving, slowly
from aurix.tests.relaying import emit, emit_many, eventually, numbers, outbox_ids, relay
from aurix.tests.test_relay_schemas import problems
from aurix.webhooks.status import status
from tenants.queries import TenantView


@pytest.fixture(autouse=True)
def _allowed(settings: Any) -> None:
    settings.WEBHOOK_ALLOW_HTTP, settings.WEBHOOK_NETWORKS = True, ["127.0.0.0/8"]
    forget()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


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
            seen = status()
            assert (seen.endpoints, seen.disabled, seen.dead, seen.failing) == (1, 0, 1, 0)
            assert seen.waiting >= 3
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
