"""Erasing a person with a history: what is gone, what stays, and what stops it."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from unittest.mock import patch
from uuid import UUID, uuid4

import pytest
from django.core.management import call_command

from accounts.actions import closing
from aurix import clock
from aurix.tests.attacks import sql
from aurix.tests.cast import PASSWORD, Api, Person, person
from aurix.tests.live import LiveServer, at_once
from privacy.actions import erasure
from tenants.queries import TenantView
from wallet.actions import withdrawals
from wallet.tests import cash

LATER = timedelta(days=15)
"""Behind the default cooling-off period."""


def refusal(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def ask(who: Person, **body: str) -> UUID:
    answer = who.post("/privacy/erasure-request", body)
    assert answer.status_code == 202, answer.content
    assert set(answer.json()) == {"status", "message", "request_id"}
    assert answer.json()["status"] == "accepted"
    return UUID(answer.json()["request_id"])


def go_on(who: Person, request_id: UUID, *, now: datetime | None = None) -> bool:
    return erasure.go_on(tenant_id=who.tenant.id, request_id=request_id, now=now or clock.now() + LATER)


def entry(staff: Person, request_id: UUID) -> dict[str, Any]:
    items = staff.get(f"/admin/tenants/{staff.tenant.id}/erasure-requests").json()["items"]
    (found,) = [item for item in items if item["id"] == str(request_id)]
    return dict(found)


def pay_out(staff: Person, request_id: UUID) -> None:
    assert staff.post(f"/admin/erasure-requests/{request_id}/paid-out").status_code == 200


def set_policy(staff: Person, **changes: Any) -> None:
    body = {"asks_password": False, "refuses_balance": False, "cooling_off_days": 14, **changes}
    answer = staff.put(f"/admin/tenants/{staff.tenant.id}/privacy", body)
    assert answer.status_code == 200, answer.content


def tables_with(mark: str) -> Iterator[str]:
    """Every table in which any column of any row contains ``mark``, whatever its case."""
    with sql("superuser") as everybody:
        names = everybody.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        for (name,) in names:
            query = f"SELECT count(*) FROM {name} t WHERE t::text ILIKE %s"
            if (everybody.execute(query, [f"%{mark}%"]).fetchone() or (0,))[0]:
                yield name


@pytest.fixture
def marked(tenant: TenantView, tom: Person) -> tuple[Person, str, str]:
    """A customer with a history, whose address and bank account nobody else has."""
    mark = f"mark{uuid4().hex[:12]}"
    who = person(mark, tenant)
    cash.name_bank(tom)
    assert cash.register(who, name="Holder Mark").status_code == 201
    who.buy(eur="100.00")
    who.sell(grams="0.5")
    call_command("run_etl", tenant=tenant.code)
    return who, mark, cash.IBAN


class TestARequest:
    def test_closes_the_account_at_once(self, alice: Person) -> None:
        ask(alice)
        for answer in (alice.get("/wallet"), alice.buy(grams="1"), alice.get("/privacy/export")):
            assert refusal(answer)[0] in {401, 403}
        body = {"tenant_code": alice.tenant.code, "email": alice.email, "password": PASSWORD}
        assert refusal(Api().post("/auth/login", body)) == (403, "account_disabled")

    def test_gives_back_what_withdrawals_hold(self, alice: Person, tom: Person) -> None:
        cash.name_bank(tom)
        cash.register(alice)
        assert cash.withdraw(alice, "50.00").status_code == 201
        held = "SELECT held FROM wallet_wallet WHERE id = %s"
        with sql("superuser") as everybody:
            assert everybody.execute(held, [alice.wallet_id]).fetchone() == (5000,)
            ask(alice)
        with sql("superuser") as everybody:
            assert everybody.execute(held, [alice.wallet_id]).fetchone() == (0,)

    def test_is_in_the_register_with_the_law_s_deadline(self, alice: Person, tom: Person) -> None:
        found = entry(tom, ask(alice))
        created, due, after = (datetime.fromisoformat(found[name]) for name in ("created_at", "due_at", "erase_after"))
        assert (due - created, after - created) == (timedelta(days=30), timedelta(days=14))

    def test_is_not_for_other_tenants_staff_or_customers(self, alice: Person, bob: Person, charlie: Person) -> None:
        request_id = ask(alice)
        for stranger, status in ((bob, 403), (charlie, 403), (person("eve", charlie.tenant, role="tenant_admin"), 404)):
            for verb, body in (("hold", {"reason": "x"}), ("paid-out", {})):
                answer = stranger.post(f"/admin/erasure-requests/{request_id}/{verb}", body)
                assert answer.status_code == status, (verb, answer.content)

    def test_wants_the_password_where_the_tenant_does(self, alice: Person, tom: Person) -> None:
        set_policy(tom, asks_password=True)
        for body in ({}, {"password": "Wrong-Horse-42"}):
            assert refusal(alice.post("/privacy/erasure-request", body)) == (401, "invalid_credentials")
        assert alice.get("/wallet").status_code == 200
        ask(alice, password=PASSWORD)

    def test_is_refused_with_money_where_the_tenant_wants_it_so(self, alice: Person, tom: Person) -> None:
        set_policy(tom, refuses_balance=True)
        assert refusal(alice.post("/privacy/erasure-request")) == (409, "balance_remaining")
        assert alice.get("/wallet").status_code == 200

    @pytest.mark.parametrize("at", ["closing", "release"])
    def test_that_is_cut_off_is_finished_later(self, at: str, alice: Person) -> None:
        target = {"closing": (closing, "close"), "release": (withdrawals, "release")}[at]
        with patch.object(*target, side_effect=RuntimeError("killed")):
            assert alice.post("/privacy/erasure-request").status_code == 500
        (request_id,) = [request for tenant, request in erasure.open_ones() if tenant == alice.tenant.id]
        assert not go_on(alice, request_id, now=clock.now())
        assert alice.get("/wallet").status_code in {401, 403}
        with sql("superuser") as everybody:
            query = "SELECT closed_at IS NOT NULL FROM privacy_erasurerequest WHERE id = %s"
            assert everybody.execute(query, [request_id]).fetchone() == (True,)

    def test_sent_many_times_at_once_is_one(self, alice: Person, server: LiveServer) -> None:
        def send(_: int) -> int:
            with server.client(alice) as client:
                return client.post("/privacy/erasure-request", json={}).status_code

        answers = at_once(6, send)
        assert 202 in answers
        assert set(answers) <= {202, 401, 403, 429}
        assert len([1 for tenant, _ in erasure.open_ones() if tenant == alice.tenant.id]) == 1


class TestAnErasure:
    def test_leaves_no_mark_in_the_whole_database(self, marked: tuple[Person, str, str], tom: Person) -> None:
        who, mark, _ = marked
        assert set(tables_with(mark)) == {"accounts_user"}  # the control: an address is in no other table
        assert set(tables_with("Holder Mark"))
        request_id = ask(who)
        pay_out(tom, request_id)
        assert go_on(who, request_id)
        assert list(tables_with(mark)) == []
        with sql("superuser") as everybody:
            query = "SELECT iban, holder_name FROM wallet_bankaccount WHERE wallet_id = %s"
            ((iban, name),) = everybody.execute(query, [who.wallet_id]).fetchall()
            assert iban.startswith("XX00")
            assert name == ""
            query = "SELECT count(*) FROM insights_snapshot WHERE user_id = %s"
            assert everybody.execute(query, [who.user_id]).fetchone() == (0,)

    def test_keeps_the_ledger_and_its_chain(self, marked: tuple[Person, str, str], tom: Person) -> None:
        who, _, _ = marked
        query = "SELECT * FROM wallet_ledger WHERE wallet_id = %s ORDER BY number"
        with sql("superuser") as everybody:
            before = everybody.execute(query, [who.wallet_id]).fetchall()
        request_id = ask(who)
        pay_out(tom, request_id)
        assert go_on(who, request_id)
        with sql("superuser") as everybody:
            assert everybody.execute(query, [who.wallet_id]).fetchall() == before
        call_command("verify_ledger", tenant=who.tenant.code)  # exits with 1 on a broken chain

    def test_is_certified_in_the_register_and_done_once(self, marked: tuple[Person, str, str], tom: Person) -> None:
        who, mark, _ = marked
        request_id = ask(who)
        pay_out(tom, request_id)
        assert [go_on(who, request_id) for _ in range(2)] == [True, False]
        found = entry(tom, request_id)
        assert found["status"] == "erased"
        assert found["certificate"]["accounts.User"] == 1
        assert found["certificate"]["wallet.BankAccount"] == 1
        assert mark not in str(found)

    def test_lets_the_person_register_again(self, alice: Person, tom: Person) -> None:
        body = {"tenant_code": alice.tenant.code, "email": alice.email, "password": PASSWORD}
        request_id = ask(alice)
        assert refusal(Api().post("/auth/register", body)) == (409, "email_taken")  # the control
        pay_out(tom, request_id)
        assert go_on(alice, request_id)
        answer = Api().post("/auth/register", body)
        assert answer.status_code == 201
        assert answer.json()["user_id"] != str(alice.user_id)

    def test_waits_for_the_cooling_off_period(self, alice: Person, tom: Person) -> None:
        request_id = ask(alice)
        pay_out(tom, request_id)
        assert not go_on(alice, request_id, now=clock.now() + timedelta(days=13))
        assert go_on(alice, request_id)

    def test_waits_until_the_money_is_seen_to(self, alice: Person, tom: Person) -> None:
        request_id = ask(alice)
        assert not go_on(alice, request_id)
        pay_out(tom, request_id)
        assert go_on(alice, request_id)

    def test_waits_for_a_legal_hold_to_be_lifted(self, alice: Person, tom: Person) -> None:
        request_id = ask(alice)
        pay_out(tom, request_id)
        for reason, expected in (("Court order 12/26", False), ("", True)):
            path = f"/admin/erasure-requests/{request_id}/hold"
            assert tom.post(path, {"reason": reason}).json()["hold_reason"] == reason
            assert go_on(alice, request_id) is expected

    def test_leaves_other_people_alone(self, alice: Person, bob: Person, tom: Person) -> None:
        request_id = ask(alice)
        pay_out(tom, request_id)
        assert go_on(alice, request_id)
        assert bob.get("/privacy/export").json()["user"]["email"] == bob.email
        assert bob.buy(grams="1").status_code == 200
