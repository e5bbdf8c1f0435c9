"""What the database itself keeps, attacked with raw SQL as the application's role and as the owner."""

from collections.abc import Iterator
from uuid import uuid4

import psycopg
import pytest

from accounts.tests.asserts import sessions_of
from aurix.tests.attacks import sql
from aurix.tests.cast import Person

DENIED = psycopg.errors.InsufficientPrivilege


@pytest.fixture
def app(alice: Person) -> Iterator[psycopg.Connection]:
    """The application's role in Alice's tenant; a test's last statement may fail."""
    with sql("app", tenant_id=alice.tenant.id) as connection:
        yield connection
        connection.rollback()


class TestTheRunningRole:
    @pytest.mark.parametrize("table", ["accounts_user", "accounts_session", "accounts_refreshtoken"])
    def test_deletes_nothing(self, app: psycopg.Connection, table: str) -> None:
        with pytest.raises(DENIED):
            app.execute(f"DELETE FROM {table}")

    @pytest.mark.parametrize(
        ("table", "column"),
        [
            ("accounts_user", "role = 'admin'"),
            ("accounts_user", "email = 'x@y.zz'"),
            ("accounts_user", "email_folded = 'x@y.zz'"),
            ("accounts_user", "tenant_id = gen_random_uuid()"),
            ("accounts_user", "created_at = now()"),
            ("accounts_session", "user_id = gen_random_uuid()"),
            ("accounts_session", "tenant_id = gen_random_uuid()"),
            ("accounts_refreshtoken", "token_hash = 'x'"),
            ("accounts_refreshtoken", "session_id = gen_random_uuid()"),
            ("accounts_refreshtoken", "expires_at = now()"),
        ],
    )
    def test_changes_only_what_changes(self, app: psycopg.Connection, table: str, column: str) -> None:
        with pytest.raises(DENIED):
            app.execute(f"UPDATE {table} SET {column}")

    @pytest.mark.parametrize("role", ["admin", "tenant_admin"])
    def test_makes_no_staff(self, app: psycopg.Connection, alice: Person, role: str) -> None:
        with pytest.raises(DENIED, match="row-level security"):
            app.execute(*self._user(alice, role=role))

    def test_makes_users(self, app: psycopg.Connection, alice: Person) -> None:
        """The control of the one above."""
        assert app.execute(*self._user(alice, role="user")).rowcount == 1

    def test_makes_no_user_elsewhere(self, app: psycopg.Connection, charlie: Person) -> None:
        with pytest.raises(DENIED, match="row-level security"):
            app.execute(*self._user(charlie, role="user"))

    @staticmethod
    def _user(like: Person, *, role: str) -> tuple[str, list[object]]:
        return (
            "INSERT INTO accounts_user (id, tenant_id, email, email_folded, password, role, created_at,"
            " password_changed_at) VALUES (%s, %s, 'e', %s, 'p', %s, now(), now())",
            [uuid4(), like.tenant.id, uuid4().hex, role],
        )


class TestRules:
    def test_one_email_in_a_tenant(self, alice: Person) -> None:
        with pytest.raises(psycopg.errors.UniqueViolation), sql("superuser") as connection:
            connection.execute(
                "INSERT INTO accounts_user SELECT (jsonb_populate_record(u, jsonb_build_object('id', %s::text))).*"
                " FROM accounts_user u WHERE id = %s",
                [uuid4(), alice.user_id],
            )

    def test_one_live_refresh_token_in_a_session(self, alice: Person) -> None:
        session = sessions_of(alice)[0]
        with (
            pytest.raises(psycopg.errors.UniqueViolation, match="refresh_token_one_live"),
            sql("app", tenant_id=alice.tenant.id) as connection,
        ):
            connection.execute(
                "INSERT INTO accounts_refreshtoken (id, tenant_id, session_id, token_hash, issued_at, expires_at)"
                " VALUES (%s, %s, %s, %s, now(), now() + interval '1 day')",
                [uuid4(), alice.tenant.id, session.id, bytes(range(32))],
            )

    def test_an_ended_session_stays_ended(self, alice: Person) -> None:
        alice.post("/auth/logout", {"refresh_token": alice.tokens["refresh_token"]})
        for role in ("app", "superuser"):
            with (
                pytest.raises(psycopg.errors.RestrictViolation),
                sql(role, tenant_id=alice.tenant.id) as connection,
            ):
                connection.execute(
                    "UPDATE accounts_session SET ended_at = NULL, end_reason = '' WHERE user_id = %s", [alice.user_id]
                )

    def test_a_used_refresh_token_stays_used(self, alice: Person) -> None:
        alice.post("/auth/refresh", {"refresh_token": alice.tokens["refresh_token"]})
        with pytest.raises(psycopg.errors.RestrictViolation), sql("superuser") as connection:
            connection.execute(
                "UPDATE accounts_refreshtoken SET used_at = NULL WHERE tenant_id = %s AND used_at IS NOT NULL",
                [alice.tenant.id],
            )

    @pytest.mark.parametrize(
        ("change", "constraint"),
        [
            ("UPDATE accounts_user SET role = 'root' WHERE id = %(user)s", "user_role_known"),
            ("UPDATE accounts_user SET email_folded = '' WHERE id = %(user)s", "user_email_folded_not_empty"),
            ("UPDATE accounts_session SET ended_at = now() WHERE user_id = %(user)s", "session_end_has_reason"),
            ("UPDATE accounts_session SET end_reason = 'logout' WHERE user_id = %(user)s", "session_end_has_reason"),
            ("UPDATE accounts_session SET expires_at = created_at WHERE user_id = %(user)s", "session_expires_later"),
            ("UPDATE accounts_refreshtoken SET token_hash = 'short' WHERE tenant_id = %(tenant)s", "hash_length"),
            ("UPDATE accounts_refreshtoken SET expires_at = issued_at WHERE tenant_id = %(tenant)s", "expires_later"),
        ],
    )
    def test_nonsense_is_refused(self, alice: Person, change: str, constraint: str) -> None:
        with pytest.raises(psycopg.errors.CheckViolation, match=constraint), sql("superuser") as connection:
            connection.execute(change, {"user": alice.user_id, "tenant": alice.tenant.id})

    @pytest.mark.parametrize(
        "change",
        [
            "UPDATE accounts_session SET user_id = %(stranger)s WHERE user_id = %(user)s",
            "UPDATE accounts_session SET tenant_id = %(elsewhere)s WHERE user_id = %(user)s",
            "UPDATE accounts_user SET tenant_id = %(elsewhere)s WHERE id = %(user)s",
            "UPDATE accounts_user SET tenant_id = gen_random_uuid() WHERE id = %(user)s",
            "UPDATE accounts_refreshtoken SET tenant_id = %(elsewhere)s WHERE tenant_id = %(tenant)s",
            "DELETE FROM accounts_user WHERE id = %(user)s",
        ],
    )
    def test_references_stay_in_the_tenant(self, alice: Person, charlie: Person, change: str) -> None:
        with pytest.raises(psycopg.errors.ForeignKeyViolation), sql("superuser") as connection:
            connection.execute(
                change,
                {
                    "user": alice.user_id,
                    "stranger": charlie.user_id,
                    "tenant": alice.tenant.id,
                    "elsewhere": charlie.tenant.id,
                },
            )

    def test_a_wallet_belongs_to_a_user_of_its_tenant(self, alice: Person, charlie: Person) -> None:
        for owner in (charlie.user_id, uuid4()):
            with (
                pytest.raises(psycopg.errors.ForeignKeyViolation, match="wallet_wallet_user_id_same_tenant"),
                sql("app", tenant_id=alice.tenant.id) as connection,
            ):
                connection.execute(
                    "INSERT INTO wallet_wallet (id, tenant_id, user_id, gold, cash, number, hash, frozen_reason,"
                    " created_at, updated_at) VALUES (%s, %s, %s, 0, 0, 0, %s, '', now(), now())",
                    [uuid4(), alice.tenant.id, owner, bytes(32)],
                )
