"""Row-level security, with the filters taken away: a plain SELECT on every table that a tenant owns."""

import psycopg
import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import connection, models

from aurix import clock
from aurix.actor import Actor
from aurix.tests.attacks import sql, tampering
from aurix.tests.cast import Person
from privacy.actions import erasure, exports
from wallet.tests.cash import payments_of


def tenant_owned() -> list[type[models.Model]]:
    """Every model with a ``tenant_id``, found by walking all of them."""
    return [model for model in apps.get_models() if any(field.attname == "tenant_id" for field in model._meta.fields)]


TABLES = sorted(model._meta.db_table for model in tenant_owned())


def test_the_walk_finds_the_tables_that_matter() -> None:
    assert {"wallet_wallet", "wallet_ledger", "tenants_terms", "accounts_user", "accounts_session"} <= set(TABLES)


def actor(person: Person) -> Actor:
    return Actor(tenant_id=person.tenant.id, user_id=person.user_id, session_id=None, role="user")


@pytest.fixture
def populated(alice: Person, charlie: Person, olivia: Person) -> Person:
    """Rows in the tables, of two tenants."""
    alice.buy(eur="10.00")
    charlie.buy(eur="10.00")
    olivia.put(
        f"/admin/tenants/{charlie.tenant.id}/fees",
        {"buy_fee_rate": "0.01", "sell_fee_rate": "0.01", "min_fee_eur_cents": 1},
    )
    for person in (alice, charlie):
        hooks = f"/admin/tenants/{person.tenant.id}/webhooks"
        hook = olivia.post(hooks, {"url": "https://aurix.example/hook"}).json()
        assert olivia.post(f"{hooks}/{hook['id']}/test").status_code == 200
        payments_of(person, olivia)
        call_command("run_etl", tenant=person.tenant.code)
        with sql("superuser") as model:  # as a language model would have left it
            model.execute(
                "INSERT INTO insights_advice (tenant_id, user_id, frequency, period_start, signals_hash, model, "
                "prompt_version, sentences, created_at) "
                "VALUES (%s, %s, 'daily', current_date, '', 'm', 1, '[]', now())",
                [person.tenant.id, person.user_id],
            )
            model.execute("INSERT INTO insights_advicebudget VALUES (%s, current_date, 1)", [person.tenant.id])
        call_command("reconcile", tenant=person.tenant.code)
        with tampering() as broken:
            broken.execute("UPDATE wallet_wallet SET gold = gold + 1 WHERE id = %s", [person.wallet_id])
        with pytest.raises(CommandError):
            call_command("reconcile", tenant=person.tenant.code)
        exports.start(by=actor(person), now=clock.now())
        policy = {"asks_password": False, "refuses_balance": False, "cooling_off_days": 14}
        assert olivia.put(f"/admin/tenants/{person.tenant.id}/privacy", policy).status_code == 200
        erasure.request(by=actor(person), password="", now=clock.now())
    return alice


@pytest.mark.parametrize("table", [*TABLES, "journal", "wallet_heads", "wallet_gold_moves"])
class TestWithoutFilters:
    def test_sees_only_the_own_tenant(self, table: str, populated: Person) -> None:
        with sql("app", tenant_id=populated.tenant.id) as own:
            seen = {row[0] for row in own.execute(f"SELECT DISTINCT tenant_id FROM {table}")}
        assert seen == {populated.tenant.id}

    def test_sees_nothing_when_no_tenant_is_set(self, table: str, populated: Person) -> None:
        with sql("app") as nobody, sql("superuser") as everybody:
            assert nobody.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)
            (count,) = everybody.execute(f"SELECT count(DISTINCT tenant_id) FROM {table}").fetchone() or (0,)
        assert count >= 2  # the control: there was something to see


class TestTheRunningRole:
    def test_has_no_way_around_the_policies(self) -> None:
        with sql("superuser") as connection:
            row = connection.execute(
                "SELECT rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolinherit FROM pg_roles "
                "WHERE rolname = 'aurix_app'"
            ).fetchone()
        assert row == (False, False, False, False, False)

    def test_is_what_the_application_runs_as(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_user, row_security_active('wallet_ledger')")
            assert cursor.fetchone() == ("aurix_app", True)

    @pytest.mark.parametrize("table", TABLES)
    def test_owns_no_table_and_cannot_switch_policies_off(self, table: str) -> None:
        with pytest.raises(psycopg.errors.InsufficientPrivilege), sql("app") as own:
            own.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")

    def test_every_tenant_owned_table_is_secured_against_its_owner_too(self) -> None:
        with sql("superuser") as everybody:
            rows = everybody.execute(
                "SELECT relname FROM pg_class WHERE relname = ANY(%s) AND relrowsecurity AND relforcerowsecurity",
                [TABLES],
            ).fetchall()
        assert sorted(name for (name,) in rows) == TABLES
