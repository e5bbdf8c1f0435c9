"""Deposits, withdrawals and bank lines in the back-office: verbs that call the same actions."""

from typing import Any

import pytest
from django.test import Client

from aurix.tests.cast import PASSWORD, Person
from wallet.tests.cash import (
    announce,
    balances,
    camt,
    entry_xml,
    exported,
    imports,
    lines,
    name_bank,
    register,
    withdraw,
)


@pytest.fixture
def office(olivia: Person) -> Client:
    client = Client()
    client.post("/backoffice/login/", {"username": olivia.email, "password": PASSWORD})
    return client


def click(office: Client, model: str, action: str, row: Any) -> str:
    form = {"action": action, "_selected_action": row["id"]}
    answer = office.post(f"/backoffice/wallet/{model}/", form, follow=True)
    assert answer.status_code == 200
    return answer.content.decode()


class TestVerbs:
    def test_take_a_withdrawal_through(self, office: Client, alice: Person, tom: Person) -> None:
        register(alice)
        row = withdraw(alice, "5.00").json()
        assert "Done: 1." in click(office, "withdrawal", "approve", row)
        assert alice.get(f"/withdrawals/{row['id']}").json()["status"] == "approved"
        assert "Done: 1." in click(office, "withdrawal", "reject", row)
        assert balances(alice) == ("10000.00", "10000.00")
        sent = exported(alice, tom)
        assert "Done: 1." in click(office, "withdrawal", "settle", sent)
        assert "present state" in click(office, "withdrawal", "settle", sent)
        assert "Done: 1." in click(office, "withdrawal", "return_", sent)
        assert balances(alice) == ("10000.00", "10000.00")

    def test_receive_a_deposit_once(self, office: Client, alice: Person) -> None:
        row = announce(alice, "5.00").json()
        assert "Done: 1." in click(office, "deposit", "receive", row)
        assert "present state" in click(office, "deposit", "receive", row)
        assert balances(alice)[0] == "10005.00"

    def test_decide_on_bank_lines(self, office: Client, tom: Person) -> None:
        name_bank(tom)
        imports(tom, camt(entry_xml(amount="1.00"), entry_xml(amount="2.00", direction="DBIT")))
        out, back = sorted(lines(tom), key=lambda line: line["amount"])
        assert "Done: 1." in click(office, "bankline", "send_back", back)
        assert "known IBAN" in click(office, "bankline", "send_back", out)
        assert "Done: 1." in click(office, "bankline", "dismiss", out)

    def test_nothing_is_edited(self, office: Client, alice: Person) -> None:
        row = announce(alice, "5.00").json()
        path = f"/backoffice/wallet/deposit/{row['id']}/"
        assert office.get(f"{path}change/").status_code == 200
        assert office.post(f"{path}change/", {"cents": "999"}).status_code == 403
        assert office.post(f"{path}delete/", {"post": "yes"}).status_code == 403
