"""Which tenant's rows a transaction may see.

Row-level security compares ``tenant_id`` with the session variable ``aurix.tenant_id``, which lives as long as the
transaction. Without it no row is visible and none can be written. Work across tenants says why and runs as the role
``aurix_platform``, to which all rows are visible.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from django.db import connection, transaction

from aurix.databases import APP_ROLE, PLATFORM_ROLE

SET_TENANT = "SELECT set_config('aurix.tenant_id', %s, true)"


@contextmanager
def tenant_scope(tenant_id: UUID) -> Iterator[None]:
    """A transaction that sees the rows of one tenant. It is the outermost one: nesting is an error."""
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        cursor.execute(SET_TENANT, [str(tenant_id)])
        yield


@contextmanager
def platform_scope(why: str, *, snapshot: bool = False, consistent: bool = False) -> Iterator[None]:
    """A transaction that sees the rows of all tenants. It is the outermost one: nesting is an error.

    ``why`` is for the reader, and becomes the transaction's ``application_name`` for who watches the database.
    ``snapshot`` makes all its reads be of one moment, and forbids writing; ``consistent`` does not forbid it.
    """
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        if snapshot:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        elif consistent:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        cursor.execute(
            f"SELECT set_config('role', '{PLATFORM_ROLE}', true), set_config('application_name', %s, true)",
            [f"aurix: {why}"[:63]],
        )
        yield


def enter_tenant(tenant_id: UUID) -> None:
    """Narrow a platform transaction to one tenant from here on, so that what follows cannot touch another's rows."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT set_config('role', '{APP_ROLE}', true), set_config('aurix.tenant_id', %s, true)", [str(tenant_id)]
        )
