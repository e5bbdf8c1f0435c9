"""Importing bank statements: which line is whose, once each, whatever is imported how often."""

from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from aurix.tests.cast import Person
from aurix.tests.live import LiveServer, at_once
from wallet.actions import verification
from wallet.tests.cash import (
    BANK,
    IBAN,
    OTHER,
    announce,
    balances,
    camt,
    entry_xml,
    error,
    export,
    exported,
    freeze,
    imports,
    lines,
    name_bank,
    verb,
)


@pytest.fixture
def bank(tom: Person) -> Person:
    """The tenant's staff, with a bank account."""
    name_bank(tom)
    return tom


def table(*rows: str) -> bytes:
    header = "account_iban,booking_date,amount,currency,remittance,party_name,party_iban,end_to_end_id,bank_reference"
    return "\r\n".join([header, *rows, ""]).encode()


class TestMatching:
    @pytest.mark.parametrize("version", [2, 8])
    def test_books_the_deposit_that_a_line_names(self, version: int, alice: Person, bank: Person) -> None:
        row = announce(alice, "250.00").json()
        raw = camt(entry_xml(amount="250.00", text=f"Gold {row['reference']}", version=version), version=version)
        answer = imports(bank, raw)
        assert (answer.status_code, answer.json()) == (200, {"lines": 1, "new": 1, "matched": 1})
        assert balances(alice) == ("10250.00", "10250.00")
        (line,) = lines(bank, "matched")
        assert (line["deposit_id"], line["amount"], line["party_iban"]) == (row["id"], "250.00", IBAN)
        assert alice.get(f"/deposits/{row['id']}").json()["status"] == "received"

    @pytest.mark.parametrize(
        "write",
        [
            lambda code: code.replace(" ", ""),
            lambda code: code.lower(),
            lambda code: f"Ref.{code.replace(' ', '-')}/Danke",
            lambda code: f"{code} {code}",
        ],
    )
    def test_finds_a_reference_however_it_is_written(self, write: Any, alice: Person, bank: Person) -> None:
        row = announce(alice, "1.00").json()
        assert imports(bank, camt(entry_xml(amount="1.00", text=write(row["reference"])))).json()["matched"] == 1

    def test_leaves_to_the_staff_what_does_not_fit(self, alice: Person, bob: Person, bank: Person) -> None:
        row, other = announce(alice, "250.00").json(), announce(bob, "250.00").json()
        wrong = row["reference"][:-1] + ("1" if row["reference"][-1] != "1" else "2")
        raw = camt(
            entry_xml(amount="250.01", text=row["reference"]),
            entry_xml(amount="250.00", text=wrong),
            entry_xml(amount="250.00", text="gold please"),
            entry_xml(amount="250.00", text=f"{row['reference']} {other['reference']}"),
            entry_xml(amount="250.00", text=row["reference"], currency="CHF"),
            entry_xml(amount="250.00", text=row["reference"], direction="DBIT"),
        )
        assert imports(bank, raw).json() == {"lines": 6, "new": 6, "matched": 0}
        assert len(lines(bank)) == 6
        assert balances(alice) == balances(bob) == ("10000.00", "10000.00")

    def test_does_not_know_references_of_other_tenants(self, charlie: Person, bank: Person) -> None:
        row = announce(charlie, "5.00").json()
        assert imports(bank, camt(entry_xml(amount="5.00", text=row["reference"]))).json()["matched"] == 0
        assert balances(charlie)[0] == "10000.00"

    def test_books_a_reference_once_however_often_it_is_paid(self, alice: Person, bank: Person) -> None:
        row = announce(alice, "5.00").json()
        twice = [entry_xml(amount="5.00", text=row["reference"], reference=name) for name in ("A", "B")]
        assert imports(bank, camt(*twice)).json() == {"lines": 2, "new": 2, "matched": 1}
        assert balances(alice)[0] == "10005.00"
        (line,) = lines(bank)
        assert verb(bank, "bank-lines", line, "match", {"wallet_id": str(alice.wallet_id)}).status_code == 200
        assert balances(alice)[0] == "10010.00"

    def test_takes_pending_entries_for_nothing(self, alice: Person, bank: Person) -> None:
        row = announce(alice, "5.00").json()
        pending = entry_xml(amount="5.00", text=row["reference"], status="PDNG")
        assert imports(bank, camt(pending)).json() == {"lines": 0, "new": 0, "matched": 0}

    def test_leaves_money_of_a_frozen_wallet_to_the_staff(self, alice: Person, bank: Person) -> None:
        row = announce(alice, "5.00").json()
        freeze(alice)
        assert imports(bank, camt(entry_xml(amount="5.00", text=row["reference"]))).json()["matched"] == 0
        (line,) = lines(bank)
        assert error(verb(bank, "bank-lines", line, "match", {"deposit_id": row["id"]})) == (403, "wallet_frozen")
        freeze(alice, "")
        assert verb(bank, "bank-lines", line, "match", {"deposit_id": row["id"]}).status_code == 200
        assert balances(alice)[0] == "10005.00"

    def test_explains_what_the_staff_booked_before(self, alice: Person, bank: Person) -> None:
        row = announce(alice, "5.00").json()
        verb(bank, "deposits", row, "receive", {})
        assert imports(bank, camt(entry_xml(amount="5.00", text=row["reference"]))).json()["matched"] == 1
        assert balances(alice)[0] == "10005.00"

    def test_settles_a_withdrawal_that_has_left_and_returns_one_that_came_back(
        self, alice: Person, bank: Person
    ) -> None:
        row = exported(alice, bank, "100.00")
        end_to_end = row["id"].replace("-", "")
        out = entry_xml(amount="100.00", direction="DBIT", end_to_end=end_to_end, reference="OUT")
        assert imports(bank, camt(out)).json()["matched"] == 1
        assert balances(alice) == ("9900.00", "9900.00")
        back = entry_xml(amount="100.00", end_to_end=end_to_end, reference="BACK", text="AC04", day="2026-04-03")
        assert imports(bank, camt(out, back)).json() == {"lines": 2, "new": 1, "matched": 1}
        assert balances(alice) == ("10000.00", "10000.00")
        assert alice.get(f"/withdrawals/{row['id']}").json()["status"] == "returned"
        assert verification.verify(tenant_id=alice.tenant.id).discrepancies == []


class TestOnce:
    def test_the_same_file_again_changes_nothing(self, alice: Person, bank: Person) -> None:
        row = announce(alice, "5.00").json()
        raw = camt(entry_xml(amount="5.00", text=row["reference"]), entry_xml(amount="7.00", text="?"))
        assert imports(bank, raw).json() == {"lines": 2, "new": 2, "matched": 1}
        assert imports(bank, raw).json() == {"lines": 2, "new": 0, "matched": 0}
        assert len(lines(bank)) == 1
        assert balances(alice)[0] == "10005.00"

    def test_the_same_key_brings_the_first_answer_back(self, bank: Person) -> None:
        raw = camt(entry_xml(amount="7.00", text="?"))
        first = imports(bank, raw, key="k")
        again = imports(bank, raw, key="k")
        assert (again.content, again["Idempotency-Replayed"]) == (first.content, "true")
        assert error(imports(bank, camt(), key="k")) == (422, "idempotency_key_reused")

    @pytest.mark.parametrize("references", [("A", "B", "C"), ("", "", "")])
    def test_an_overlapping_file_adds_what_is_new(self, references: tuple[str, ...], bank: Person) -> None:
        parts = [
            entry_xml(amount=amount, text="?", reference=reference)
            for amount, reference in zip(("1.00", "2.00", "3.00"), references, strict=True)
        ]
        assert imports(bank, camt(*parts[:2])).json()["new"] == 2
        assert imports(bank, camt(*parts[1:])).json()["new"] == 1
        assert imports(bank, camt(*parts, version=8)).json()["new"] == 0

    def test_lines_that_look_alike_are_counted(self, bank: Person) -> None:
        alike = entry_xml(amount="1.00", text="coffee")
        assert imports(bank, camt(alike, alike)).json()["new"] == 2
        assert imports(bank, camt(alike, alike, alike)).json()["new"] == 1

    def test_a_line_with_the_bank_s_reference_is_the_same_in_another_format(self, bank: Person) -> None:
        assert imports(bank, camt(entry_xml(amount="1.00", text="x", reference="B-1"))).json()["new"] == 1
        raw = table(f"{BANK},2026-04-02,1.00,EUR,written otherwise,,,,B-1")
        assert imports(bank, raw, content_type="text/csv").json()["new"] == 0

    def test_ten_imports_at_once_book_each_line_once(
        self, server: LiveServer, alice: Person, bob: Person, bank: Person
    ) -> None:
        rows = [announce(person, f"{cents}.00").json() for cents in (1, 2, 4) for person in (alice, bob)]
        parts = [entry_xml(amount=row["eur"], text=row["reference"]) for row in rows]
        path = f"/admin/tenants/{bank.tenant.id}/bank-statements"
        with server.client(bank) as client:

            def call(index: int) -> Any:
                turned = parts[index % 6 :] + parts[: index % 6]
                headers = {"Idempotency-Key": f"import-{index}", "Content-Type": "application/xml"}
                return client.post(path, content=camt(*turned), headers=headers)

            answers = at_once(10, call)
        assert {answer.status_code for answer in answers} == {200}
        assert sum(answer.json()["new"] for answer in answers) == 6
        assert sum(answer.json()["matched"] for answer in answers) == 6
        assert balances(alice)[0] == balances(bob)[0] == "10007.00"
        assert verification.verify(tenant_id=bank.tenant.id).discrepancies == []

    def test_the_control_ten_different_statements_at_once_are_all_booked(
        self, server: LiveServer, bank: Person
    ) -> None:
        path = f"/admin/tenants/{bank.tenant.id}/bank-statements"
        with server.client(bank) as client:

            def call(index: int) -> Any:
                headers = {"Idempotency-Key": f"import-{index}", "Content-Type": "application/xml"}
                return client.post(path, content=camt(entry_xml(amount=f"{index + 1}.00")), headers=headers)

            answers = at_once(10, call)
        assert [answer.json()["new"] for answer in answers] == [1] * 10


class TestDeciding:
    def test_a_line_is_matched_with_a_deposit_of_another_amount(self, alice: Person, bank: Person) -> None:
        row = announce(alice, "250.00").json()
        imports(bank, camt(entry_xml(amount="249.00", text="gold")))
        (line,) = lines(bank)
        answer = verb(bank, "bank-lines", line, "match", {"deposit_id": row["id"]}, key="k")
        assert (answer.status_code, answer.json()["status"]) == (200, "matched")
        assert verb(bank, "bank-lines", line, "match", {"deposit_id": row["id"]}, key="k").content == answer.content
        assert error(verb(bank, "bank-lines", line, "match", {"deposit_id": row["id"]})) == (409, "wrong_state")
        assert balances(alice)[0] == "10249.00"

    def test_a_line_is_returned_with_the_next_file_and_only_with_that(self, bank: Person) -> None:
        imports(bank, camt(entry_xml(amount="12.34", text="?", name="Zoë <&> Löw", iban=OTHER).replace("<&>", "&amp;")))
        (line,) = lines(bank)
        for _ in range(2):
            assert verb(bank, "bank-lines", line, "return").json()["status"] == "to_return"
        made = export(bank).json()
        assert (made["orders"], made["eur"]) == (1, "12.34")
        document = bank.get(made["document_url"]).content.decode()
        assert OTHER in document
        assert "<Nm>Zoe . Low</Nm>" in document
        assert lines(bank, "returned")[0]["payment_file_id"] == made["id"]
        assert error(export(bank)) == (422, "nothing_to_export")

    def test_what_has_no_account_to_go_back_to_is_not_returned(self, bank: Person) -> None:
        raw = camt(entry_xml(amount="1.00", iban="GB00"), entry_xml(amount="1.00", direction="DBIT"))
        imports(bank, raw)
        for line in lines(bank):
            assert error(verb(bank, "bank-lines", line, "return")) == (422, "cannot_be_returned")
            assert verb(bank, "bank-lines", line, "dismiss", {"reason": "charges"}).json()["status"] == "dismissed"

    @pytest.mark.parametrize("body", [{}, {"deposit_id": "x"}, {"wallet_id": None}, {"other": 1}])
    def test_refuses_what_is_no_choice(self, body: Any, bank: Person) -> None:
        imports(bank, camt(entry_xml(amount="1.00")))
        assert error(verb(bank, "bank-lines", lines(bank)[0], "match", body)) == (400, "bad_request")

    def test_amounts_of_a_withdrawal_must_be_the_same(self, alice: Person, bank: Person) -> None:
        row = exported(alice, bank, "100.00")
        imports(bank, camt(entry_xml(amount="99.00", direction="DBIT")))
        (line,) = lines(bank)
        choice = {"withdrawal_id": row["id"]}
        assert error(verb(bank, "bank-lines", line, "match", choice)) == (422, "amount_differs")
        assert error(verb(bank, "bank-lines", line, "match", {"wallet_id": str(alice.wallet_id)})) == (
            422,
            "amount_differs",
        )
        assert balances(alice) == ("10000.00", "9900.00")

    def test_strangers_lines_do_not_exist(self, alice: Person, bank: Person, olivia: Person, charlie: Person) -> None:
        imports(bank, camt(entry_xml(amount="1.00")))
        (line,) = lines(bank)
        assert error(verb(alice, "bank-lines", line, "return")) == (403, "forbidden")
        foreign = {"wallet_id": str(charlie.wallet_id)}
        assert error(verb(bank, "bank-lines", line, "match", foreign)) == (404, "not_found")
        assert error(alice.get(f"/admin/tenants/{alice.tenant.id}/bank-lines")) == (403, "forbidden")
        assert error(bank.get(f"/admin/tenants/{charlie.tenant.id}/bank-lines")) == (404, "not_found")
        assert olivia.get(f"/admin/tenants/{bank.tenant.id}/bank-lines").status_code == 200


class TestFilesThatAreNone:
    def test_of_another_account_are_refused(self, bank: Person) -> None:
        assert error(imports(bank, camt(entry_xml(amount="1.00"), account=OTHER))) == (422, "statement_refused")

    def test_need_a_bank_account_first(self, tom: Person) -> None:
        assert error(imports(tom, camt())) == (422, "no_settlement_account")

    @pytest.mark.parametrize("content_type", ["application/json", "application/octet-stream", "multipart/form-data"])
    def test_of_other_types_are_refused(self, content_type: str, bank: Person) -> None:
        assert error(imports(bank, camt(), content_type=content_type)) == (415, "unsupported_media_type")

    def test_larger_than_a_body_may_be_are_for_the_command(self, bank: Person, tmp_path: Path) -> None:
        raw = camt(*(entry_xml(amount=f"{number}.00") for number in range(1, 251)))
        assert imports(bank, raw).status_code == 413
        file = tmp_path / "statement.xml"
        file.write_bytes(raw)
        for _ in range(2):
            call_command("import_statement", bank.tenant.code, str(file))
        page = bank.get(f"/admin/tenants/{bank.tenant.id}/bank-lines?limit=100").json()
        assert len(page["items"]) == 100
        with pytest.raises(CommandError, match="no tenant"):
            call_command("import_statement", "nobody", str(file))
        file.write_bytes(b"<a/>")
        with pytest.raises(CommandError, match=r"CAMT\.053"):
            call_command("import_statement", bank.tenant.code, str(file))
