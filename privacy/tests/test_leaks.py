"""A marked person goes through everything; then every output is searched for the mark."""

import io
import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest
import redis
from django.core.management import call_command

from aurix import clock
from aurix.tests.attacks import sql
from aurix.tests.cast import Api, Person
from insights import tasks as insights_tasks
from privacy import tasks
from privacy.actions import erasure, exports
from tenants.queries import TenantView
from wallet.tests import cash

PERSONAL_TABLES = {"accounts_user", "wallet_bankaccount", "wallet_withdrawal", "wallet_answer"}
"""Where a marked person's address, name and account belong."""


@dataclass(frozen=True)
class Marked:
    """What nobody else has: parts of an address, a password and a name. All must be found nowhere but in their rows."""

    mail: str
    secret: str
    name: str

    @property
    def marks(self) -> tuple[str, str, str]:
        return self.mail, self.secret, self.name


def mark() -> str:
    return f"q{uuid4().hex[:14]}"


@pytest.fixture
def marked() -> Marked:
    return Marked(mark(), mark(), mark())


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """All that our log handlers write, as they write it."""
    written = io.StringIO()
    names = ("", "aurix.access")
    handlers = [one for name in names for one in logging.getLogger(name).handlers if type(one) is logging.StreamHandler]
    before = [handler.setStream(written) for handler in handlers]
    yield written
    for handler, stream in zip(handlers, before, strict=True):
        handler.setStream(stream)


def go_through_everything(marked: Marked, tenant: TenantView, staff: Person) -> None:
    email, password = f"{marked.mail}@example.com", f"Aa1-{marked.secret}"
    api = Api()
    body = {"tenant_code": tenant.code, "email": email, "password": password}
    made = api.post("/auth/register", body).json()
    who = Person(email, tenant, made["user_id"], made["wallet_id"], made)
    for wrong in (
        body,  # taken
        {**body, "email": f"{marked.mail}@"},
        {**body, "password": marked.secret},
        {**body, "tenant_code": marked.mail},
        {**body, marked.mail: marked.secret},
    ):
        assert api.post("/auth/register", wrong).status_code in {400, 409}
    for wrong in ({**body, "password": f"Bb2-{marked.secret}"}, {**body, "email": f"{marked.mail}@example.org"}):
        assert api.post("/auth/login", wrong).status_code == 401
    api.post("/auth/login", f'{{"email": "{email}", "password": '.encode())  # broken JSON
    api.get(f"/wallet?email={email}&token={marked.secret}")
    api.get("/wallet", Authorization=f"Bearer {marked.secret}")
    who.token = api.post("/auth/login", body).json()["access_token"]
    who.buy(grams="1")
    who.sell(grams=marked.secret)
    cash.name_bank(staff)
    assert cash.register(who, name=f"Mx {marked.name}").status_code == 201
    assert cash.withdraw(who, "10.00").status_code == 201
    assert cash.post(who, "/transfers", {"email": email, "grams": "0.1"}).status_code in {201, 400, 422}
    call_command("run_etl", tenant=tenant.code)
    assert who.get("/insights").status_code == 200
    assert who.get("/privacy/export").status_code == 200
    staff.post("/admin/etl/trigger")
    tasks.tend_exports()
    insights_tasks.hourly()
    exports.expire(now=clock.now())
    who.post("/auth/change-password", {"current_password": password, "new_password": marked.secret})
    assert who.post("/privacy/erasure-request", {"password": password}).status_code == 202
    for tenant_id, request_id in erasure.open_ones():
        if tenant_id == tenant.id:
            erasure.go_on(tenant_id=tenant_id, request_id=request_id, now=clock.now())


def in_redis() -> Iterator[str]:
    """Every key with its value, of every database of the server."""
    for number in range(16):
        client: Any = redis.Redis.from_url(os.environ["REDIS_URL"], db=number)
        for key in client.scan_iter(count=1000):
            kind = client.type(key)
            read = {
                b"string": client.get,
                b"list": lambda name, of=client: of.lrange(name, 0, -1),
                b"hash": client.hgetall,
                b"set": client.smembers,
                b"zset": lambda name, of=client: of.zrange(name, 0, -1),
                b"stream": lambda name, of=client: of.xrange(name),
            }[kind]
            yield f"{key!r} {read(key)!r}"


def tables_with(text: str) -> set[str]:
    """The tables of which some row contains ``text``, whatever its case."""
    found = set()
    with sql("superuser") as everybody:
        for (name,) in everybody.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall():
            query = f"SELECT count(*) FROM {name} t WHERE t::text ILIKE %s"
            if everybody.execute(query, [f"%{text}%"]).fetchone() != (0,):
                found.add(name)
    return found


@pytest.mark.usefixtures("two_tenants_only")
class TestAMarkedPerson:
    def test_is_in_no_output(
        self, marked: Marked, tenant: TenantView, olivia: Person, log: io.StringIO, capfd: pytest.CaptureFixture[str]
    ) -> None:
        go_through_everything(marked, tenant, olivia)
        logging.getLogger("aurix.accounts").warning("from %s@example.com, masked", marked.mail)
        written = log.getvalue() + "".join(capfd.readouterr())
        assert '"path":"/privacy/erasure-request"' in written  # the control: these are the logs
        assert "q***@example.com, masked" in written
        kept = list(in_redis())
        assert kept  # the control: rate limits count there
        for text in marked.marks:
            assert text not in written
            assert [entry for entry in kept if text in entry] == []

    def test_is_in_the_tables_that_say_so_and_no_other(
        self, marked: Marked, tenant: TenantView, olivia: Person
    ) -> None:
        go_through_everything(marked, tenant, olivia)
        assert tables_with(marked.mail) == {"accounts_user"}  # neither outbox nor audit
        assert tables_with(marked.secret) == set()
        assert tables_with(marked.name)
        assert tables_with(marked.name) <= PERSONAL_TABLES


def test_a_refusal_does_not_repeat_what_was_sent(marked: Marked, api: Api, tenant: TenantView) -> None:
    body = {"tenant_code": tenant.code, "email": f"{marked.mail}@example.com", "password": f"Aa1-{marked.secret}"}
    for path, wrong in (("/auth/login", body), ("/auth/register", {**body, "password": marked.secret})):
        answer = api.post(path, wrong)
        assert answer.status_code in {400, 401}
        headers = str(answer.headers)
        assert not [text for text in marked.marks if text in answer.content.decode() + headers]
