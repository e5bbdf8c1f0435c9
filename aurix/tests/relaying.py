"""What the relay's tests share: events, a relay as a process of its own, and what arrived."""

import os
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID, uuid4

import orjson
import redis
from django.conf import settings

from aurix import clock, outbox
from aurix.relay.courier import Courier
from aurix.relay.envelope import Event
from aurix.relay.status import Status, status
from aurix.relay.streams import RedisStreams
from aurix.relay.targets import TargetDownError
from aurix.tenancy import tenant_scope
from aurix.tests.attacks import sql
from aurix.tests.live import ROOT

Received = list[dict[str, Any]]


class Picky:
    """Redis Streams that refuse the events in ``refuses`` and are down after so many batches."""

    name = "redis"

    def __init__(self) -> None:
        self.redis = RedisStreams()
        self.refuses: set[str] = set()
        self.batches_left = 1000
        self.tried: list[str] = []

    def send(self, events: Sequence[Event], *, stop: threading.Event) -> dict[int, str]:
        self.batches_left -= 1
        if self.batches_left < 0:
            raise TargetDownError("down")
        self.tried += [str(event.id) for event in events]
        refused = {index: "no" for index, event in enumerate(events) if str(event.id) in self.refuses}
        self.redis.send([event for index, event in enumerate(events) if index not in refused], stop=stop)
        return refused

    def close(self) -> None:
        self.redis.close()


class Line:
    """A courier with its target and its stream."""

    def __init__(self) -> None:
        self.target = Picky()
        self.courier = Courier(target=self.target, stop=threading.Event())

    def deliver(self) -> int:
        return self.courier.deliver()

    def arrived(self) -> Received:
        return in_stream(settings.EVENT_REDIS_URL, settings.EVENT_STREAM)

    def numbers(self) -> dict[str, list[int]]:
        return numbers(self.arrived())

    def state(self) -> Status:
        return next(one for one in status() if one.target == "redis")


def hurry() -> None:
    """The pauses after refusals are over."""
    with sql("superuser") as everybody:
        everybody.execute("UPDATE aurix_held_event SET retry_at = now() - interval '1 second'")


def event_ids(subject: UUID) -> list[str]:
    """In their order."""
    with sql("superuser") as everybody:
        rows = everybody.execute(
            "SELECT id::text FROM aurix_outbox WHERE subject_id = %s ORDER BY sequence", [subject]
        ).fetchall()
    return [identity for (identity,) in rows]


def start_afresh(*targets: str) -> None:
    """Nothing held, and positions at the present moment: what earlier tests wrote is past."""
    with sql("superuser") as everybody:
        everybody.execute("DELETE FROM aurix_held_event")
        everybody.execute("DELETE FROM aurix_relay_position")
        for target in targets:
            everybody.execute(
                "INSERT INTO aurix_relay_position (target, done, doing, sequence, published, cluster, updated_at) "
                "SELECT %s, pg_current_snapshot()::text, '', 0, 0, system_identifier, now() FROM pg_control_system()",
                [target],
            )


def emit(*, tenant_id: UUID, subject_id: UUID, number: int = 1, **payload: Any) -> None:
    """One event in a transaction of its own."""
    with tenant_scope(tenant_id):
        outbox.emit(
            tenant_id=tenant_id,
            subject_id=subject_id,
            event="account.closed",
            payload={"user_id": str(subject_id), "number": number, **payload},
            now=clock.now(),
        )


def emit_many(*, tenant_id: UUID, subjects: int, each: int) -> None:
    """``subjects * each`` events in one statement; those of one subject are numbered 1, 2, 3 …"""
    with sql("superuser") as everybody:
        everybody.execute(
            """
            INSERT INTO aurix_outbox (id, tenant_id, subject_id, type, payload, created_at)
            SELECT gen_random_uuid(), %s, md5(%s || s)::uuid, 'wallet.buy',
                   jsonb_build_object('number', n, 'wallet_id', s, 'gold_delta_grams', '1.25000000',
                                      'price_eur_per_gram', '65.00000000', 'fiat_balance_cents', 991825), now()
              FROM generate_series(1, %s) AS n, generate_series(1, %s) AS s ORDER BY n, s
            """,
            [tenant_id, str(uuid4()), each, subjects],
        )


def outbox_ids(*, tenant_id: UUID) -> set[str]:
    """Of all the tenant's events."""
    with sql("superuser") as everybody:
        rows = everybody.execute("SELECT id::text FROM aurix_outbox WHERE tenant_id = %s", [tenant_id]).fetchall()
    return {identity for (identity,) in rows}


def in_stream(url: str, stream: str) -> Received:
    """The envelopes in a Redis stream, in its order."""
    with redis.Redis.from_url(url) as client:
        return [orjson.loads(fields[b"event"]) for _, fields in client.xrange(stream)]


def first_of_each(received: Received) -> Received:
    """What a consumer keeps that drops repeated ids."""
    kept: dict[str, dict[str, Any]] = {}
    for envelope in received:
        kept.setdefault(envelope["id"], envelope)
    return list(kept.values())


def of_tenant(received: Received, tenant_id: UUID) -> Received:
    """Without other tests' events."""
    return [envelope for envelope in received if envelope["tenantid"] == str(tenant_id)]


def numbers(received: Received) -> dict[str, list[int]]:
    """For each subject the ``number`` in the data of its events, repeats dropped, as they arrived."""
    found: dict[str, list[int]] = defaultdict(list)
    for envelope in first_of_each(received):
        if "number" in envelope["data"]:
            found[envelope["subject"]].append(envelope["data"]["number"])
    return dict(found)


def eventually(condition: Callable[[], bool], *, seconds: float = 30) -> bool:
    """Whether it becomes true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


@contextmanager
def relay(**environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """``manage.py relay`` on the tests' database until the block ends."""
    env = {**os.environ, "LOG_LEVEL": "WARNING", **environment}
    process = subprocess.Popen([sys.executable, "manage.py", "relay"], cwd=ROOT, env=env)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(timeout=60)
