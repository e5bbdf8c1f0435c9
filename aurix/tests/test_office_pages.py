"""Pages of the back-office for the work behind the scenes: dead letters and ETL runs."""

from uuid import uuid4

import pytest
from django.core.management import call_command
from django.test import Client

from aurix.models import AuditEvent, HeldEvent
from aurix.tenancy import platform_scope
from aurix.tests.cast import PASSWORD, Person
from insights.models import EtlRun


@pytest.fixture
def office(olivia: Person) -> Client:
    client = Client()
    client.post("/backoffice/login/", {"username": olivia.email, "password": PASSWORD})
    return client


@pytest.fixture
def letter() -> HeldEvent:
    """A dead letter."""
    held = HeldEvent(
        target=f"test-{uuid4().hex}", event_id=uuid4(), subject_id=uuid4(), sequence=1, envelope="{}", attempts=5,
        dead=True, retry_at="2026-01-01T00:00:00Z", error="too large", created_at="2026-01-01T00:00:00Z",
    )  # fmt: skip
    with platform_scope("hold an event"):
        held.save()
    return held


def click(office: Client, action: str, letter: HeldEvent) -> str:
    form = {"action": action, "_selected_action": str(letter.pk)}
    answer = office.post(f"/backoffice/aurix/heldevent/?target={letter.target}", form, follow=True)
    assert answer.status_code == 200, answer.content
    return answer.content.decode()


def audited(letter: HeldEvent, action: str) -> list[object]:
    with platform_scope("look at the audit trail"):
        rows = AuditEvent.objects.filter(subject_id=str(letter.event_id), action=action)
        return list(rows.values_list("actor_id", flat=True))


class TestDeadLetters:
    def test_are_listed_with_their_reason(self, office: Client, letter: HeldEvent) -> None:
        page = office.get(f"/backoffice/aurix/heldevent/?target={letter.target}").content.decode()
        assert str(letter.event_id) in page
        assert "too large" in page

    def test_are_tried_again(self, office: Client, letter: HeldEvent, olivia: Person) -> None:
        assert "Done: 1." in click(office, "requeue", letter)
        with platform_scope("look at it"):
            letter.refresh_from_db()
        assert (letter.dead, letter.attempts) == (False, 0)
        assert audited(letter, "relay.requeued") == [olivia.user_id]
        assert "Done: 0." in click(office, "discard", letter)  # it is not dead any more

    def test_are_given_up(self, office: Client, letter: HeldEvent, olivia: Person) -> None:
        assert "Done: 1." in click(office, "discard", letter)
        with platform_scope("look at it"):
            assert not HeldEvent.objects.filter(pk=letter.pk).exists()
        assert audited(letter, "relay.discarded") == [olivia.user_id]

    def test_have_no_page_to_edit(self, office: Client, letter: HeldEvent) -> None:
        path = f"/backoffice/aurix/heldevent/{letter.pk}/change/"
        assert office.get(path).status_code == 404
        assert office.post(path, {"dead": ""}).status_code == 404


class TestEtlRuns:
    def test_are_shown_with_their_progress(self, office: Client, alice: Person) -> None:
        alice.buy(grams="1")
        call_command("run_etl", tenant=alice.tenant.code)
        page = office.get("/backoffice/insights/etlrun/").content.decode()
        assert "1 of 1 tenants" in page
        assert "succeeded" in page

    def test_are_asked_for(self, office: Client, alice: Person, monkeypatch: pytest.MonkeyPatch) -> None:
        asked: list[object] = []
        monkeypatch.setattr("insights.tasks.announce", asked.append)
        call_command("run_etl", tenant=alice.tenant.code)
        with platform_scope("find a run"):
            last = EtlRun.objects.order_by("-id").values_list("id", flat=True)[0]
        form = {"action": "again", "_selected_action": str(last)}
        assert b"Asked for run" in office.post("/backoffice/insights/etlrun/", form, follow=True).content
        assert len(asked) == 1
