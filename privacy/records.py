"""Every row that is about a person, read as the classification says."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.apps import apps
from django.db.models import Model, Q, QuerySet

from aurix import tenancy
from privacy.classification import PERSONAL, Table

BATCH = 1000
"""Rows that are read at a time."""

Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Person:
    """Whose rows are meant."""

    tenant_id: UUID
    user_id: UUID


def of(person: Person, *, label: str) -> Iterator[Record]:
    """The person's rows of a table, their exported columns, in constant memory and in short transactions."""
    table = PERSONAL[label]
    after: Any = None
    while batch := _batch(person, label, table, after):
        yield from ({name: row[name] for name in table.exported} for row in batch)
        if not table.order or len(batch) < BATCH:
            return
        after = batch[-1][table.order]


def all_of(person: Person) -> dict[str, list[Record]]:
    """All of them, by table: for a person of whom there is not much."""
    return {label: list(of(person, label=label)) for label in PERSONAL}


def rows_of(person: Person, *, label: str) -> Any:
    """A queryset of the person's rows; to be read in the tenant's scope, or in the platform's."""
    found = Q()
    for column in PERSONAL[label].of.split():
        found |= _names(person, column)
    return _all(label).filter(found, tenant_id=person.tenant_id)


def _batch(person: Person, label: str, table: Table, after: Any) -> list[Record]:
    with tenancy.tenant_scope(person.tenant_id):
        rows = rows_of(person, label=label)
        if table.order:
            rows = (
                rows.order_by(table.order)[:BATCH]
                if after is None
                else (rows.filter(**{f"{table.order}__gt": after}).order_by(table.order)[:BATCH])
            )
        columns = {*table.exported, *([table.order] if table.order else [])}
        return list(rows.values(*columns))


def _names(person: Person, column: str) -> Q:
    """Rows whose ``column`` names the person, by what it refers to."""
    if column.endswith("wallet_id"):
        return Q(**{f"{column}__in": _ids("wallet.Wallet", person)})
    if column.endswith("session_id"):
        return Q(**{f"{column}__in": _ids("accounts.Session", person)})
    return Q(**{column: person.user_id})


def _ids(label: str, person: Person) -> Any:
    return _all(label).filter(tenant_id=person.tenant_id, user_id=person.user_id).values("id")


def _all(label: str) -> QuerySet[Model]:
    # By name: another app's models are private, but for what the classification says of them.
    return QuerySet(apps.get_model(label))
