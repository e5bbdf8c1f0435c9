"""What the webhooks' tests share: endpoints as staff look after them, and pauses that are over."""

import time
from typing import Any
from uuid import UUID

from aurix.tests.attacks import sql
from aurix.tests.cast import Person
from aurix.tests.relaying import eventually, start_afresh

ENVIRONMENT = {
    "EVENT_TARGETS": "webhooks",
    "WEBHOOK_ALLOW_HTTP": "on",
    "WEBHOOK_NETWORKS": "127.0.0.0/8",
    "WEBHOOK_TIMEOUT_SECONDS": "2",
    "LOG_LEVEL": "ERROR",
}


class Hook:
    """An endpoint, looked after by the tenant's own admin."""

    def __init__(self, staff: Person, url: str, *types: str) -> None:
        self.staff = staff
        answer = staff.post(f"/admin/tenants/{staff.tenant.id}/webhooks", {"url": url, "types": list(types)})
        assert answer.status_code == 201, answer.content
        self.id, self.secret = answer.json()["id"], answer.json()["secret"]
        self.path = f"/admin/tenants/{staff.tenant.id}/webhooks/{self.id}"

    def post(self, verb: str, body: Any = None) -> Any:
        answer = self.staff.post(f"{self.path}/{verb}", body)
        assert answer.status_code == 200, answer.content
        return answer.json()

    def deliveries(self, status: str = "") -> list[dict[str, Any]]:
        query = f"?limit=100&status={status}" if status else "?limit=100"
        items: list[dict[str, Any]] = self.staff.get(f"{self.path}/deliveries{query}").json()["items"]
        return items

    def state(self) -> dict[str, Any]:
        items = self.staff.get(f"/admin/tenants/{self.staff.tenant.id}/webhooks").json()["items"]
        (found,) = [item for item in items if item["id"] == self.id]
        assert isinstance(found, dict)
        return found


def hurry() -> None:
    """All pauses are over. In the order in which the dispatcher locks."""
    with sql("superuser") as everybody:
        everybody.execute("UPDATE aurix_webhook_endpoint SET retry_at = now() WHERE retry_at > now()")
        everybody.execute(
            "UPDATE aurix_webhook_delivery SET retry_at = now() WHERE retry_at > now() AND delivered_at IS NULL"
        )


def hurrying(true: Any) -> bool:
    """Whether it becomes true while pauses are cut short."""

    def look() -> bool:
        hurry()
        time.sleep(0.1)
        return bool(true())

    return eventually(look)


def emitted(tenant_id: UUID) -> set[str]:
    """Of what a test has emitted, not of those who registered before."""
    with sql("superuser") as everybody:
        rows = everybody.execute(
            "SELECT id::text FROM aurix_outbox WHERE tenant_id = %s AND payload ? 'gold_balance_grams' IS FALSE "
            "AND payload ? 'number'",
            [tenant_id],
        ).fetchall()
    return {identity for (identity,) in rows}


def outbox_ids_of(subject: UUID) -> list[str]:
    with sql("superuser") as everybody:
        rows = everybody.execute("SELECT id::text FROM aurix_outbox WHERE subject_id = %s", [subject]).fetchall()
    return [identity for (identity,) in rows]


def forget() -> None:
    """No endpoints, and only what happens from now on."""
    with sql("superuser") as everybody:
        everybody.execute("DELETE FROM aurix_webhook_delivery")
        everybody.execute("DELETE FROM aurix_webhook_endpoint")
    start_afresh("webhooks")
