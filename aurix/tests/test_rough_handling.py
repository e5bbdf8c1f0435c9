"""Clients that hang up, workers that are killed, a Redis that is gone: what was answered happened, once."""

import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from aurix.embedded.valkey import EmbeddedValkey
from aurix.tests.attacks import sql
from aurix.tests.cast import PASSWORD, Api, Person
from aurix.tests.live import LiveServer, buy, serving
from wallet.actions import verification


def hang_up(server: LiveServer, person: Person, patience: float) -> None:
    """Send a buy and close the connection without waiting for the answer; with no patience, before its end."""
    body = b'{"eur":"1.00"}'
    head = (
        f"POST /wallet/buy HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {person.token}\r\n"
        f"Idempotency-Key: {uuid4()}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode()
    with socket.create_connection((server.host, server.port)) as connection:
        connection.sendall(head + (body if patience else body[:5]))
        time.sleep(patience)


def open_transactions() -> int:
    with sql("superuser") as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() "
            "AND usename = 'aurix_app' AND (state LIKE 'idle in transaction%' OR state = 'active')"
        ).fetchone()
    assert row
    return int(row[0])


class TestHangingUp:
    def test_three_thousand_hang_ups_leave_nothing_behind(self, server: LiveServer, alice: Person) -> None:
        patience = (0, 0.0005, 0.002, 0.01)

        def many(index: int) -> None:
            for number in range(300):
                hang_up(server, alice, patience[(index + number) % 4])

        threads = [threading.Thread(target=many, args=[index]) for index in range(10)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        with server.client(alice) as client:
            assert buy(client, eur="1.00").status_code == 200  # waits behind whatever is still being served
        for _ in range(100):
            if open_transactions() == 0:
                break
            time.sleep(0.1)
        assert open_transactions() == 0
        report = verification.verify(tenant_id=alice.tenant.id)
        assert report.discrepancies == []
        assert report.entries > 2  # the control: some of the abandoned buys did happen


class TestKilledWorkers:
    def test_what_was_answered_is_in_the_ledger_once(self, alice: Person, bob: Person) -> None:
        answered: dict[str, str] = {}
        stop = threading.Event()

        with serving() as own:

            def trade(person: Person) -> None:
                while not stop.is_set():
                    key = str(uuid4())
                    answered[key] = self.persist(own, person, key)

            threads = [threading.Thread(target=trade, args=[person]) for person in (alice, bob) for _ in range(4)]
            for thread in threads:
                thread.start()
            killed = 0
            for _ in range(4):
                time.sleep(0.7)
                for worker in own.workers()[:1]:
                    worker.kill()
                    killed += 1
            time.sleep(1)
            stop.set()
            for thread in threads:
                thread.join()
        with sql("superuser") as connection:
            rows = connection.execute(
                "SELECT idempotency_key, id::text FROM wallet_ledger WHERE wallet_id = ANY(%s) AND kind = 'buy'",
                [[alice.wallet_id, bob.wallet_id]],
            ).fetchall()
        assert killed == 4
        assert len(answered) > 20
        assert dict(rows) == answered
        assert len(rows) == len(answered)
        assert verification.verify(tenant_id=alice.tenant.id).discrepancies == []

    @staticmethod
    def persist(server: LiveServer, person: Person, key: str) -> str:
        """Retry one buy under its key until it is answered; returns the transaction's id."""
        for _ in range(200):
            try:
                with server.client(person) as client:
                    answer = buy(client, key, eur="0.60")
            except httpx.TransportError:
                time.sleep(0.05)
                continue
            assert answer.status_code == 200, answer.content
            transaction_id: str = answer.json()["transaction"]["id"]
            return transaction_id
        raise AssertionError("no answer in 200 attempts")


@pytest.fixture
def own_valkey(tmp_path: Path) -> Iterator[EmbeddedValkey]:
    """A Valkey for one test, which may stop it."""
    valkey = EmbeddedValkey(tmp_path)
    valkey.start()
    yield valkey
    valkey.stop()


class TestWithoutRedis:
    def test_trades_go_on_and_health_says_degraded(self, own_valkey: EmbeddedValkey, alice: Person) -> None:
        limits = {"RATE_LIMIT_BUY": "1000/m", "RATE_LIMIT_LOGIN": "2/m", "RATE_LIMIT_WALLET": "1000/m"}
        with serving(REDIS_URL=own_valkey.url, WEB_WORKERS="1", **limits) as own, own.client(alice) as client:
            limited = buy(client, eur="1.00")
            assert limited.headers["X-RateLimit-Limit"] == "1000"
            assert client.get("/health").json()["components"]["redis"] == "up"

            own_valkey.stop()
            first = buy(client, "same", eur="1.00")
            assert first.status_code == 200
            assert buy(client, "same", eur="1.00").content == first.content  # the ledger remembers, not Redis
            assert client.get("/wallet").status_code == 200
            assert client.get("/transactions").status_code == 200
            health = client.get("/health")
            assert (health.status_code, health.json()["status"]) == (503, "degraded")
            assert health.json()["components"] == {"api": "up", "database": "up", "redis": "down"}

            body = {"tenant_code": alice.tenant.code, "email": alice.email, "password": PASSWORD}
            logins = [httpx.post(f"{own.url}/auth/login", json=body) for _ in range(4)]
            assert [login.status_code for login in logins] == [200, 200, 429, 429]
            refresh = {"refresh_token": logins[0].json()["refresh_token"]}
            client.headers["Authorization"] = f"Bearer {logins[0].json()['access_token']}"
            assert client.post("/auth/logout", json=refresh).status_code == 204
            assert client.get("/wallet").json()["error"]["code"] == "token_revoked"  # also without Redis

            own_valkey.start()
            time.sleep(2.5)  # as long as the circuit breaker rests
            assert client.get("/health").status_code == 200


class TestWithoutDatabase:
    def test_answers_503_and_recovers_nothing_lost(self) -> None:
        nowhere = "postgresql://aurix_app@/aurix?host=/nonexistent"
        with serving(DATABASE_URL=nowhere, DATABASE_OWNER_URL=nowhere, WEB_WORKERS="1") as own:
            health = httpx.get(f"{own.url}/health", timeout=10)
            assert (health.status_code, health.json()["components"]["database"]) == (503, "down")
            login = {"email": "a@example.com", "password": PASSWORD}
            answer = httpx.post(f"{own.url}/auth/login", json=login, timeout=30)
            assert (answer.status_code, answer.json()["error"]["code"]) == (503, "service_unavailable")


def test_tests_run_without_limits() -> None:
    assert os.environ["RATE_LIMIT_BUY"] == "off"
    assert all("X-RateLimit-Limit" not in Api().get(path) for path in ("/wallet", "/transactions"))
