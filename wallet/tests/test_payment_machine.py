"""Any sequence of steps on a customer's withdrawals by Hypothesis, against a model of which step may follow which."""

from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, multiple, rule, run_state_machine_as_test

from aurix.tests.cast import Person, person
from wallet.actions import verification
from wallet.tests.cash import balances, camt, entry_xml, export, imports, name_bank, post, register, verb, withdraw

cents = st.integers(1, 4_000_00)
NEXT = {
    "approve": {"requested": "approved"},
    "reject": {"requested": "rejected", "approved": "rejected"},
    "cancel": {"requested": "cancelled"},
    "settle": {"exported": "settled"},
    "return": {"exported": "returned", "settled": "returned"},
}
AGAIN = {("approve", "approved"), ("reject", "rejected"), ("cancel", "cancelled")}
"""What changes nothing when the same person says it again."""
UNDER_WAY = {"requested", "approved", "exported"}


def euros(amount: int) -> str:
    return f"{amount // 100}.{amount % 100:02d}"


class Desk(RuleBasedStateMachine):
    """What the model knows: posted cents, and amount and status of each withdrawal."""

    staff: Person
    made = Bundle("made")

    def __init__(self) -> None:
        super().__init__()
        self.customer = person("model", self.staff.tenant)
        register(self.customer)
        self.cash = 10_000_00
        self.rows: dict[str, tuple[int, str]] = {}
        self._told: set[tuple[str, str]] = set()

    @property
    def held(self) -> int:
        return sum(amount for amount, status in self.rows.values() if status in UNDER_WAY)

    @rule(target=made, amount=cents)
    def request(self, amount: int) -> Any:
        answer = withdraw(self.customer, euros(amount))
        if amount > self.cash - self.held:
            assert answer.status_code == 422
            return multiple()
        self.rows[answer.json()["id"]] = (amount, "requested")
        return answer.json()["id"]

    @rule(row=made, what=st.sampled_from([*NEXT]))
    def step(self, row: str, what: str) -> None:
        if what == "cancel":
            answer = self.customer.post(f"/withdrawals/{row}/cancel")
        else:
            answer = verb(
                self.staff, "withdrawals", row, what, {} if what in {"approve", "settle"} else {"reason": "x"}
            )
        amount, status = self.rows[row]
        after = NEXT[what].get(status)
        assert answer.status_code == (200 if after or (what, status) in AGAIN else 409), answer.content
        if after:
            self._take(row, amount, status, after)

    @rule()
    def export(self) -> None:
        waiting = [row for row, (_, status) in self.rows.items() if status == "approved"]
        answer = export(self.staff)
        assert answer.status_code == (201 if waiting else 422)
        for row in waiting:
            self.rows[row] = (self.rows[row][0], "exported")
        if waiting:
            total = euros(sum(self.rows[row][0] for row in waiting))
            assert (answer.json()["orders"], answer.json()["eur"]) == (len(waiting), total)

    @rule(row=made, direction=st.sampled_from(["DBIT", "CRDT"]))
    def the_bank_says(self, row: str, direction: str) -> None:
        amount, status = self.rows[row]
        line = entry_xml(amount=euros(amount), direction=direction, end_to_end=row.replace("-", ""))
        assert imports(self.staff, camt(line)).status_code == 200
        after = NEXT["settle" if direction == "DBIT" else "return"].get(status)
        fresh = (row, direction) not in self._told
        self._told.add((row, direction))
        if after and fresh:
            self._take(row, amount, status, after)

    @rule(amount=cents)
    def deposit(self, amount: int) -> None:
        body = {"wallet_id": str(self.customer.wallet_id), "eur": euros(amount), "note": "x"}
        path = f"/admin/tenants/{self.staff.tenant.id}/deposits"
        assert post(self.staff, path, body).status_code == 201
        self.cash += amount

    @rule(amount=st.integers(1_00, 4_000_00))
    def buy(self, amount: int) -> None:
        answer = self.customer.buy(eur=euros(amount))
        assert answer.status_code == (200 if amount <= self.cash - self.held else 422)
        if answer.status_code == 200:
            self.cash -= amount

    @invariant()
    def the_wallet_is_the_model(self) -> None:
        assert balances(self.customer) == (euros(self.cash), euros(self.cash - self.held))

    @invariant()
    def so_is_each_withdrawal(self) -> None:
        items = self.customer.get("/withdrawals?limit=100").json()["items"]
        assert {item["id"]: item["status"] for item in items} == {row: status for row, (_, status) in self.rows.items()}

    def teardown(self) -> None:
        export(self.staff)  # what is left would be in the next life's first file
        assert verification.verify(tenant_id=self.staff.tenant.id).discrepancies == []

    def _take(self, row: str, amount: int, before: str, after: str) -> None:
        self.rows[row] = (amount, after)
        if after == "settled":
            self.cash -= amount
        if before == "settled":
            self.cash += amount


@pytest.mark.slow
def test_any_sequence_of_steps_agrees_with_the_model(tom: Person) -> None:
    name_bank(tom)
    machine = type("Machine", (Desk,), {"staff": tom})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=20,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )
