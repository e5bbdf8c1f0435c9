"""Raw SQL for tests that attack the database: as the application's role, as the tables' owner, as the superuser."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import psycopg

URLS = {"app": "DATABASE_URL", "owner": "DATABASE_OWNER_URL", "superuser": "AURIX_TEST_SUPERUSER_URL"}


@contextmanager
def sql(role: str, *, tenant_id: UUID | None = None) -> Iterator[psycopg.Connection]:
    """A connection of its own as ``app``, ``owner`` or ``superuser``, in one transaction that commits at the end."""
    with psycopg.connect(os.environ[URLS[role]]) as connection:
        if role == "app":
            connection.execute("SET ROLE aurix_app")
        if tenant_id:
            connection.execute("SELECT set_config('aurix.tenant_id', %s, false)", [str(tenant_id)])
        yield connection


@contextmanager
def tampering() -> Iterator[psycopg.Connection]:
    """A superuser who has switched off every trigger and foreign key for this session."""
    with sql("superuser") as connection:
        connection.execute("SET session_replication_role = replica")
        yield connection
