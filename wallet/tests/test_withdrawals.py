"""``/withdrawals``, ``/bank-accounts``, and what the staff do with withdrawals."""

from typing import Any

import pytest

from aurix import clock
from aurix.tests.attacks import sql
from aurix.tests.cast import Person
from wallet.actions import verification, withdrawals
from wallet.tests.cash import (
    IBAN,
    OTHER,
    balances,
    error,
    export,
    exported,
    freeze,
    post,
    register,
    verb,
    withdraw,
)

REASON = {"reason": "AC04: account closed"}


def status(person: Person, row: dict[str, Any]) -> str:
    return str(person.get(f"/withdrawals/{row['id']}").json()["status"])


class TestBankAccounts:
    def test_are_registered_listed_and_removed(self, alice: Person) -> None:
        made = register(alice, "at61 1904 3002 3457 3201")
        assert (made.status_code, made.json()["iban"]) == (201, IBAN)
        again = register(alice)
        assert (again.status_code, again.json()) == (200, made.json())
        assert alice.get("/bank-accounts").json()["items"] == [made.json()]
        assert alice.delete(f"/bank-accounts/{made.json()['id']}").status_code == 204
        assert alice.get("/bank-accounts").json()["items"] == []
        assert error(alice.delete(f"/bank-accounts/{made.json()['id']}")) == (404, "not_found")
        assert register(alice).status_code == 201

    @pytest.mark.parametrize(
        "iban",
        ["AT611904300234573202", "AT61", "", "DE8937040044053201300", "XX00", "é" * 20, "A" * 64, "٣" * 20,
         "BR1500000000000010932840814P2", "TR330006100519786457841326"],
    )  # fmt: skip
    def test_refuse_what_is_no_iban_of_the_area(self, iban: str, alice: Person) -> None:
        assert error(register(alice, iban)) == (400, "invalid_iban" if iban else "bad_request")

    def test_refuse_a_name_that_no_bank_can_read(self, alice: Person) -> None:
        assert error(register(alice, name="李")) == (400, "bad_request")
        assert register(alice, name="Łukasz Żółć").status_code == 201

    def test_of_others_are_not_there(self, alice: Person, bob: Person, charlie: Person) -> None:
        for other in (bob, charlie):
            row = register(other).json()
            assert error(alice.delete(f"/bank-accounts/{row['id']}")) == (404, "not_found")
        assert alice.get("/bank-accounts").json()["items"] == []


class TestRequesting:
    def test_holds_the_amount_at_once(self, alice: Person) -> None:
        account = register(alice).json()
        answer = withdraw(alice, "100.00")
        assert answer.status_code == 201
        body = answer.json()
        assert body.pop("id")
        assert body.pop("created_at").endswith("Z")
        assert body == {
            "status": "requested",
            "eur": "100.00",
            "bank_account_id": account["id"],
            "iban_ending": "3201",
            "reason": None,
            "transaction_id": None,
        }
        assert balances(alice) == ("10000.00", "9900.00")

    def test_holds_no_more_than_there_is(self, alice: Person) -> None:
        register(alice)
        assert withdraw(alice, "9999.99").status_code == 201
        answer = withdraw(alice, "0.02")
        assert error(answer) == (422, "insufficient_balance")
        assert answer.json()["error"]["details"] == {"required": "0.02", "available": "0.01"}
        assert withdraw(alice, "0.01").status_code == 201
        assert balances(alice) == ("10000.00", "0.00")

    def test_held_money_buys_nothing(self, alice: Person) -> None:
        register(alice)
        withdraw(alice, "9950.00")
        assert alice.buy(eur="50.00").status_code == 200
        answer = alice.buy(eur="10.00")
        assert error(answer) == (422, "insufficient_balance")
        assert answer.json()["error"]["details"] == {"required": "10.00", "available": "0.00"}
        assert balances(alice) == ("9950.00", "0.00")

    def test_wants_a_registered_account(self, alice: Person, bob: Person) -> None:
        register(bob)
        register(alice, OTHER)
        assert error(withdraw(alice, "1.00", IBAN)) == (422, "iban_not_registered")
        assert error(withdraw(alice, "1.00", "AT00")) == (400, "invalid_iban")
        account = alice.get("/bank-accounts").json()["items"][0]
        alice.delete(f"/bank-accounts/{account['id']}")
        assert error(withdraw(alice, "1.00", OTHER)) == (422, "iban_not_registered")

    def test_of_a_frozen_wallet_is_refused(self, alice: Person) -> None:
        register(alice)
        freeze(alice)
        assert error(withdraw(alice, "1.00")) == (403, "wallet_frozen")

    def test_a_key_brings_the_first_answer_back_for_ever(self, alice: Person, tom: Person) -> None:
        register(alice)
        first = withdraw(alice, "100.00", key="k")
        assert verb(tom, "withdrawals", first.json(), "reject", REASON).status_code == 200
        again = withdraw(alice, "100.00", key="k")
        assert (again.status_code, again.content, again["Idempotency-Replayed"]) == (201, first.content, "true")
        assert error(withdraw(alice, "100.01", key="k")) == (422, "idempotency_key_reused")
        assert balances(alice) == ("10000.00", "10000.00")

    def test_a_failed_attempt_leaves_the_key_unused(self, alice: Person) -> None:
        register(alice)
        assert withdraw(alice, "10000.01", key="k").status_code == 422
        assert withdraw(alice, "1.00", key="k").status_code == 201


class TestGivingBack:
    def test_cancelling_frees_the_amount(self, alice: Person, tom: Person) -> None:
        register(alice)
        row = withdraw(alice, "100.00").json()
        for _ in range(2):
            assert alice.post(f"/withdrawals/{row['id']}/cancel").json()["status"] == "cancelled"
        assert balances(alice) == ("10000.00", "10000.00")
        assert error(verb(tom, "withdrawals", row, "approve")) == (409, "wrong_state")

    def test_is_too_late_once_it_is_approved(self, alice: Person, tom: Person) -> None:
        register(alice)
        row = withdraw(alice, "100.00").json()
        verb(tom, "withdrawals", row, "approve")
        assert error(alice.post(f"/withdrawals/{row['id']}/cancel")) == (409, "wrong_state")

    def test_rejecting_frees_the_amount_and_says_why(self, alice: Person, tom: Person) -> None:
        register(alice)
        row = withdraw(alice, "100.00").json()
        assert error(verb(tom, "withdrawals", row, "reject", {})) == (400, "bad_request")
        assert verb(tom, "withdrawals", row, "reject", REASON).json()["status"] == "rejected"
        assert alice.get(f"/withdrawals/{row['id']}").json()["reason"] == REASON["reason"]
        assert balances(alice) == ("10000.00", "10000.00")

    def test_what_comes_back_before_it_is_settled_is_available_again(self, alice: Person, tom: Person) -> None:
        row = exported(alice, tom)
        assert verb(tom, "withdrawals", row, "return", REASON).json()["status"] == "returned"
        assert balances(alice) == ("10000.00", "10000.00")
        assert alice.get("/transactions").json()["items"] == []

    def test_what_comes_back_after_it_is_settled_is_booked_back(self, alice: Person, tom: Person) -> None:
        row = exported(alice, tom)
        assert verb(tom, "withdrawals", row, "settle").status_code == 200
        assert balances(alice) == ("9900.00", "9900.00")
        assert verb(tom, "withdrawals", row, "return", REASON).json()["status"] == "returned"
        assert balances(alice) == ("10000.00", "10000.00")
        kinds = [item["type"] for item in alice.get("/transactions").json()["items"]]
        assert kinds == ["deposit", "withdrawal"]
        assert verification.verify(tenant_id=alice.tenant.id).discrepancies == []

    def test_a_closed_account_s_are_given_back_all_but_those_at_the_bank(self, alice: Person, tom: Person) -> None:
        sent = exported(alice, tom)
        asked, approved = (withdraw(alice, "1.00").json() for _ in range(2))
        verb(tom, "withdrawals", approved, "approve")
        for expected in (2, 0):
            released = withdrawals.release(
                tenant_id=alice.tenant.id, user_id=alice.user_id, by=None, reason="account closed", now=clock.now()
            )
            assert released == expected
        assert [status(alice, row) for row in (sent, asked, approved)] == ["exported", "rejected", "rejected"]
        assert balances(alice) == ("10000.00", "9900.00")


class TestApproving:
    def test_is_for_the_staff_of_the_tenant(self, alice: Person, bob: Person, charlie: Person, tom: Person) -> None:
        for customer in (alice, charlie):
            register(customer)
        mine, foreign = withdraw(alice, "1.00").json(), withdraw(charlie, "1.00").json()
        for customer in (alice, bob):
            assert error(verb(customer, "withdrawals", mine, "approve")) == (403, "forbidden")
        assert error(verb(tom, "withdrawals", foreign, "approve")) == (404, "not_found")
        assert error(tom.get(f"/admin/withdrawals/{foreign['id']}")) == (404, "not_found")
        assert status(charlie, foreign) == "requested"

    def test_nobody_approves_his_own(self, tom: Person, sam: Person) -> None:
        register(tom)
        row = withdraw(tom, "1.00").json()
        assert error(verb(tom, "withdrawals", row, "approve")) == (403, "own_withdrawal")
        assert verb(sam, "withdrawals", row, "approve").json()["status"] == "approved"

    def test_one_person_is_enough_up_to_the_threshold(self, alice: Person, tom: Person) -> None:
        register(alice)
        row = withdraw(alice, "10000.00").json()
        for _ in range(2):  # again changes nothing
            assert verb(tom, "withdrawals", row, "approve").json()["status"] == "approved"

    def test_above_it_takes_two(self, alice: Person, tom: Person, sam: Person) -> None:
        register(alice)
        body = {"wallet_id": str(alice.wallet_id), "eur": "5000.00", "note": "x"}
        post(tom, f"/admin/tenants/{tom.tenant.id}/deposits", body)
        row = withdraw(alice, "10000.01").json()
        first = verb(tom, "withdrawals", row, "approve").json()
        assert (first["status"], first["approvals_needed"], first["first_approved_by"]) == (
            "requested",
            2,
            str(tom.user_id),
        )
        assert error(verb(tom, "withdrawals", row, "approve")) == (403, "second_person_needed")
        assert error(export(tom)) == (422, "no_settlement_account")
        second = verb(sam, "withdrawals", row, "approve").json()
        assert (second["status"], second["approved_by"]) == ("approved", str(sam.user_id))

    def test_waits_while_the_wallet_is_frozen(self, alice: Person, tom: Person) -> None:
        register(alice)
        row = withdraw(alice, "1.00").json()
        freeze(alice)
        assert error(verb(tom, "withdrawals", row, "approve")) == (403, "wallet_frozen")


class TestSettling:
    def test_ends_the_hold_with_an_entry(self, alice: Person, tom: Person) -> None:
        row = exported(alice, tom)
        assert (status(alice, row), balances(alice)) == ("exported", ("10000.00", "9900.00"))
        answer = verb(tom, "withdrawals", row, "settle", key="k")
        assert answer.json()["status"] == "settled"
        assert verb(tom, "withdrawals", row, "settle", key="k").content == answer.content
        assert error(verb(tom, "withdrawals", row, "settle")) == (409, "wrong_state")
        assert balances(alice) == ("9900.00", "9900.00")
        (entry,) = alice.get("/transactions").json()["items"]
        assert (entry["type"], entry["gross_eur"], entry["id"]) == (
            "withdrawal",
            "100.00",
            answer.json()["transaction_id"],
        )

    @pytest.mark.parametrize("what", ["settle", "return"])
    def test_comes_after_the_export(self, what: str, alice: Person, tom: Person) -> None:
        register(alice)
        row = withdraw(alice, "1.00").json()
        verb(tom, "withdrawals", row, "approve")
        assert error(verb(tom, "withdrawals", row, what, REASON)) == (409, "wrong_state")
        assert balances(alice) == ("10000.00", "9999.00")

    def test_can_take_the_last_cent(self, alice: Person, tom: Person) -> None:
        row = exported(alice, tom, "10000.00")
        assert verb(tom, "withdrawals", row, "settle").status_code == 200
        assert balances(alice) == ("0.00", "0.00")


class TestTheTrail:
    def test_has_every_step_in_audit_and_outbox(self, alice: Person, tom: Person) -> None:
        row = exported(alice, tom)
        verb(tom, "withdrawals", row, "settle")
        verb(tom, "withdrawals", row, "return", REASON)
        with sql("superuser") as connection:
            audited = connection.execute(
                "SELECT action FROM aurix_audit WHERE subject_id = %s ORDER BY created_at, id", [row["id"]]
            ).fetchall()
            sent = connection.execute(
                "SELECT type FROM aurix_outbox WHERE payload->>'withdrawal_id' = %s ORDER BY sequence", [row["id"]]
            ).fetchall()
        steps = [f"withdrawal.{step}" for step in ("requested", "approved", "exported", "settled", "returned")]
        assert [step for (step,) in audited] == [step for (step,) in sent] == steps
