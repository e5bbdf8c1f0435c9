"""``/deposits`` and what the staff do with them."""

from typing import Any

import pytest

from aurix.tests.attacks import sql
from aurix.tests.cast import Person
from wallet import references
from wallet.actions import verification
from wallet.tests.cash import BANK, announce, balances, error, freeze, name_bank, post, verb


class TestAnnouncing:
    def test_answers_with_a_reference_and_where_to_pay(self, alice: Person, tom: Person) -> None:
        name_bank(tom)
        answer = announce(alice, "250.00")
        assert answer.status_code == 201
        body = answer.json()
        reference = body.pop("reference")
        assert references.is_valid(reference.replace(" ", ""))
        assert body.pop("id")
        assert body.pop("created_at").endswith("Z")
        assert body == {
            "status": "announced",
            "eur": "250.00",
            "received_eur": None,
            "transaction_id": None,
            "pay_to": {"holder_name": "Goldhaus Österreich AG", "iban": BANK, "bic": "COBADEFFXXX"},
        }
        assert balances(alice) == ("10000.00", "10000.00")

    def test_works_before_the_organisation_has_named_its_bank(self, alice: Person) -> None:
        assert announce(alice, "1.00").json()["pay_to"] is None

    @pytest.mark.parametrize("eur", ["0", "0.00", "-1", "1.001", "1e3", "", "x", "1,00"])
    def test_refuses_what_is_no_amount(self, eur: str, alice: Person) -> None:
        assert error(announce(alice, eur)) == (400, "invalid_amount")

    def test_refuses_more_than_a_transfer_can_be(self, alice: Person) -> None:
        assert announce(alice, "999999999.99").status_code == 201
        assert error(announce(alice, "1000000000.00")) == (422, "amount_above_maximum")

    @pytest.mark.parametrize("body", [{}, {"eur": 5}, {"eur": "5", "wallet_id": "x"}, {"eur": None}])
    def test_refuses_other_fields(self, body: dict[str, Any], alice: Person) -> None:
        assert error(post(alice, "/deposits", body)) == (400, "bad_request")

    def test_wants_a_key(self, alice: Person) -> None:
        assert error(alice.post("/deposits", {"eur": "1"})) == (400, "idempotency_key_required")

    def test_of_a_frozen_wallet_is_refused(self, alice: Person) -> None:
        freeze(alice)
        assert error(announce(alice, "1.00")) == (403, "wallet_frozen")


class TestTheKey:
    def test_brings_the_first_answer_back_byte_for_byte_whatever_happened_since(
        self, alice: Person, tom: Person
    ) -> None:
        first = announce(alice, "5.00", key="k")
        name_bank(tom)
        assert verb(tom, "deposits", first.json(), "receive", {}).status_code == 200
        again = announce(alice, "5.00", key="k")
        assert (again.status_code, again.content) == (201, first.content)
        assert again["Idempotency-Replayed"] == "true"
        assert "Idempotency-Replayed" not in first
        assert len(alice.get("/deposits").json()["items"]) == 1

    def test_is_good_for_one_request(self, alice: Person) -> None:
        announce(alice, "5.00", key="k")
        assert error(announce(alice, "6.00", key="k")) == (422, "idempotency_key_reused")
        assert error(announce(alice, "5.0", key="k")) == (422, "idempotency_key_reused")  # not what was sent

    def test_of_a_failed_attempt_is_unused(self, alice: Person) -> None:
        assert announce(alice, "0", key="k").status_code == 400
        assert announce(alice, "5.00", key="k").status_code == 201

    def test_belongs_to_its_user_and_operation(self, alice: Person, bob: Person) -> None:
        ids = {announce(person, "5.00", key="k").json()["id"] for person in (alice, bob)}
        assert len(ids) == 2
        assert alice.buy("k", eur="10.00").status_code == 200


class TestReading:
    def test_pages_through_the_own_ones_newest_first(self, alice: Person, bob: Person) -> None:
        announce(bob, "9.00")
        made = [announce(alice, f"{number}.00").json()["id"] for number in range(1, 6)]
        seen: list[str] = []
        path: str | None = "/deposits?limit=2"
        while path:
            page = alice.get(path).json()
            seen += [item["id"] for item in page["items"]]
            path = f"/deposits?limit=2&cursor={page['next_cursor']}" if page["next_cursor"] else None
        assert seen == made[::-1]
        assert error(alice.get("/deposits?limit=101")) == (400, "bad_request")
        assert error(alice.get("/deposits?cursor=x")) == (400, "bad_request")

    def test_a_stranger_s_does_not_exist(self, alice: Person, bob: Person, charlie: Person) -> None:
        for stranger in (bob, charlie):
            row = announce(stranger, "9.00").json()
            assert error(alice.get(f"/deposits/{row['id']}")) == (404, "not_found")
            assert error(alice.post(f"/deposits/{row['id']}/cancel")) == (404, "not_found")


class TestReceiving:
    def test_books_the_announced_amount(self, alice: Person, tom: Person) -> None:
        row = announce(alice, "250.00").json()
        answer = verb(tom, "deposits", row, "receive", {})
        assert (answer.status_code, answer.json()["status"]) == (200, "received")
        assert balances(alice) == ("10250.00", "10250.00")
        (entry,) = alice.get("/transactions").json()["items"]
        assert (entry["type"], entry["gross_eur"], entry["fiat_balance_eur"]) == ("deposit", "250.00", "10250.00")
        assert alice.get(f"/deposits/{row['id']}").json()["transaction_id"] == entry["id"]

    def test_books_another_amount_where_the_staff_say_so(self, alice: Person, tom: Person) -> None:
        row = announce(alice, "250.00").json()
        assert verb(tom, "deposits", row, "receive", {"eur": "249.50"}).json()["received_eur"] == "249.50"
        assert balances(alice)[0] == "10249.50"

    def test_happens_once(self, alice: Person, tom: Person) -> None:
        row = announce(alice, "250.00").json()
        first = verb(tom, "deposits", row, "receive", {}, key="k")
        assert verb(tom, "deposits", row, "receive", {}, key="k").content == first.content
        answer = verb(tom, "deposits", row, "receive", {})
        assert error(answer) == (409, "wrong_state")
        assert answer.json()["error"]["details"] == {"status": "received"}
        other = announce(alice, "1.00").json()
        assert error(verb(tom, "deposits", other, "receive", {}, key="k")) == (422, "idempotency_key_reused")
        assert balances(alice)[0] == "10250.00"

    def test_is_for_the_staff_of_the_tenant(self, alice: Person, charlie: Person, tom: Person, olivia: Person) -> None:
        mine, foreign = announce(alice, "1.00").json(), announce(charlie, "1.00").json()
        assert error(verb(alice, "deposits", mine, "receive", {})) == (403, "forbidden")
        assert error(verb(tom, "deposits", foreign, "receive", {})) == (404, "not_found")
        assert verb(olivia, "deposits", foreign, "receive", {}).status_code == 200

    def test_waits_while_the_wallet_is_frozen(self, alice: Person, tom: Person) -> None:
        row = announce(alice, "1.00").json()
        freeze(alice)
        assert error(verb(tom, "deposits", row, "receive", {})) == (403, "wallet_frozen")
        freeze(alice, "")
        assert verb(tom, "deposits", row, "receive", {}).status_code == 200


class TestRecording:
    def test_books_money_that_nobody_announced(self, alice: Person, tom: Person) -> None:
        path = f"/admin/tenants/{tom.tenant.id}/deposits"
        body = {"wallet_id": str(alice.wallet_id), "eur": "75.10", "note": "cash at the counter"}
        answer = post(tom, path, body, key="k")
        assert answer.status_code == 201
        assert (answer.json()["status"], answer.json()["recorded_by"]) == ("received", str(tom.user_id))
        assert post(tom, path, body, key="k").content == answer.content
        assert balances(alice)[0] == "10075.10"
        assert tom.get(f"{path}?status=received").json()["items"][0]["note"] == "cash at the counter"
        assert verification.verify(tenant_id=alice.tenant.id).discrepancies == []

    def test_knows_the_tenant_s_wallets_only(self, tom: Person, charlie: Person) -> None:
        body = {"wallet_id": str(charlie.wallet_id), "eur": "1.00", "note": "x"}
        assert error(post(tom, f"/admin/tenants/{tom.tenant.id}/deposits", body)) == (404, "not_found")
        assert error(post(tom, f"/admin/tenants/{charlie.tenant.id}/deposits", body)) == (404, "not_found")


class TestCancelling:
    def test_takes_an_announcement_back(self, alice: Person, tom: Person) -> None:
        row = announce(alice, "250.00").json()
        for _ in range(2):
            assert alice.post(f"/deposits/{row['id']}/cancel").json()["status"] == "cancelled"
        assert verb(tom, "deposits", row, "receive", {}).status_code == 200  # it came all the same
        assert error(alice.post(f"/deposits/{row['id']}/cancel")) == (409, "wrong_state")

    def test_every_step_is_audited(self, alice: Person, tom: Person) -> None:
        row = announce(alice, "250.00").json()
        alice.post(f"/deposits/{row['id']}/cancel")
        verb(tom, "deposits", row, "receive", {})
        with sql("superuser") as connection:
            steps = connection.execute(
                "SELECT action, actor_id FROM aurix_audit WHERE subject_id = %s ORDER BY created_at", [row["id"]]
            ).fetchall()
        assert steps == [
            ("deposit.announced", alice.user_id),
            ("deposit.cancelled", alice.user_id),
            ("deposit.received", tom.user_id),
        ]
