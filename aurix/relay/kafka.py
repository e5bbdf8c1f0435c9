"""Kafka: one topic, keyed by subject, so that a subject's events are in one partition and in order."""

import logging
import threading
import time
from collections.abc import Sequence
from functools import partial
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Message, Producer
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from aurix.relay.envelope import CONTENT_TYPE, Event
from aurix.relay.targets import TargetDownError

_librdkafka = logging.getLogger("librdkafka")
_HEADERS: list[tuple[str, str | bytes | None]] = [("content-type", CONTENT_TYPE)]
_PATIENCE = 10.0
"""Seconds without any progress until the brokers count as down."""
_OF_THE_EVENT = {KafkaError.MSG_SIZE_TOO_LARGE, KafkaError.INVALID_MSG, KafkaError.INVALID_RECORD}
"""What is wrong with one message, not with the brokers."""


class Kafka:
    """An idempotent producer that never gives a message up by itself: only so is what it delivers always a prefix.

    When it makes no progress, all that it holds is dropped and it is made anew; the courier sends the batch again.
    """

    name = "kafka"

    def __init__(self) -> None:
        if not settings.KAFKA_BOOTSTRAP_SERVERS:
            raise ImproperlyConfigured("EVENT_TARGETS has kafka, so KAFKA_BOOTSTRAP_SERVERS must be set.")
        self._config = _config()
        self._producer: Producer | None = None

    def send(self, events: Sequence[Event], *, stop: threading.Event) -> dict[int, str]:
        """See ``Target``. An event that Kafka finds too large or malformed is refused."""
        if self._producer is None:
            self._producer = Producer(self._config, logger=_librdkafka)
        outcome: dict[int, KafkaError | None] = {}
        for index, event in enumerate(events):
            self._produce(self._producer, event, partial(_record, outcome, index))
        self._wait(self._producer, outcome, len(events), stop)
        errors = {index: error for index, error in outcome.items() if error}
        for error in errors.values():
            if error.code() not in _OF_THE_EVENT:
                self.close()
                raise TargetDownError(error.str())
        return {index: error.str() for index, error in errors.items()}

    def _produce(self, producer: Producer, event: Event, report: Any) -> None:
        try:
            producer.produce(
                settings.EVENT_TOPIC,
                value=event.data,
                key=str(event.subject_id),
                headers=_HEADERS,
                timestamp=int(event.created_at.timestamp() * 1000),
                on_delivery=report,
            )
        except KafkaException as problem:
            error: KafkaError = problem.args[0]
            if error.code() not in _OF_THE_EVENT:
                self.close()
                raise TargetDownError(error.str()) from problem
            report(error, None)

    def _wait(
        self, producer: Producer, outcome: dict[int, KafkaError | None], count: int, stop: threading.Event
    ) -> None:
        done, since = 0, time.monotonic()
        while len(outcome) < count:
            producer.flush(0.2)
            if len(outcome) > done:
                done, since = len(outcome), time.monotonic()
            elif stop.is_set() or time.monotonic() - since > _PATIENCE:
                self.close()
                raise TargetDownError("Kafka does not answer.")

    def close(self) -> None:
        """See ``Target``."""
        producer, self._producer = self._producer, None
        if producer is not None:
            producer.purge()
            producer.flush(0.5)


def _record(outcome: dict[int, KafkaError | None], index: int, error: KafkaError | None, _: Message | None) -> None:
    outcome[index] = error


def _config() -> dict[str, Any]:
    """Raises: ImproperlyConfigured."""
    given = [option.partition("=") for option in settings.KAFKA_OPTIONS.split(",") if option.strip()]
    if not all(separator for _, separator, _ in given):
        raise ImproperlyConfigured("KAFKA_OPTIONS must be name=value,name=value.")
    return {
        "bootstrap.servers": settings.KAFKA_BOOTSTRAP_SERVERS,
        "client.id": "aurix-relay",
        "partitioner": "murmur2_random",  # as Java's clients: consumers may join with their own topics
        "linger.ms": 5,
        "reconnect.backoff.max.ms": 1000,
        "compression.type": "lz4",
        "log_level": 3,
        **{name.strip(): value.strip() for name, _, value in given},
        "enable.idempotence": True,
        "acks": "all",
        "message.timeout.ms": 0,
        "message.max.bytes": settings.EVENT_MAX_BYTES + 16_384,
    }
