"""What docs/events promises to consumers, held against events as they leave."""

import json
import threading
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings as configured
from django.core.management import CommandError, call_command
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from pytest_django.fixtures import Settings
from referencing import Registry, Resource

from accounts.actions import closing
from aurix import clock
from aurix.relay.courier import Courier
from aurix.relay.streams import RedisStreams
from aurix.tests.attacks import tampering
from aurix.tests.cast import PASSWORD, Person
from aurix.tests.live import ROOT
from aurix.tests.relaying import Received, in_stream, of_tenant, start_afresh
from wallet.tests import cash

SCHEMAS: dict[str, dict[str, Any]] = {
    schema["$id"]: schema
    for path in (ROOT / "docs" / "events").glob("*.json")
    for schema in [json.loads(path.read_text(encoding="utf-8"))]
}
REGISTRY: Registry[Any] = Registry().with_resources(
    (identity, Resource.from_contents(schema)) for identity, schema in SCHEMAS.items()
)
ENVELOPE = "urn:aurix:events:event:v1"


def problems(value: Any, schema: str) -> list[str]:
    validator = Draft202012Validator(SCHEMAS[schema], registry=REGISTRY)
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(value)]


@pytest.fixture
def everything(settings: Settings, alice: Person, tom: Person) -> Received:
    """One event of every type that the application can cause today."""
    settings.EVENT_STREAM = f"test:{uuid4()}"
    start_afresh()
    assert alice.buy(grams="1.25").status_code == 200
    assert alice.sell(grams="0.5").status_code == 200
    payments(alice, tom)
    changed = alice.post("/auth/change-password", {"current_password": PASSWORD, "new_password": f"{PASSWORD}-new"})
    assert changed.status_code in {200, 204}, changed.content
    closing.close(tenant_id=alice.tenant.id, user_id=alice.user_id, by=None, now=clock.now())
    with tampering() as connection:
        connection.execute("UPDATE wallet_wallet SET gold = gold + 1 WHERE id = %s", [alice.wallet_id])
    with pytest.raises(CommandError):
        call_command("reconcile", tenant=alice.tenant.code)
    courier = Courier(target=RedisStreams(), stop=threading.Event())
    courier.deliver()
    courier.release()
    return of_tenant(in_stream(configured.EVENT_REDIS_URL, configured.EVENT_STREAM), alice.tenant.id)


def payments(customer: Person, staff: Person) -> None:
    """Every step of deposits and withdrawals."""
    deposit = cash.announce(customer, "5.00").json()
    customer.post(f"/deposits/{deposit['id']}/cancel")
    cash.verb(staff, "deposits", deposit, "receive", {})
    there_and_back = cash.exported(customer, staff)
    cash.verb(staff, "withdrawals", there_and_back, "settle")
    cash.verb(staff, "withdrawals", there_and_back, "return", {"reason": "AC04"})
    customer.post(f"/withdrawals/{cash.withdraw(customer, '1.00').json()['id']}/cancel")
    cash.verb(staff, "withdrawals", cash.withdraw(customer, "1.00").json(), "reject", {"reason": "no"})


def test_every_schema_is_one() -> None:
    families = ("wallet", "deposit", "withdrawal", "account", "reconciliation", "webhook")
    assert set(SCHEMAS) == {ENVELOPE, *(f"urn:aurix:events:{family}:v1" for family in families)}
    for schema in SCHEMAS.values():
        Draft202012Validator.check_schema(schema)


def test_every_event_is_as_documented(everything: Received) -> None:
    assert sorted(event["type"].removeprefix("org.aurix.") for event in everything) == [
        "account.closed",
        "account.password_changed",
        "account.registered",
        "account.registered",
        "deposit.announced",
        "deposit.cancelled",
        "deposit.received",
        "reconciliation.discrepancy",
        "wallet.buy",
        "wallet.deposit",
        "wallet.deposit",
        "wallet.opening",
        "wallet.opening",
        "wallet.sell",
        "wallet.withdrawal",
        "withdrawal.approved",
        "withdrawal.cancelled",
        "withdrawal.exported",
        "withdrawal.rejected",
        "withdrawal.requested",
        "withdrawal.requested",
        "withdrawal.requested",
        "withdrawal.returned",
        "withdrawal.settled",
    ]
    for event in everything:
        assert problems(event, ENVELOPE) == []
        assert problems(event["data"], event["dataschema"]) == []
        assert event.keys() == SCHEMAS[ENVELOPE]["properties"].keys()
        assert event["data"].keys() <= SCHEMAS[event["dataschema"]]["properties"].keys()  # nothing undocumented


def test_the_schemas_can_find_fault(everything: Received) -> None:
    """The control."""
    (buy,) = [event for event in everything if event["type"] == "org.aurix.wallet.buy"]
    assert problems({**buy, "sequence": 42}, ENVELOPE)
    assert problems({**buy["data"], "gold_delta_grams": 1.25}, buy["dataschema"])
    assert problems({**buy["data"], "number": 0}, buy["dataschema"])


def test_sequence_and_subject_tell_the_order(everything: Received, alice: Person) -> None:
    own = [event for event in everything if event["subject"] == str(alice.wallet_id)]
    assert sorted(own, key=lambda event: str(event["sequence"])) == own
    wallet = [event for event in own if event["type"].startswith("org.aurix.wallet.")]
    assert [event["data"]["number"] for event in wallet] == [1, 2, 3, 4, 5, 6]
    assert [event["time"] for event in wallet] == sorted(event["time"] for event in wallet)
    assert all(event["tenantid"] == str(alice.tenant.id) for event in everything)


def test_the_example_in_the_documentation_is_valid() -> None:
    text = (ROOT / "docs" / "events" / "README.md").read_text(encoding="utf-8")
    example = json.loads(text.split("```json\n")[1].split("```")[0])
    assert problems(example, ENVELOPE) == []
    assert problems(example["data"], example["dataschema"]) == []


def test_no_event_holds_personal_data(everything: Received, alice: Person) -> None:
    assert alice.email.lower() not in json.dumps(everything).lower()
