"""``manage.py relay`` as it runs: killed, doubled, cut off from its servers, under load."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID, uuid4

import psycopg
import pytest
import redis

from aurix.embedded.valkey import EmbeddedValkey
from aurix.tests.attacks import sql
from aurix.tests.cast import Person
from aurix.tests.live import at_once
from aurix.tests.relaying import (
    Received,
    emit,
    emit_many,
    eventually,
    first_of_each,
    in_stream,
    numbers,
    of_tenant,
    outbox_ids,
    relay,
    start_afresh,
)
from tenants.queries import TenantView


class Stream:
    """A stream of the test's own, on a server of the test's own if it is given."""

    def __init__(self, url: str) -> None:
        self.url, self.name = url, f"test:{uuid4()}"

    @property
    def environment(self) -> dict[str, str]:
        return {"EVENT_REDIS_URL": self.url, "EVENT_STREAM": self.name, "EVENT_TARGETS": "redis"}

    def received(self) -> Received:
        return in_stream(self.url, self.name)

    def length(self) -> int:
        with redis.Redis.from_url(self.url) as client:
            return int(client.xlen(self.name))

    def has_all_of(self, tenant_id: UUID) -> bool:
        wanted = outbox_ids(tenant_id=tenant_id)
        return self.length() >= len(wanted) and {e["id"] for e in of_tenant(self.received(), tenant_id)} == wanted


@pytest.fixture
def stream() -> Stream:
    start_afresh("redis")
    return Stream(os.environ["REDIS_URL"])


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[EmbeddedValkey]:
    server = EmbeddedValkey(tmp_path)
    server.start()
    yield server
    server.stop()


class TestRelay:
    def test_sends_while_people_trade_and_after_it_was_idle(self, stream: Stream, alice: Person, bob: Person) -> None:
        with relay(**stream.environment):
            assert eventually(lambda: stream.length() >= 4)  # both have registered and have an opening balance
            for person in (alice, bob) * 2:
                seen = stream.length()
                assert person.buy(eur="10.00").status_code == 200
                assert eventually(lambda seen=seen: stream.length() > seen)  # type: ignore[misc]
                time.sleep(0.7)  # idle, so that it looks least often
        assert numbers(stream.received())[str(alice.wallet_id)] == [1, 2, 3]
        assert len(stream.received()) == len(first_of_each(stream.received()))

    def test_stops_when_told_and_leaves_nothing_half_done(self, stream: Stream, tenant: TenantView) -> None:
        emit_many(tenant_id=tenant.id, subjects=50, each=100)
        with relay(**stream.environment, EVENT_BATCH="50") as running:
            assert eventually(lambda: stream.length() > 0)
            running.terminate()
            assert running.wait(timeout=10) == 0
        sent = stream.length()
        assert 0 < sent <= 5000
        with relay(**stream.environment):
            assert eventually(lambda: stream.has_all_of(tenant.id))
        assert stream.length() == 5000  # not one twice

    def test_loses_nothing_when_killed_again_and_again(self, stream: Stream, tenant: TenantView) -> None:
        emit_many(tenant_id=tenant.id, subjects=100, each=100)
        kills = 0
        while kills < 3:
            before = stream.length()
            with relay(**stream.environment, EVENT_BATCH="100") as running:
                assert eventually(lambda before=before: stream.length() > before)  # type: ignore[misc]
                running.send_signal(signal.SIGKILL)
                running.wait()
                kills += 1
        assert stream.length() < 10_000  # the control: it was in the middle
        with relay(**stream.environment):
            assert eventually(lambda: stream.has_all_of(tenant.id))
        assert set(map(tuple, numbers(stream.received()).values())) == {tuple(range(1, 101))}

    def test_loses_nothing_when_killed_before_it_has_noted_its_position(
        self, stream: Stream, tenant: TenantView
    ) -> None:
        emit_many(tenant_id=tenant.id, subjects=10, each=10)
        with relay(**stream.environment, EVENT_BATCH="30") as running, sql("superuser") as holding:
            # It can read, and send its first batch, and then waits here.
            holding.execute("SELECT 1 FROM aurix_relay_position FOR UPDATE")
            assert eventually(lambda: stream.length() == 30)
            running.send_signal(signal.SIGKILL)
            running.wait()
        with relay(**stream.environment):
            assert eventually(lambda: stream.has_all_of(tenant.id))
        assert stream.length() > 100  # some came twice, in order
        assert set(map(tuple, numbers(stream.received()).values())) == {tuple(range(1, 11))}

    def test_works_while_a_second_one_waits_to_take_over(self, stream: Stream, tenant: TenantView) -> None:
        with relay(**stream.environment) as one, relay(**stream.environment) as two:
            for _ in range(4):
                emit_many(tenant_id=tenant.id, subjects=50, each=20)
                time.sleep(0.3)
            assert eventually(lambda: stream.has_all_of(tenant.id))
            assert stream.length() == 4000
            emit_many(tenant_id=tenant.id, subjects=50, each=20)
            one.send_signal(signal.SIGKILL)
            assert eventually(lambda: stream.has_all_of(tenant.id), seconds=10)
            assert two.poll() is None
        assert set(map(tuple, numbers(stream.received()).values())) == {tuple(range(1, 21))}

    def test_goes_on_when_redis_comes_back(self, valkey: EmbeddedValkey, tenant: TenantView) -> None:
        start_afresh("redis")
        stream, subject = Stream(valkey.url), uuid4()
        with relay(**stream.environment, LOG_LEVEL="ERROR") as running:
            emit(tenant_id=tenant.id, subject_id=subject, number=1)
            assert eventually(lambda: stream.has_all_of(tenant.id))
            valkey.stop()
            for number in range(2, 7):
                emit(tenant_id=tenant.id, subject_id=subject, number=number)
                time.sleep(0.3)
            valkey.start()
            stream.url = valkey.url
            assert eventually(lambda: stream.has_all_of(tenant.id))
            assert running.poll() is None
        assert numbers(stream.received()) == {str(subject): [1, 2, 3, 4, 5, 6]}

    def test_goes_on_when_its_database_session_is_cut(self, stream: Stream, tenant: TenantView) -> None:
        subject = uuid4()
        with relay(**stream.environment, LOG_LEVEL="ERROR"):
            for number in range(1, 5):
                emit(tenant_id=tenant.id, subject_id=subject, number=number)
                assert eventually(lambda: stream.has_all_of(tenant.id))
                with sql("superuser") as everybody:
                    everybody.execute(
                        "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' "
                        "AND classid = 7235110 AND database = (SELECT oid FROM pg_database "
                        "WHERE datname = current_database())"
                    )
        assert numbers(stream.received()) == {str(subject): [1, 2, 3, 4]}

    def test_has_sent_what_many_committed_at_once(self, stream: Stream, tenant: TenantView) -> None:
        subjects = [uuid4() for _ in range(8)]

        def write(index: int) -> None:
            with psycopg.connect(os.environ["AURIX_TEST_SUPERUSER_URL"], autocommit=True) as own:
                for number in range(1, 101):
                    with own.transaction():
                        own.execute(
                            "INSERT INTO aurix_outbox (id, tenant_id, subject_id, type, payload, created_at) "
                            "VALUES (gen_random_uuid(), %s, %s, 'wallet.buy', jsonb_build_object('number', %s::int), "
                            "now())",
                            [tenant.id, subjects[index], number],
                        )
                        time.sleep(0.001 * (index % 4))
                        if number % 10 == index:
                            own.execute("SELECT pg_sleep(0.05)")

        with relay(**stream.environment, EVENT_POLL_MS="10", EVENT_BATCH="7"):
            at_once(8, write)
            assert eventually(lambda: stream.has_all_of(tenant.id))
        assert numbers(stream.received()) == {str(subject): list(range(1, 101)) for subject in subjects}
        assert stream.length() == 800

    @pytest.mark.slow
    def test_empties_a_queue_of_a_hundred_thousand_though_valkey_and_relays_die(
        self, valkey: EmbeddedValkey, tenant: TenantView
    ) -> None:
        """What is in the stream is what the outbox says, every wallet's in order."""
        start_afresh("redis")
        stream = Stream(valkey.url)
        emit_many(tenant_id=tenant.id, subjects=1000, each=100)
        with relay(**stream.environment, LOG_LEVEL="ERROR") as one:
            assert eventually(lambda: stream.length() > 10_000)
            with relay(**stream.environment, LOG_LEVEL="ERROR"):  # waits to take over
                one.kill()
                one.wait()
                assert eventually(lambda: stream.length() > 30_000)
                assert valkey.child
                os.kill(valkey.child.pid, signal.SIGKILL)
                valkey.stop()
                valkey.start()  # with all that it had acknowledged: its file is appended to before it answers
                stream.url = valkey.url
                assert 30_000 < stream.length() < 100_000  # the control: it was in the middle
                assert eventually(lambda: stream.length() >= 100_000, seconds=120)
                assert eventually(lambda: stream.has_all_of(tenant.id), seconds=60)
        found = numbers(stream.received())
        assert len(found) == 1000
        assert set(map(tuple, found.values())) == {tuple(range(1, 101))}


class TestBell:
    def test_wakes_the_relay_long_before_its_next_look(self, stream: Stream, tenant: TenantView) -> None:
        with relay(**stream.environment, EVENT_IDLE_MS="600000"):
            for number in range(1, 4):
                assert eventually(is_set)
                emit(tenant_id=tenant.id, subject_id=uuid4(), number=number)
                assert eventually(lambda: stream.has_all_of(tenant.id), seconds=60)

    def test_is_not_needed(self, stream: Stream, tenant: TenantView) -> None:
        """Somebody else has the lock, so that nobody rings and nobody sleeps long."""
        with sql("superuser") as other:
            other.execute("SELECT pg_advisory_lock(7235111, 1)")
            with relay(**stream.environment, EVENT_IDLE_MS="600000"):
                for number in range(1, 3):
                    emit(tenant_id=tenant.id, subject_id=uuid4(), number=number)
                    assert eventually(lambda: stream.has_all_of(tenant.id), seconds=60)

    def test_is_not_set_over_a_transaction_that_may_still_commit(self, stream: Stream, tenant: TenantView) -> None:
        insert = (
            "INSERT INTO aurix_outbox (id, tenant_id, subject_id, type, payload, created_at) "
            "VALUES (gen_random_uuid(), %s, gen_random_uuid(), 'account.closed', '{}', now())"
        )
        with sql("superuser") as slow:
            slow.execute(insert, [tenant.id])
            with relay(**stream.environment, EVENT_IDLE_MS="600000"):
                emit(tenant_id=tenant.id, subject_id=uuid4())
                assert eventually(lambda: stream.length() == 1, seconds=60)
                time.sleep(1)
                assert not is_set()
                slow.commit()
                assert eventually(lambda: stream.has_all_of(tenant.id), seconds=60)
                assert eventually(is_set)

    def test_is_rung_by_nobody_while_the_relay_is_awake(self, tenant: TenantView) -> None:
        with psycopg.connect(os.environ["AURIX_TEST_SUPERUSER_URL"], autocommit=True) as listening:
            listening.execute("LISTEN aurix_outbox")
            emit(tenant_id=tenant.id, subject_id=uuid4())
            assert list(listening.notifies(timeout=0.5)) == []
            listening.execute("SELECT pg_advisory_lock(7235111, 1)")
            emit(tenant_id=tenant.id, subject_id=uuid4())
            assert list(listening.notifies(timeout=10, stop_after=1))


def is_set() -> bool:
    """Whether a relay sleeps."""
    with sql("superuser") as everybody:
        row = everybody.execute(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid = 7235111 AND granted AND "
            "mode = 'ExclusiveLock' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        ).fetchone()
    return row == (1,)
