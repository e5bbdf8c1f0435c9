"""Deposits and withdrawals at once, through a real server: each step is taken once, and no cent is spent twice."""

from collections import Counter
from typing import Any
from uuid import uuid4

import httpx
from lxml import etree

from aurix.tests.cast import Person
from aurix.tests.live import LiveServer, at_once, buy
from wallet.actions import verification
from wallet.tests.cash import IBAN, announce, balances, exported, name_bank, register, verb, withdraw


def call(client: httpx.Client, path: str, body: Any = None, key: str = "") -> httpx.Response:
    return client.post(path, json=body or {}, headers={"Idempotency-Key": key or str(uuid4())})


def assert_sound(person: Person) -> None:
    assert verification.verify(tenant_id=person.tenant.id).discrepancies == []


class TestOneKey:
    def test_has_one_effect_and_one_answer(self, server: LiveServer, alice: Person) -> None:
        register(alice)
        with server.client(alice) as client:
            for path, body in (("/deposits", {"eur": "5.00"}), ("/withdrawals", {"eur": "5.00", "iban": IBAN})):

                def post(_: int, path: str = path, body: Any = body) -> httpx.Response:
                    return call(client, path, body, "one-key")

                answers = at_once(20, post)
                assert {(answer.status_code, answer.content) for answer in answers} == {(201, answers[0].content)}
                replays = Counter(answer.headers.get("Idempotency-Replayed") for answer in answers)
                assert replays == {None: 1, "true": 19}
                assert len(alice.get(path).json()["items"]) == 1
        assert balances(alice) == ("10000.00", "9995.00")

    def test_the_control_with_many_keys_has_many_effects(self, server: LiveServer, alice: Person) -> None:
        register(alice)
        with server.client(alice) as client:
            answers = at_once(20, lambda _: call(client, "/withdrawals", {"eur": "5.00", "iban": IBAN}))
        assert [answer.status_code for answer in answers] == [201] * 20
        assert balances(alice) == ("10000.00", "9900.00")


class TestTheBalance:
    def test_is_not_held_and_spent(self, server: LiveServer, alice: Person) -> None:
        register(alice)
        with server.client(alice) as client:

            def one(index: int) -> httpx.Response:
                if index % 2:
                    return call(client, "/withdrawals", {"eur": "1000.00", "iban": IBAN})
                return buy(client, eur="1000.00")

            answers = at_once(40, one)
        done = Counter(answer.status_code for answer in answers)
        assert done[200] + done[201] == 10
        assert done[422] == 30
        assert balances(alice) == (f"{10000 - 1000 * done[200]}.00", "0.00")
        assert_sound(alice)


class TestOpposites:
    def test_one_of_approve_reject_and_cancel_wins(
        self, server: LiveServer, alice: Person, tom: Person, sam: Person
    ) -> None:
        register(alice)
        rows = [withdraw(alice, "1.00").json()["id"] for _ in range(5)]
        with server.client(alice) as customer, server.client(tom) as one, server.client(sam) as two:
            for row in rows:
                path = f"/admin/withdrawals/{row}"

                def step(index: int, row: str = row, path: str = path) -> httpx.Response:
                    if index % 3 == 0:
                        return call(customer, f"/withdrawals/{row}/cancel")
                    if index % 3 == 1:
                        return call(one, f"{path}/approve")
                    return call(two, f"{path}/reject", {"reason": "no"})

                answers = at_once(9, step)
                verdicts = {answer.json()["status"] for answer in answers if answer.status_code == 200}
                final = alice.get(f"/withdrawals/{row}").json()["status"]
                # An approved one can still be rejected; nothing else follows anything else.
                assert final in verdicts
                assert verdicts <= {final, "approved"} if final == "rejected" else verdicts == {final}
        assert_sound(alice)

    def test_a_withdrawal_is_settled_or_returned_once(self, server: LiveServer, alice: Person, tom: Person) -> None:
        row = exported(alice, tom)
        with server.client(tom) as client:
            answers = at_once(10, lambda _: call(client, f"/admin/withdrawals/{row['id']}/settle"))
        assert Counter(answer.status_code for answer in answers) == {200: 1, 409: 9}
        assert balances(alice) == ("9900.00", "9900.00")
        with server.client(tom) as client:
            body = {"reason": "AC04"}
            answers = at_once(10, lambda _: call(client, f"/admin/withdrawals/{row['id']}/return", body))
        assert Counter(answer.status_code for answer in answers) == {200: 1, 409: 9}
        assert balances(alice) == ("10000.00", "10000.00")
        assert_sound(alice)

    def test_two_approvals_are_of_two_people_also_at_once(
        self, server: LiveServer, alice: Person, tom: Person, sam: Person
    ) -> None:
        row = announce(alice, "5000.00").json()
        verb(tom, "deposits", row, "receive", {})
        register(alice)
        big = withdraw(alice, "15000.00").json()
        with server.client(tom) as client:
            answers = at_once(10, lambda _: call(client, f"/admin/withdrawals/{big['id']}/approve"))
        assert Counter(answer.status_code for answer in answers) == {200: 1, 403: 9}
        assert alice.get(f"/withdrawals/{big['id']}").json()["status"] == "requested"
        assert verb(sam, "withdrawals", big, "approve").json()["status"] == "approved"


class TestExport:
    def test_puts_each_order_in_one_file(self, server: LiveServer, alice: Person, bob: Person, tom: Person) -> None:
        name_bank(tom)
        ids = set()
        for customer in (alice, bob):
            register(customer)
            for _ in range(5):
                row = withdraw(customer, "1.00").json()
                verb(tom, "withdrawals", row, "approve")
                ids.add(row["id"].replace("-", ""))
        with server.client(tom) as client:
            answers = at_once(8, lambda _: call(client, f"/admin/tenants/{tom.tenant.id}/payment-files"))
        assert Counter(answer.status_code for answer in answers) == {201: 1, 422: 7}
        found = []
        for file in tom.get(f"/admin/tenants/{tom.tenant.id}/payment-files").json()["items"]:
            document = etree.fromstring(tom.get(file["document_url"]).content)
            found += [element.text for element in document.iter("{*}EndToEndId")]
        assert len(found) == 10
        assert set(found) == ids

    def test_against_rejections_pays_out_nothing_that_was_given_back(
        self, server: LiveServer, alice: Person, tom: Person
    ) -> None:
        name_bank(tom)
        register(alice)
        rows = [withdraw(alice, "1.00").json()["id"] for _ in range(10)]
        for row in rows:
            verb(tom, "withdrawals", row, "approve")
        with server.client(tom) as client:

            def one(index: int) -> httpx.Response:
                if index == 5:
                    return call(client, f"/admin/tenants/{tom.tenant.id}/payment-files")
                return call(client, f"/admin/withdrawals/{rows[index]}/reject", {"reason": "no"})

            at_once(10, one)
        rows_now = alice.get("/withdrawals").json()["items"]
        sent = [row for row in rows_now if row["status"] == "exported"]
        assert {row["status"] for row in rows_now} <= {"exported", "rejected"}
        files = tom.get(f"/admin/tenants/{tom.tenant.id}/payment-files").json()["items"]
        assert sum(file["orders"] for file in files) == len(sent)
        assert balances(alice) == ("10000.00", f"{10000 - len(sent)}.00")
        assert_sound(alice)
