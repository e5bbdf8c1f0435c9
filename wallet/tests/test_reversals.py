"""Reversals: two people, once, and never below zero."""

from collections import Counter
from typing import Any

import httpx
import psycopg
import pytest

from aurix.tests.attacks import sql
from aurix.tests.cast import Person
from aurix.tests.live import LiveServer, at_once
from wallet.actions import verification
from wallet.tests.cash import announce, balances, error, freeze, post, register, verb, withdraw
from wallet.tests.test_payment_rules import change

REASON = {"reason": "wrong price"}


def propose(staff: Person, trade: dict[str, Any]) -> Any:
    return staff.post(f"/admin/transactions/{trade['id']}/reversal", REASON)


def approve(staff: Person, row: dict[str, Any], **options: Any) -> Any:
    return verb(staff, "reversals", row, "approve", **options)


def bought(person: Person, **order: Any) -> dict[str, Any]:
    trade: dict[str, Any] = person.buy(**order).json()["transaction"]
    return trade


class TestReversing:
    def test_a_buy_undoes_it_whole(self, alice: Person, tom: Person, sam: Person) -> None:
        trade = bought(alice, grams="2")
        row = propose(tom, trade)
        assert (row.status_code, row.json()["status"]) == (201, "proposed")
        assert balances(alice)[0] == "9869.35"
        done = approve(sam, row.json(), key="k")
        assert (done.status_code, done.json()["status"]) == (200, "approved")
        assert done.json()["reversed_transaction_id"] == trade["id"]
        assert balances(alice) == ("10000.00", "10000.00")
        (entry,) = alice.get("/transactions?type=reversal").json()["items"]
        assert (entry["id"], entry["gross_eur"], entry["fee_eur"]) == (
            done.json()["transaction_id"],
            "-130.00",
            "-0.65",
        )
        assert approve(sam, row.json(), key="k").content == done.content
        assert verification.verify(tenant_id=alice.tenant.id).discrepancies == []

    def test_a_sell_undoes_it_whole(self, alice: Person, tom: Person, sam: Person) -> None:
        alice.buy(grams="2")
        before = balances(alice)
        trade = alice.sell(grams="1").json()["transaction"]
        approve(sam, propose(tom, trade).json())
        assert balances(alice) == before
        assert alice.get("/wallet").json()["gold_balance_grams"] == "2.00000000"

    def test_names_the_trade_in_the_ledger(self, alice: Person, tom: Person, sam: Person) -> None:
        trade = bought(alice, grams="2")
        row = approve(sam, propose(tom, trade).json()).json()
        with sql("superuser") as connection:
            found = connection.execute(
                "SELECT r.idempotency_key, r.fingerprint = o.hash FROM wallet_ledger r, wallet_ledger o "
                "WHERE r.id = %s AND o.id = %s",
                [row["transaction_id"], trade["id"]],
            ).fetchone()
        assert found == (f"reverses/{trade['id']}", True)

    def test_happens_once(self, alice: Person, tom: Person, sam: Person) -> None:
        trade = bought(alice, grams="2")
        row = propose(tom, trade).json()
        answer = propose(sam, trade)
        assert error(answer) == (409, "wrong_state")
        assert answer.json()["error"]["details"] == {"status": "proposed", "reversal_id": row["id"]}
        approve(sam, row)
        assert error(approve(sam, row)) == (409, "wrong_state")
        assert error(propose(tom, trade)) == (409, "wrong_state")
        assert balances(alice)[0] == "10000.00"

    def test_a_rejected_proposal_can_be_made_again(self, alice: Person, tom: Person, sam: Person) -> None:
        trade = bought(alice, grams="2")
        row = propose(tom, trade).json()
        for _ in range(2):
            assert verb(tom, "reversals", row, "reject").json()["status"] == "rejected"
        assert error(approve(sam, row)) == (409, "wrong_state")
        assert approve(sam, propose(tom, trade).json()).status_code == 200

    def test_is_of_trades_only(self, alice: Person, tom: Person) -> None:
        row = announce(alice, "5.00").json()
        deposit = {"id": verb(tom, "deposits", row, "receive", {}).json()["transaction_id"]}
        assert error(propose(tom, deposit)) == (422, "not_reversible")

    def test_ten_at_once_post_one_entry(self, server: LiveServer, alice: Person, tom: Person, sam: Person) -> None:
        row = propose(tom, bought(alice, grams="2")).json()
        with server.client(sam) as client:

            def step(index: int) -> httpx.Response:
                headers = {"Idempotency-Key": f"{index}"}
                return client.post(f"/admin/reversals/{row['id']}/approve", headers=headers)

            answers = at_once(10, step)
        assert Counter(answer.status_code for answer in answers) == {200: 1, 409: 9}
        assert len(alice.get("/transactions?type=reversal").json()["items"]) == 1


class TestTwoPeople:
    def test_are_needed(self, alice: Person, tom: Person, sam: Person) -> None:
        row = propose(tom, bought(alice, grams="2")).json()
        assert error(approve(tom, row)) == (403, "second_person_needed")
        assert approve(sam, row).status_code == 200

    def test_neither_is_the_customer(self, tom: Person, sam: Person, olivia: Person) -> None:
        trade = bought(tom, grams="2")
        assert error(propose(tom, trade)) == (403, "own_trade")
        row = propose(sam, trade).json()
        assert error(approve(tom, row)) == (403, "own_trade")
        assert approve(olivia, row).status_code == 200

    def test_are_staff_of_the_tenant(self, alice: Person, bob: Person, charlie: Person, tom: Person) -> None:
        mine, foreign = bought(alice, grams="1"), bought(charlie, grams="1")
        assert error(propose(bob, mine)) == (403, "forbidden")
        assert error(propose(tom, foreign)) == (404, "not_found")
        row = propose(tom, mine).json()
        assert error(approve(bob, row)) == (403, "forbidden")
        assert tom.get(f"/admin/tenants/{tom.tenant.id}/reversals?status=proposed").json()["items"] == [row]
        assert error(tom.get(f"/admin/tenants/{charlie.tenant.id}/reversals")) == (404, "not_found")

    @pytest.mark.parametrize("role", ["app", "owner"])
    def test_are_wanted_by_the_database_too(self, role: str, alice: Person, tom: Person, sam: Person) -> None:
        trade = bought(alice, grams="1")
        row = propose(tom, trade).json()
        for decided_by in (tom.user_id, alice.user_id, sam.user_id):  # for sam the entry is not a reversal
            what = "status = 'approved', decided_by = %s, entry_id = %s"
            with pytest.raises(psycopg.Error):
                change(role, alice, "wallet_reversal", row, what, decided_by, trade["id"])


class TestNeverBelowZero:
    def test_gold_that_is_gone(self, alice: Person, tom: Person, sam: Person) -> None:
        row = propose(tom, bought(alice, grams="2")).json()
        alice.sell(grams="0.5")
        answer = approve(sam, row)
        assert error(answer) == (422, "insufficient_gold")
        assert answer.json()["error"]["details"] == {"required": "2.00000000", "available": "1.50000000"}
        assert "cannot be reversed" in answer.json()["error"]["message"]
        alice.buy(grams="0.5")
        assert approve(sam, row).status_code == 200

    def test_euros_that_are_gone_or_held(self, alice: Person, tom: Person, sam: Person) -> None:
        alice.buy(grams="150")
        trade = alice.sell(grams="1").json()["transaction"]
        row = propose(tom, trade).json()
        available = balances(alice)[1]
        register(alice)
        held = withdraw(alice, available).json()
        answer = approve(sam, row)
        assert error(answer) == (422, "insufficient_balance")
        assert answer.json()["error"]["details"] == {"required": "64.50", "available": "0.00"}
        alice.post(f"/withdrawals/{held['id']}/cancel")
        assert approve(sam, row).status_code == 200

    def test_a_frozen_wallet_waits(self, alice: Person, tom: Person, sam: Person) -> None:
        row = propose(tom, bought(alice, grams="2")).json()
        freeze(alice)
        assert error(approve(sam, row)) == (403, "wallet_frozen")


def test_wants_a_reason(alice: Person, tom: Person) -> None:
    trade = bought(alice, grams="1")
    assert error(post(tom, f"/admin/transactions/{trade['id']}/reversal", {})) == (400, "bad_request")
