"""The relay and Kafka: a real producer and a broker that speaks Kafka's protocol."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from uuid import uuid4

import orjson
import pytest
from confluent_kafka import Message
from pytest_django.fixtures import Settings

from aurix.relay.courier import Courier
from aurix.relay.kafka import Kafka
from aurix.relay.status import status
from aurix.relay.targets import TargetDownError
from aurix.tests.kafka_broker import Broker, consumer, envelopes
from aurix.tests.relaying import (
    Received,
    emit,
    emit_many,
    eventually,
    first_of_each,
    in_stream,
    numbers,
    outbox_ids,
    relay,
    start_afresh,
)
from tenants.queries import TenantView


@pytest.fixture(scope="module")
def shared() -> Iterator[Broker]:
    broker = Broker()
    broker.start()
    yield broker
    broker.stop()


@pytest.fixture
def own() -> Iterator[Broker]:
    """For a test that stops it."""
    broker = Broker()
    yield broker
    broker.stop()


@pytest.fixture
def topic(settings: Settings) -> str:
    name = settings.EVENT_TOPIC = f"test-{uuid4()}"
    start_afresh("kafka", "redis")
    return name


def environment(broker: Broker, topic: str, targets: str = "kafka") -> dict[str, str]:
    return {"KAFKA_BOOTSTRAP_SERVERS": broker.servers, "EVENT_TOPIC": topic, "EVENT_TARGETS": targets}


def all_of(broker: Broker, topic: str, ids: set[str]) -> list[Message]:
    """What is in the topic once all ``ids`` are there."""
    found: list[Message] = []
    with consumer(broker, topic) as news:

        def complete() -> bool:
            found.extend(news())
            return {envelope["id"] for envelope in envelopes(found)} >= ids

        assert eventually(complete)
    return found


class TestKafka:
    def test_gets_every_event_under_the_key_of_its_subject(
        self, shared: Broker, topic: str, tenant: TenantView, settings: Settings
    ) -> None:
        settings.KAFKA_BOOTSTRAP_SERVERS = shared.servers
        shared.create(topic)
        emit_many(tenant_id=tenant.id, subjects=20, each=25)
        courier = Courier(target=Kafka(), stop=threading.Event())
        courier.deliver()
        courier.release()
        messages = all_of(shared, topic, outbox_ids(tenant_id=tenant.id))
        assert len(messages) == 500
        assert len({message.partition() for message in messages}) > 1
        for message in messages:
            envelope = orjson.loads(message.value() or b"")
            assert message.key() == envelope["subject"].encode()
            assert message.headers() == [("content-type", b"application/cloudevents+json; charset=UTF-8")]
        assert list(map(tuple, numbers(envelopes(messages)).values())) == [tuple(range(1, 26))] * 20

    def test_is_served_beside_redis_each_at_its_own_pace(self, own: Broker, topic: str, tenant: TenantView) -> None:
        """Kafka is down, and Redis gets its events; then Kafka gets all of them too."""
        stream = f"test:{uuid4()}"
        emit_many(tenant_id=tenant.id, subjects=10, each=10)
        with relay(**environment(own, topic, "redis,kafka"), EVENT_STREAM=stream, LOG_LEVEL="ERROR"):
            assert eventually(lambda: len(in_stream(os.environ["REDIS_URL"], stream)) == 100)
            assert {one.target: one.waiting for one in status()} == {"redis": 0, "kafka": 100}
            own.start(topic)
            all_of(own, topic, outbox_ids(tenant_id=tenant.id))
            assert eventually(lambda: {one.target: one.waiting for one in status()} == {"redis": 0, "kafka": 0})

    def test_gets_everything_when_it_comes_back(self, own: Broker, topic: str, tenant: TenantView) -> None:
        subject = uuid4()
        own.start(topic)
        with relay(**environment(own, topic), LOG_LEVEL="ERROR"):
            emit(tenant_id=tenant.id, subject_id=subject, number=1)
            received = all_of(own, topic, outbox_ids(tenant_id=tenant.id))
            before = outbox_ids(tenant_id=tenant.id)
            own.stop()  # with all that it had
            for number in range(2, 6):
                emit(tenant_id=tenant.id, subject_id=subject, number=number)
                time.sleep(0.2)
            own.start(topic)
            received += all_of(own, topic, outbox_ids(tenant_id=tenant.id) - before)
        assert numbers(envelopes(received)) == {str(subject): [1, 2, 3, 4, 5]}

    def test_gets_everything_in_order_when_it_had_hung(self, own: Broker, topic: str, tenant: TenantView) -> None:
        own.start(topic)
        with relay(**environment(own, topic), EVENT_BATCH="100", LOG_LEVEL="ERROR"):
            for _ in range(3):
                emit_many(tenant_id=tenant.id, subjects=10, each=100)
                own.process.send_signal(signal.SIGSTOP)
                time.sleep(0.5)
                own.process.send_signal(signal.SIGCONT)
            received = all_of(own, topic, outbox_ids(tenant_id=tenant.id))
        assert set(map(tuple, numbers(envelopes(received)).values())) == {tuple(range(1, 101))}

    def test_gets_everything_in_order_when_the_relay_is_killed(
        self, shared: Broker, topic: str, tenant: TenantView
    ) -> None:
        shared.create(topic)
        emit_many(tenant_id=tenant.id, subjects=50, each=100)
        with consumer(shared, topic) as news:
            for _ in range(2):
                with relay(**environment(shared, topic), EVENT_BATCH="50") as running:
                    assert eventually(lambda: bool(news()))
                    running.send_signal(signal.SIGKILL)
                    running.wait()
        with relay(**environment(shared, topic)):
            received = envelopes(all_of(shared, topic, outbox_ids(tenant_id=tenant.id)))
        assert len(first_of_each(received)) == 5000
        assert set(map(tuple, numbers(received).values())) == {tuple(range(1, 101))}

    def test_down_is_said_when_nothing_listens(
        self, topic: str, tenant: TenantView, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("aurix.relay.kafka._PATIENCE", 0.5)
        settings.KAFKA_BOOTSTRAP_SERVERS = "127.0.0.1:1"
        emit(tenant_id=tenant.id, subject_id=uuid4())
        courier = Courier(target=Kafka(), stop=threading.Event())
        with pytest.raises(TargetDownError, match="does not answer"):
            courier.deliver()
        courier.release()

    def test_refuses_one_event_and_takes_the_others(
        self, shared: Broker, topic: str, tenant: TenantView, settings: Settings
    ) -> None:
        settings.KAFKA_BOOTSTRAP_SERVERS, settings.EVENT_BATCH = shared.servers, 1
        shared.create(topic)
        bad, good = uuid4(), uuid4()
        target = Kafka()
        target._config["message.max.bytes"] = 1500  # noqa: SLF001  the refusal of the library itself
        for number in (1, 2):
            emit(tenant_id=tenant.id, subject_id=bad, number=number, more="x" * 2000 * (number == 1))
            emit(tenant_id=tenant.id, subject_id=good, number=number)
        courier = Courier(target=target, stop=threading.Event())
        courier.deliver()
        courier.release()
        kafka = next(one for one in status() if one.target == "kafka")
        assert (kafka.published, kafka.held) == (2, 2)

    @pytest.mark.slow
    def test_takes_a_hundred_thousand_queued_events_though_it_hangs_and_relays_die(
        self, own: Broker, topic: str, tenant: TenantView
    ) -> None:
        """What reached the broker is what the outbox says, every wallet's in order."""
        emit_many(tenant_id=tenant.id, subjects=1000, each=100)
        ids = outbox_ids(tenant_id=tenant.id)
        assert len(ids) == 100_000
        own.start(topic)
        received: Received = []
        with consumer(own, topic) as news, relay(**environment(own, topic), LOG_LEVEL="ERROR") as one:

            def read() -> int:
                received.extend(envelopes(news()))
                return len(received)

            assert eventually(lambda: read() > 10_000)
            with relay(**environment(own, topic), LOG_LEVEL="ERROR"):  # waits to take over
                one.kill()
                one.wait()
                before = len(received)
                assert eventually(lambda: read() > before + 10_000)
                assert kafka_published() < 100_000  # the control: it was in the middle
                own.process.send_signal(signal.SIGSTOP)
                time.sleep(1)
                own.process.send_signal(signal.SIGCONT)
                assert eventually(lambda: bool(read()) and kafka_published() >= 100_000, seconds=120)
            assert eventually(lambda: bool(read()) and {e["id"] for e in received} == ids, seconds=60)
        found = numbers(received)
        assert len(found) == 1000
        assert set(map(tuple, found.values())) == {tuple(range(1, 101))}


def kafka_published() -> int:
    return next(one.published for one in status() if one.target == "kafka")
