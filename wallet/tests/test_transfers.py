"""``/transfers``: gold to an email address, and what it never tells."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from django.db import connections

from accounts.actions import closing
from aurix import clock
from aurix.tests.attacks import sql, tampering
from aurix.tests.cast import PASSWORD, Api, Person, person
from aurix.tests.live import LiveServer, at_once
from wallet import tasks
from wallet.actions import transfers, verification
from wallet.tests.cash import error, freeze, post
from wallet.tests.test_payment_rules import change


@pytest.fixture
def rich(alice: Person) -> Person:
    """Alice with 10 grams."""
    assert alice.buy(grams="10").status_code == 200
    return alice


def send(sender: Person, email: str, grams: str = "4", **options: Any) -> Any:
    return post(sender, "/transfers", {"email": email, "grams": grams}, **options)


def take(receiver: Person, row: dict[str, Any], what: str = "accept", **options: Any) -> Any:
    return post(receiver, f"/transfers/{row['id']}/{what}", **options)


def gold(*people: Person) -> list[str]:
    return [who.get("/wallet").json()["gold_balance_grams"].rstrip("0").rstrip(".") for who in people]


def sound(who: Person) -> None:
    assert verification.verify(tenant_id=who.tenant.id).discrepancies == []


class TestSending:
    def test_takes_the_gold_at_once_and_gives_it_to_who_accepts(self, rich: Person, bob: Person) -> None:
        answer = send(rich, bob.email.upper(), "4.5")
        assert answer.status_code == 201
        row = answer.json()
        assert (row["status"], row["direction"], row["gold_grams"]) == ("pending", "out", "4.50000000")
        assert gold(rich, bob) == ["5.5", "0"]
        sound(rich)
        (incoming,) = bob.get("/transfers").json()["items"]
        assert (incoming["id"], incoming["direction"], incoming["transaction_id"]) == (row["id"], "in", None)
        accepted = take(bob, row)
        assert (accepted.status_code, accepted.json()["status"]) == (200, "accepted")
        assert gold(rich, bob) == ["5.5", "4.5"]
        assert rich.get(f"/transfers/{row['id']}").json()["status"] == "accepted"
        for who in (rich, bob):
            assert who.get("/transactions?type=transfer").json()["items"][0]["gold_grams"] == "4.50000000"
        sound(rich)

    def test_tells_nothing_about_the_address(self, rich: Person, bob: Person) -> None:
        known, unknown = send(rich, bob.email, "1").json(), send(rich, "nobody@example.com", "1").json()
        differ = {"id", "created_at", "expires_at", "transaction_id"}
        assert {k: v for k, v in known.items() if k not in differ} == {
            k: v for k, v in unknown.items() if k not in differ
        }
        bob.post(f"/transfers/{known['id']}/hide")
        assert bob.get("/transfers").json()["items"] == []
        for row in (known, unknown):
            assert rich.get(f"/transfers/{row['id']}").json()["status"] == "pending"

    def test_keeps_no_address(self, rich: Person, bob: Person) -> None:
        send(rich, bob.email)
        with sql("superuser") as connection:
            (text,) = connection.execute(
                "SELECT (SELECT string_agg(t::text, '') FROM wallet_transfer t) || "
                "(SELECT string_agg(a::text, '') FROM wallet_answer a)"
            ).fetchone() or ("",)
        assert bob.email.lower() not in str(text).lower()

    def test_refuses_more_than_there_is(self, rich: Person, bob: Person) -> None:
        answer = send(rich, bob.email, "10.00000001")
        assert error(answer) == (422, "insufficient_gold")
        assert answer.json()["error"]["details"] == {"required": "10.00000001", "available": "10.00000000"}
        assert gold(rich) == ["10"]

    @pytest.mark.parametrize(
        ("body", "code"),
        [
            ({"email": "x", "grams": "1"}, "bad_request"),
            ({"email": "a@example.com", "grams": "0"}, "invalid_amount"),
            ({"email": "a@example.com", "grams": "-1"}, "invalid_amount"),
            ({"email": "a@example.com", "grams": 1}, "bad_request"),
            ({"email": "a@example.com"}, "bad_request"),
            ({"grams": "1"}, "bad_request"),
            ({"email": "a@example.com", "grams": "1", "tenant_id": "x"}, "bad_request"),
        ],
    )
    def test_refuses_what_is_no_transfer(self, body: Any, code: str, rich: Person) -> None:
        assert error(post(rich, "/transfers", body)) == (400, code)

    def test_not_to_oneself(self, rich: Person) -> None:
        assert error(send(rich, rich.email.upper())) == (422, "own_address")

    def test_of_a_frozen_wallet_is_refused(self, rich: Person, bob: Person) -> None:
        row = send(rich, bob.email, "1").json()
        freeze(rich)
        freeze(bob)
        assert error(send(rich, bob.email)) == (403, "wallet_frozen")
        assert error(take(bob, row)) == (403, "wallet_frozen")
        assert error(take(rich, row, "cancel")) == (403, "wallet_frozen")

    def test_keys_are_kept(self, rich: Person, bob: Person) -> None:
        first = send(rich, bob.email, key="k")
        assert take(bob, first.json(), key="k").status_code == 200
        again = send(rich, bob.email, key="k")
        assert (again.status_code, again.content, again["Idempotency-Replayed"]) == (201, first.content, "true")
        assert error(send(rich, bob.email, "5", key="k")) == (422, "idempotency_key_reused")
        assert take(bob, first.json(), key="k")["Idempotency-Replayed"] == "true"
        assert gold(rich, bob) == ["6", "4"]


class TestStrangers:
    def test_see_and_take_nothing(self, rich: Person, bob: Person, charlie: Person) -> None:
        row = send(rich, bob.email).json()
        twin = Api().post(
            "/auth/register", {"tenant_code": charlie.tenant.code, "email": bob.email, "password": PASSWORD}
        )
        other = Person(bob.email, charlie.tenant, twin.json()["user_id"], twin.json()["wallet_id"], twin.json())
        for stranger in (charlie, other, person("carol", rich.tenant)):
            assert error(stranger.get(f"/transfers/{row['id']}")) == (404, "not_found")
            for what in ("accept", "cancel", "hide"):
                assert error(take(stranger, row, what)) == (404, "not_found")
            assert stranger.get("/transfers").json()["items"] == []
        assert gold(rich, bob) == ["6", "0"]

    def test_do_not_get_gold_by_registering_its_address(self, rich: Person) -> None:
        row = send(rich, "late@example.com").json()
        body = {"tenant_code": rich.tenant.code, "email": "late@example.com", "password": PASSWORD}
        made = Api().post("/auth/register", body).json()
        late = Person("late@example.com", rich.tenant, made["user_id"], made["wallet_id"], made)
        assert late.get("/transfers").json()["items"] == []
        assert error(take(late, row)) == (404, "not_found")
        later = send(rich, "late@example.com", "1").json()  # the control: sent to the account that there is now
        assert take(late, later).status_code == 200

    def test_the_receiver_does_not_take_it_back_nor_the_sender_accept_it(self, rich: Person, bob: Person) -> None:
        row = send(rich, bob.email).json()
        assert error(take(bob, row, "cancel")) == (404, "not_found")
        assert error(take(rich, row)) == (404, "not_found")

    def test_a_closed_account_takes_nothing(self, rich: Person, bob: Person) -> None:
        row = send(rich, bob.email).json()
        closing.close(tenant_id=bob.tenant.id, user_id=bob.user_id, by=None, now=clock.now())
        assert take(bob, row).status_code in {401, 403}


class TestComingBack:
    def test_the_sender_takes_it_back(self, rich: Person, bob: Person) -> None:
        row = send(rich, bob.email).json()
        assert take(rich, row, "cancel").json()["status"] == "cancelled"
        assert gold(rich, bob) == ["10", "0"]
        assert error(take(rich, row, "cancel")) == (409, "wrong_state")
        assert error(take(bob, row)) == (404, "not_found")
        sound(rich)

    def test_what_expires_comes_back(self, rich: Person, bob: Person, monkeypatch: pytest.MonkeyPatch) -> None:
        row = send(rich, bob.email).json()
        tasks.expire_transfers()
        assert gold(rich) == ["6"]
        later = clock.now() + timedelta(hours=169)
        monkeypatch.setattr(clock, "now", lambda: later)
        for _ in range(2):
            tasks.expire_transfers()
        monkeypatch.undo()
        assert gold(rich, bob) == ["10", "0"]
        assert rich.get(f"/transfers/{row['id']}").json()["status"] == "expired"
        sound(rich)

    def test_what_expires_for_a_frozen_wallet_waits(self, rich: Person, bob: Person) -> None:
        row = send(rich, bob.email).json()
        freeze(rich)
        later = clock.now() + timedelta(hours=169)
        pair = (rich.tenant.id, row["id"])
        assert pair[1] not in {str(found) for _, found in transfers.expired(now=later, most=10_000)}
        freeze(rich, "")
        assert pair[1] in {str(found) for _, found in transfers.expired(now=later, most=10_000)}

    def test_accepting_after_the_time_is_up_is_refused(self, rich: Person, bob: Person) -> None:
        row = send(rich, bob.email).json()
        with tampering() as connection:
            connection.execute("UPDATE wallet_transfer SET expires_at = now() WHERE id = %s", [row["id"]])
        assert error(take(bob, row)) == (422, "transfer_expired")


class TestRaces:
    def test_one_of_accept_cancel_and_expire_wins(self, server: LiveServer, rich: Person, bob: Person) -> None:
        rows = [send(rich, bob.email, "1").json() for _ in range(6)]
        later = clock.now() + timedelta(hours=169)
        with server.client(rich) as sender, server.client(bob) as receiver:
            for row in rows:

                def step(index: int, row: dict[str, Any] = row) -> int:
                    if index == 8:
                        try:
                            back = transfers.expire(tenant_id=rich.tenant.id, transfer_id=row["id"], now=later)
                        finally:
                            connections.close_all()  # this thread's
                        return 200 if back else 409
                    client, what = (sender, "cancel") if index % 2 else (receiver, "accept")
                    headers = {"Idempotency-Key": f"{row['id']}-{index}"}
                    return client.post(f"/transfers/{row['id']}/{what}", headers=headers).status_code

                answers = at_once(9, step)
                assert answers.count(200) == 1
                assert set(answers) <= {200, 404, 409}
        assert sum(Decimal(grams) for grams in gold(rich, bob)) == 10
        sound(rich)

    def test_two_who_send_to_each_other_do_not_lock_each_other_out(
        self, server: LiveServer, rich: Person, bob: Person
    ) -> None:
        bob.buy(grams="10")
        there = [send(rich, bob.email, "1").json()["id"] for _ in range(8)]
        back = [send(bob, rich.email, "1").json()["id"] for _ in range(8)]
        with server.client(rich) as one, server.client(bob) as two:

            def step(index: int) -> int:
                client, row = (two, there[index // 2]) if index % 2 else (one, back[index // 2])
                return client.post(f"/transfers/{row}/accept", headers={"Idempotency-Key": row}).status_code

            assert at_once(16, step) == [200] * 16
        assert gold(rich, bob) == ["10", "10"]
        sound(rich)

    def test_one_key_sends_once(self, server: LiveServer, rich: Person, bob: Person) -> None:
        body = {"email": bob.email, "grams": "1"}
        with server.client(rich) as client:
            answers = at_once(20, lambda _: client.post("/transfers", json=body, headers={"Idempotency-Key": "k"}))
        assert {(answer.status_code, answer.content) for answer in answers} == {(201, answers[0].content)}
        assert gold(rich) == ["9"]

    def test_no_gram_is_sent_twice(self, server: LiveServer, rich: Person, bob: Person) -> None:
        """The control of the one before: as many as there is gold for."""
        with server.client(rich) as client:

            def step(index: int) -> int:
                body = {"email": bob.email, "grams": "1"}
                return client.post("/transfers", json=body, headers={"Idempotency-Key": f"{index}"}).status_code

            answers = at_once(20, step)
        assert (answers.count(201), answers.count(422)) == (10, 10)
        assert gold(rich) == ["0"]
        sound(rich)


@pytest.mark.parametrize("role", ["app", "owner"])
class TestTheDatabase:
    @pytest.mark.parametrize(
        "what",
        [
            "status = 'accepted'",
            "status = 'cancelled'",
            "status = 'cancelled', in_entry_id = out_entry_id",
            "gold = 1",
            "expires_at = now()",
            "receiver = '\\x00'",
            "wallet_id = gen_random_uuid()",
        ],
    )
    def test_refuses_what_has_not_happened(self, role: str, what: str, rich: Person, bob: Person) -> None:
        row = send(rich, bob.email).json()
        with pytest.raises(psycopg.Error):
            change(role, rich, "wallet_transfer", row, what)


def test_reconciliation_finds_gold_on_its_way_to_nobody(rich: Person) -> None:
    row = send(rich, "nobody@example.com", "4").json()
    sound(rich)
    with tampering() as connection:
        connection.execute("UPDATE wallet_transfer SET gold = 3 WHERE id = %s", [row["id"]])
    (found,) = verification.verify(tenant_id=rich.tenant.id).discrepancies
    assert found.what == "4.00000000 g are on their way, for transfers of 3.00000000 g"
