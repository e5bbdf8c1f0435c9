"""Single statements on the hot path: each is its own transaction and one round trip, prepared once for a connection.

They go to psycopg directly. Django's cursor sends text with the values in it, which PostgreSQL parses and plans anew
each time; here it gets the name of a plan and the values in binary (measured in docs/performance.md).
"""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.db import connections
from psycopg import Cursor


def row(statement: str, values: Sequence[Any]) -> tuple[Any, ...]:
    """The one row that ``statement`` returns. Raises: what ``django.db`` raises."""
    return rows(statement, values)[0]


def rows(statement: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
    """All rows that ``statement`` returns. Raises: what ``django.db`` raises."""
    connection = connections["default"]
    if connection.queries_logged or connection.execute_wrappers:  # somebody watches: DEBUG, or a test that counts
        with connection.cursor() as cursor:
            cursor.execute(statement, values)
            return list(cursor.fetchall())
    connection.ensure_connection()
    with connection.wrap_database_errors:
        wire = Cursor(connection.connection)
        wire.execute(statement, values, prepare=settings.DATABASE_PREPARED, binary=True)
        return wire.fetchall()
