"""The database roles, made before the first migration.

``prepare`` may run any number of times and by several processes at once. It needs a login that may create roles
(embedded: the superuser; elsewhere: the owner with ``CREATEROLE``); where the roles exist already it needs nothing.
"""

import psycopg
from psycopg import sql

from aurix.databases import APP_ROLE, PLATFORM_ROLE

OWNER_ROLE = "aurix_owner"
_LOCK = 7_235_110_001
"""Advisory lock: one preparation at a time in a cluster."""


class PreparationError(Exception):
    """The database cannot be prepared; the message says what an operator must do."""


def prepare(*, admin_url: str, owner: str = "", database: str = "") -> None:
    """Make the roles, and for embedded servers the ``owner`` login and its ``database`` too.

    Raises: PreparationError with the SQL to run by hand when the login may not create roles.
    """
    with psycopg.connect(admin_url, autocommit=True, connect_timeout=10) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
        try:
            _make_roles(connection, owner=owner or connection.info.user)
        except psycopg.errors.InsufficientPrivilege as problem:
            raise PreparationError(
                f"The login {connection.info.user!r} may not create roles. As a superuser run: "
                f"CREATE ROLE {PLATFORM_ROLE} NOLOGIN; CREATE ROLE {APP_ROLE} LOGIN NOINHERIT; "
                f"GRANT {PLATFORM_ROLE} TO {APP_ROLE}; GRANT {APP_ROLE}, {PLATFORM_ROLE} TO {connection.info.user};"
            ) from problem
        if database and not _exists(connection, "pg_database", "datname", database):
            connection.execute(
                sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(database), sql.Identifier(owner))
            )


def _make_roles(connection: psycopg.Connection, *, owner: str) -> None:
    # NOINHERIT: the application has to step into the platform role, it is not already in it.
    wanted = {PLATFORM_ROLE: "NOLOGIN", APP_ROLE: "LOGIN NOINHERIT", owner: "LOGIN"}
    for role, attributes in wanted.items():
        if not _exists(connection, "pg_roles", "rolname", role):
            connection.execute(sql.SQL("CREATE ROLE {} " + attributes).format(sql.Identifier(role)))
    for role, member in ((PLATFORM_ROLE, APP_ROLE), (PLATFORM_ROLE, owner), (APP_ROLE, owner)):
        granted = connection.execute(
            "SELECT 1 FROM pg_auth_members WHERE roleid = %s::regrole AND member = %s::regrole", [role, member]
        ).fetchone()
        if not granted and role != member:
            connection.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(role), sql.Identifier(member)))


def _exists(connection: psycopg.Connection, catalog: str, column: str, name: str) -> bool:
    query = sql.SQL("SELECT 1 FROM {} WHERE {} = %s").format(sql.Identifier(catalog), sql.Identifier(column))
    return connection.execute(query, [name]).fetchone() is not None
