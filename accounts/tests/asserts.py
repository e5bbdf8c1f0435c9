"""What answers are expected to be."""

from typing import TYPE_CHECKING, Any
from uuid import UUID

from accounts.models import Session
from aurix.models import AuditEvent, OutboxEvent
from aurix.tenancy import tenant_scope
from aurix.tests.cast import Api, Person

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Answer


def refused(answer: "Answer", status: int, code: str) -> dict[str, Any]:
    """Assert that ``answer`` is this refusal in the contract's form; returns its error object."""
    body = answer.json()
    assert (answer.status_code, body["error"]["code"]) == (status, code), body
    assert set(body["error"]) == {"code", "message", "details"}
    assert body["error"]["message"]
    if status == 401:
        assert answer.headers["WWW-Authenticate"] == "Bearer"
    error: dict[str, Any] = body["error"]
    return error


def works(access_token: str) -> bool:
    """Whether a protected call takes this token; the only other answer there may be is ``token_revoked``."""
    answer = Api(access_token).get("/wallet")
    if answer.status_code == 200:
        return True
    refused(answer, 401, "token_revoked")
    return False


def sessions_of(person: Person) -> list[Session]:
    """All of a person's sessions, oldest first."""
    with tenant_scope(person.tenant.id):
        return list(Session.objects.filter(tenant_id=person.tenant.id, user_id=person.user_id).order_by("id"))


def events(tenant_id: UUID, subject_id: UUID | str) -> list[tuple[str, dict[str, Any]]]:
    """Types and payloads of the outbox events about somebody, in order."""
    with tenant_scope(tenant_id):
        rows = OutboxEvent.objects.filter(subject_id=subject_id).order_by("sequence")
        return list(rows.values_list("type", "payload"))


def audits(tenant_id: UUID, subject_id: UUID | str) -> list[tuple[str, UUID | None]]:
    """What was done to somebody, and by whom, in order."""
    with tenant_scope(tenant_id):
        return list(
            AuditEvent.objects.filter(subject_id=str(subject_id)).order_by("id").values_list("action", "actor_id")
        )
