"""Dead letters: what a target refuses, what waits behind it, and who decides."""

from collections.abc import Iterator
from io import StringIO
from uuid import UUID, uuid4

import pytest
from django.core.management import CommandError, call_command
from pytest_django.fixtures import Settings

from aurix.relay import held
from aurix.relay.targets import TargetDownError
from aurix.tests.attacks import sql
from aurix.tests.cast import Person
from aurix.tests.relaying import Line, emit, event_ids, hurry, start_afresh
from tenants.queries import TenantView


@pytest.fixture
def line(settings: Settings) -> Iterator[Line]:
    settings.EVENT_STREAM = f"test:{uuid4()}"
    start_afresh("redis")
    made = Line()
    yield made
    made.courier.release()


class TestDeadLetters:
    def test_stop_their_own_subject_only(self, line: Line, tenant: TenantView, settings: Settings) -> None:
        settings.EVENT_ATTEMPTS = 3
        bad, good = uuid4(), uuid4()
        for number in range(1, 4):
            emit(tenant_id=tenant.id, subject_id=bad, number=number)
            emit(tenant_id=tenant.id, subject_id=good, number=number)
        (poison, *_) = line.target.refuses = set(event_ids(bad)[:1])
        settings.EVENT_BATCH = 1  # or the others of the batch would have left with it
        line.deliver()
        assert line.numbers() == {str(good): [1, 2, 3]}
        assert (line.state().held, line.state().dead) == (3, 0)
        for _ in range(5):
            hurry()
            line.deliver()
        assert line.target.tried.count(poison) == 3
        assert (line.state().held, line.state().dead) == (3, 1)
        emit(tenant_id=tenant.id, subject_id=bad, number=4)
        emit(tenant_id=tenant.id, subject_id=good, number=4)
        line.deliver()
        assert line.numbers() == {str(good): [1, 2, 3, 4]}
        (letter,) = held.dead_letters()
        assert (letter.event_id, letter.subject_id, letter.error, letter.waiting) == (UUID(poison), bad, "no", 3)

    def test_wait_longer_after_each_refusal(self, line: Line, tenant: TenantView) -> None:
        subject = uuid4()
        emit(tenant_id=tenant.id, subject_id=subject)
        line.target.refuses = set(event_ids(subject))
        line.deliver()
        pauses: list[float] = []
        for _ in range(3):
            with sql("superuser") as everybody:
                row = everybody.execute("SELECT extract(epoch FROM retry_at - now())::float8 FROM aurix_held_event")
                pauses += row.fetchone() or ()
            line.deliver()  # too early
            hurry()
            line.deliver()
        assert len(line.target.tried) == 4
        assert 0 < pauses[0] <= 2
        assert 1 < pauses[1] <= 4
        assert 2 < pauses[2] <= 8

    def test_leave_before_those_behind_them_when_requeued(
        self, line: Line, tenant: TenantView, settings: Settings
    ) -> None:
        settings.EVENT_ATTEMPTS, settings.EVENT_BATCH = 2, 1
        subject = uuid4()
        for number in range(1, 4):
            emit(tenant_id=tenant.id, subject_id=subject, number=number)
        line.target.refuses = set(event_ids(subject)[:1])
        line.deliver()
        hurry()
        line.deliver()
        assert line.numbers() == {}
        line.target.refuses = set()
        call_command("relay", "--target", "redis", "--requeue", event_ids(subject)[0], stdout=StringIO())
        emit(tenant_id=tenant.id, subject_id=subject, number=4)
        while line.deliver():
            pass
        assert line.numbers() == {str(subject): [1, 2, 3, 4]}
        assert line.state().held == 0
        assert line.state().published == 4
        with sql("superuser") as everybody:
            row = everybody.execute("SELECT subject_id, after FROM aurix_audit WHERE action = 'relay.requeued' "
                                    "ORDER BY created_at DESC LIMIT 1").fetchone()  # fmt: skip
        assert row == (event_ids(subject)[0], {"target": "redis"})

    def test_let_the_others_go_when_discarded(self, line: Line, tenant: TenantView, settings: Settings) -> None:
        settings.EVENT_ATTEMPTS, settings.EVENT_BATCH = 2, 1
        subject = uuid4()
        for number in range(1, 4):
            emit(tenant_id=tenant.id, subject_id=subject, number=number)
        line.target.refuses = set(event_ids(subject)[:1])
        line.deliver()
        hurry()
        line.deliver()
        call_command("relay", "--target", "redis", "--discard", event_ids(subject)[0], stdout=StringIO())
        while line.deliver():
            pass
        assert line.numbers() == {str(subject): [2, 3]}

    def test_take_what_is_too_large(self, line: Line, tenant: TenantView, settings: Settings) -> None:
        settings.EVENT_MAX_BYTES = 2000
        subject = uuid4()
        emit(tenant_id=tenant.id, subject_id=subject, number=1)
        emit(tenant_id=tenant.id, subject_id=subject, number=2, more="x" * 2000)
        emit(tenant_id=tenant.id, subject_id=subject, number=3)
        line.deliver()
        assert line.numbers() == {str(subject): [1]}
        settings.EVENT_MAX_BYTES = 3000
        hurry()
        line.deliver()
        assert line.numbers() == {str(subject): [1, 2, 3]}

    def test_are_not_made_by_a_target_that_is_down(self, line: Line, tenant: TenantView) -> None:
        emit(tenant_id=tenant.id, subject_id=uuid4())
        line.target.batches_left = 0
        for _ in range(10):
            with pytest.raises(TargetDownError):
                line.deliver()
        assert (line.state().waiting, line.state().held) == (1, 0)
        line.target.batches_left = 1000
        line.deliver()
        assert len(line.arrived()) == 1

    def test_are_shown_and_looked_after_by_name(self, line: Line, tenant: TenantView, settings: Settings) -> None:
        settings.EVENT_ATTEMPTS = 2
        subject = uuid4()
        emit(tenant_id=tenant.id, subject_id=subject)
        line.target.refuses = set(event_ids(subject))
        line.deliver()
        hurry()
        line.deliver()
        said = StringIO()
        call_command("relay", "--status", stdout=said)
        assert "redis: 0 published, 0 waiting since 0.0 s, 1 held, 1 dead" in said.getvalue()
        assert f"DEAD redis event {event_ids(subject)[0]} subject {subject} after 2 attempts" in said.getvalue()
        for words, problem in (
            (["--requeue", "all"], "Name the target"),
            (["--requeue", "x", "--target", "redis"], "no event's id"),
            (["--discard", str(uuid4()), "--target", "redis"], "no such dead letter"),
            (["--rewind", "yesterday", "--target", "redis"], "no time with an offset"),
            (["--rewind", "2026-01-01T00:00:00Z", "--target", "carrier-pigeon"], "no target"),
            (["--forget", "--target", "carrier-pigeon"], "no target"),
        ):
            with pytest.raises(CommandError, match=problem):
                call_command("relay", *words)


class TestOverHttp:
    def test_are_listed_and_decided_on_by_the_platform_s_admins(
        self, line: Line, tenant: TenantView, settings: Settings, olivia: Person, tom: Person
    ) -> None:
        settings.EVENT_ATTEMPTS, settings.EVENT_BATCH = 2, 1
        line.deliver()
        first, second = uuid4(), uuid4()
        for subject in (first, second):
            emit(tenant_id=tenant.id, subject_id=subject, number=1)
            emit(tenant_id=tenant.id, subject_id=subject, number=2)
        bad = [event_ids(first)[0], event_ids(second)[0]]
        line.target.refuses = set(bad)
        for _ in range(4):  # one letter is tried at a time
            line.deliver()
            hurry()
        listed = olivia.get("/admin/held-events").json()["items"]
        assert [item["status"] for item in listed] == ["dead", "waiting"] * 2
        page = olivia.get("/admin/held-events?dead=true&limit=1").json()
        assert (page["items"][0]["event_id"], page["items"][0]["last_error"]) == (bad[0], "no")
        rest = olivia.get(f"/admin/held-events?dead=true&limit=1&cursor={page['next_cursor']}").json()
        assert ([item["event_id"] for item in rest["items"]], rest["next_cursor"]) == (bad[1:], None)
        path = f"/admin/held-events/{bad[0]}"
        assert tom.get("/admin/held-events").status_code == 403
        assert tom.post(f"{path}/requeue", {"target": "redis"}).status_code == 403
        assert olivia.post(f"{path}/requeue", {"target": "kafka"}).status_code == 404
        line.target.refuses = set()
        assert olivia.post(f"{path}/requeue", {"target": "redis"}).json() == {"status": "queued", "event_id": bad[0]}
        discarded = olivia.post(f"/admin/held-events/{bad[1]}/discard", {"target": "redis"})
        assert discarded.json() == {"status": "discarded", "event_id": bad[1]}
        while line.deliver():
            pass
        found = line.numbers()
        assert (found[str(first)], found[str(second)]) == ([1, 2], [2])
