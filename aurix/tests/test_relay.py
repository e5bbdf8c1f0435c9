"""The relay and Redis Streams, in process: what leaves, in which order, in which envelope."""

import threading
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from io import StringIO
from uuid import uuid4

import pytest
from django.core.management import call_command
from django.db import connection
from pytest_django.fixtures import Settings

from aurix import clock, outbox
from aurix.relay import positions, process, pruning
from aurix.relay.status import Status
from aurix.relay.targets import TargetDownError
from aurix.tenancy import tenant_scope
from aurix.tests.attacks import sql
from aurix.tests.cast import Person
from aurix.tests.relaying import Line, emit, emit_many, event_ids, of_tenant, outbox_ids, start_afresh
from tenants.queries import TenantView


@pytest.fixture
def line(settings: Settings) -> Iterator[Line]:
    settings.EVENT_STREAM = f"test:{uuid4()}"
    start_afresh("redis")
    made = Line()
    yield made
    made.courier.release()


class TestDelivery:
    def test_sends_what_happened_once_and_in_order(self, line: Line, alice: Person) -> None:
        for _ in range(3):
            assert alice.buy(eur="10.00").status_code == 200
        assert alice.sell(grams="0.01").status_code == 200
        line.deliver()
        assert line.deliver() == 0
        arrived = of_tenant(line.arrived(), alice.tenant.id)
        assert [(e["type"], e["subject"]) for e in arrived if e["subject"] == str(alice.wallet_id)] == [
            ("org.aurix.wallet.opening", str(alice.wallet_id)),
            *[("org.aurix.wallet.buy", str(alice.wallet_id))] * 3,
            ("org.aurix.wallet.sell", str(alice.wallet_id)),
        ]
        assert line.numbers()[str(alice.wallet_id)] == [1, 2, 3, 4, 5]
        assert {e["id"] for e in arrived} == outbox_ids(tenant_id=alice.tenant.id)

    def test_sends_nothing_of_what_was_rolled_back(self, line: Line, tenant: TenantView) -> None:
        subject = uuid4()
        with suppress(ZeroDivisionError), tenant_scope(tenant.id):
            outbox.emit(tenant_id=tenant.id, subject_id=subject, event="account.closed", payload={}, now=clock.now())
            _ = 1 / 0
        emit(tenant_id=tenant.id, subject_id=subject)
        line.deliver()
        assert [e["id"] for e in line.arrived()] == event_ids(subject)

    def test_neither_skips_nor_waits_for_a_transaction_that_stays_open(self, line: Line, tenant: TenantView) -> None:
        early, late = uuid4(), uuid4()
        with sql("app", tenant_id=tenant.id) as slow:
            slow.execute(
                "INSERT INTO aurix_outbox (id, tenant_id, subject_id, type, payload, created_at) "
                "VALUES (%s, %s, %s, 'account.closed', '{\"number\": 0}', now())",
                [uuid4(), tenant.id, early],
            )
            for number in range(1, 6):
                emit(tenant_id=tenant.id, subject_id=late, number=number)
                line.deliver()
            assert line.numbers() == {str(late): [1, 2, 3, 4, 5]}
        line.deliver()
        assert line.numbers() == {str(late): [1, 2, 3, 4, 5], str(early): [0]}
        assert line.state().waiting == 0

    def test_keeps_the_order_of_transactions_that_began_in_another_one(self, line: Line, alice: Person) -> None:
        """The first has the lower transaction id, but waits for the wallet; between them one stays open."""
        insert = (
            "INSERT INTO aurix_outbox (id, tenant_id, subject_id, type, payload, created_at) "
            "VALUES (%s, %s, %s, 'account.closed', jsonb_build_object('number', %s::int), now())"
        )
        lock = "SELECT 1 FROM wallet_wallet WHERE tenant_id = %s AND id = %s FOR UPDATE"
        tenant_id, wallet = alice.tenant.id, alice.wallet_id
        line.deliver()
        with sql("app", tenant_id=tenant_id) as first, sql("app", tenant_id=tenant_id) as between:
            first.execute("SELECT pg_current_xact_id()")
            between.execute("SELECT pg_current_xact_id()")
            with sql("app", tenant_id=tenant_id) as second:
                second.execute(lock, [tenant_id, wallet])
                second.execute(insert, [uuid4(), tenant_id, wallet, 12])
            first.execute(lock, [tenant_id, wallet])
            first.execute(insert, [uuid4(), tenant_id, wallet, 13])
            first.commit()
            line.deliver()
            assert line.numbers()[str(wallet)] == [1, 12, 13]
        line.deliver()
        assert line.numbers()[str(wallet)] == [1, 12, 13]

    def test_goes_on_within_a_delta_after_an_interruption(
        self, line: Line, tenant: TenantView, settings: Settings
    ) -> None:
        settings.EVENT_BATCH = 10
        emit_many(tenant_id=tenant.id, subjects=5, each=9)
        line.target.batches_left = 2
        with pytest.raises(TargetDownError):
            line.deliver()
        assert len(line.arrived()) == 20
        assert line.state().waiting == 25
        emit_many(tenant_id=tenant.id, subjects=1, each=3)
        line.target.batches_left = 1000
        line.courier.release()
        while line.deliver():
            pass
        assert len(line.arrived()) == 48
        assert sorted(map(tuple, line.numbers().values())) == [(1, 2, 3), *[tuple(range(1, 10))] * 5]

    @pytest.mark.parametrize("count", [9, 10, 11, 20])
    def test_ends_a_delta_at_any_size(self, line: Line, tenant: TenantView, settings: Settings, count: int) -> None:
        settings.EVENT_BATCH = 10
        emit_many(tenant_id=tenant.id, subjects=1, each=count)
        assert [line.deliver(), line.deliver()] == [count, 0]
        emit_many(tenant_id=tenant.id, subjects=1, each=1)
        assert line.deliver() == 1
        assert line.state() == Status("redis", count + 1, 0, 0.0, 0, 0, line.state().updated_at)

    def test_sends_again_after_a_rewind(self, line: Line, tenant: TenantView) -> None:
        subject, since = uuid4(), clock.now()
        emit(tenant_id=tenant.id, subject_id=subject)
        line.deliver()
        call_command("relay", "--target", "redis", "--rewind", clock.rfc3339(since), stdout=StringIO())
        emit(tenant_id=tenant.id, subject_id=subject, number=2)
        with pytest.raises(positions.LostPositionError):  # the one that is running has learnt that it was moved
            line.deliver()
        line.courier.release()
        line.deliver()
        assert [e["data"]["number"] for e in line.arrived() if e["subject"] == str(subject)][-2:] == [1, 2]

    def test_sends_everything_again_in_another_cluster(self, line: Line, tenant: TenantView) -> None:
        subject = uuid4()
        emit(tenant_id=tenant.id, subject_id=subject)
        line.deliver()
        line.courier.release()
        with sql("superuser") as restored:
            # As restored from a dump of a cluster that had seen many more transactions.
            restored.execute("DELETE FROM aurix_outbox WHERE subject_id <> %s", [subject])
            restored.execute("UPDATE aurix_outbox SET transaction_id = '999999999'")
            restored.execute("UPDATE aurix_relay_position SET cluster = 7, done = '1000000000:1000000000:'")
        emit(tenant_id=tenant.id, subject_id=subject, number=2)
        line.deliver()
        assert line.deliver() == 0
        assert line.numbers() == {str(subject): [1, 2]}


class TestTwoRelays:
    def test_do_not_serve_one_target_together(self, line: Line, tenant: TenantView) -> None:
        emit(tenant_id=tenant.id, subject_id=uuid4())
        line.deliver()
        taken: list[object] = []

        def take() -> None:
            taken.append(positions.take(target="redis"))
            connection.close()

        other = threading.Thread(target=take)
        other.start()
        other.join()
        assert taken == [None]

    def test_notice_that_another_one_has_moved_the_position(self, line: Line, tenant: TenantView) -> None:
        emit(tenant_id=tenant.id, subject_id=uuid4())
        line.deliver()
        with sql("superuser") as everybody:
            everybody.execute("UPDATE aurix_relay_position SET done = pg_current_snapshot()::text")
        emit(tenant_id=tenant.id, subject_id=uuid4())
        with pytest.raises(positions.LostPositionError):
            line.deliver()


class TestPruning:
    def test_removes_what_is_old_and_has_left(self, line: Line, tenant: TenantView, settings: Settings) -> None:
        emit_many(tenant_id=tenant.id, subjects=10, each=250)
        old = outbox_ids(tenant_id=tenant.id)
        with sql("superuser") as everybody:
            everybody.execute("UPDATE aurix_outbox SET created_at = created_at - interval '8 days'")
        line.deliver()
        emit(tenant_id=tenant.id, subject_id=uuid4())  # recent and sent
        line.deliver()
        emit_many(tenant_id=tenant.id, subjects=1, each=1)
        kept = outbox_ids(tenant_id=tenant.id) - old
        settings.EVENT_TARGETS = ["redis"]
        while process.sweep():  # what other tests have left may be more than one sweep's
            pass
        assert outbox_ids(tenant_id=tenant.id) == kept
        assert len(kept) == 2

    def test_waits_for_every_target(self, line: Line, tenant: TenantView, settings: Settings) -> None:
        emit(tenant_id=tenant.id, subject_id=uuid4())
        settings.EVENT_TARGETS = ["redis", "kafka"]
        line.deliver()
        tomorrow = clock.now() + timedelta(days=1)
        positions.prepare(target="kafka")
        assert pruning.prune(before=tomorrow, batches=10) == 0
        call_command("relay", "--target", "kafka", "--forget", stdout=StringIO())
        emit(tenant_id=tenant.id, subject_id=uuid4())
        line.deliver()
        assert pruning.prune(before=tomorrow, batches=10) >= 1

    def test_is_not_for_the_role_that_serves_requests(self, tenant: TenantView) -> None:
        emit(tenant_id=tenant.id, subject_id=uuid4())
        for attempt in (
            "DELETE FROM aurix_outbox",
            "UPDATE aurix_outbox SET payload = '{}'",
            "SELECT * FROM aurix_held_event",
            "SELECT * FROM aurix_relay_position",
        ):
            with pytest.raises(Exception, match="permission denied"), sql("app", tenant_id=tenant.id) as own:
                own.execute(attempt)
