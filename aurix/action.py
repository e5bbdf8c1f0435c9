"""What an action is: one verb, one outermost transaction.

The hot path's transaction is frugal: ``BEGIN`` travels with its first statement and ``COMMIT`` with its last, so that
it costs as many round trips as it has statements (several statements in one text are PostgreSQL's simple protocol).
"""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from django.db import connection
from psycopg.pq import TransactionStatus

P = ParamSpec("P")
R = TypeVar("R")

BEGIN = "BEGIN;"
"""Before the first statement of a ``frugal_action``; ``cursor.nextset()`` then skips its answer."""

COMMIT = ";COMMIT"
"""After the last statement of a ``frugal_action``; when the statement fails nothing is committed."""


_CLOSED = frozenset({TransactionStatus.IDLE, TransactionStatus.UNKNOWN})
"""Nothing to roll back: no transaction, or no connection."""


def frugal_action(verb: Callable[P, R]) -> Callable[P, R]:
    """Run ``verb``, which sends ``BEGIN`` and ``COMMIT`` with its own statements; nesting is an error.

    Whatever it leaves open, by an exception or because there was nothing to write, is rolled back.
    """

    @wraps(verb)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        if connection.in_atomic_block:
            raise RuntimeError(f"{verb.__qualname__} is an outermost transaction and cannot run inside another one.")
        try:
            return verb(*args, **kwargs)
        finally:
            roll_back_if_open()

    return run


def roll_back_if_open() -> None:
    """End a transaction that is still open on the present connection; a broken connection is left to Django."""
    wire = connection.connection
    if wire is not None and wire.pgconn.transaction_status not in _CLOSED:
        with connection.cursor() as cursor:
            cursor.execute("ROLLBACK")
