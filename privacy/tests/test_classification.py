"""The registry against the models: nothing is undeclared, nothing declared that is not there."""

import pytest
from django.apps import apps
from django.db import models

from privacy.classification import PERSONAL, TABLES, Table

MODELS = {model._meta.label: model for model in apps.get_models(include_auto_created=True)}


def columns(model: type[models.Model]) -> set[str]:
    return {field.attname for field in model._meta.concrete_fields}


@pytest.mark.parametrize("label", sorted(MODELS))
def test_every_field_of_every_model_is_declared_once(label: str) -> None:
    there = columns(MODELS[label])
    if label not in TABLES:
        every = " ".join(sorted(there))
        line = f'    "{label}": Table(of="user_id", kept="...", erased={{}}, withheld="...", other="..."),'
        pytest.fail(
            f"{label} says nothing about personal data. Add to TABLES in privacy/classification.py:\n{line}\n"
            f'with each of these in one group ("other" and no "of" where no row is about a person): {every}'
        )
    declared = TABLES[label].declared
    missing, gone = there - set(declared), set(declared) - there
    twice = {name for name in declared if declared.count(name) > 1}
    where = f"{label} in TABLES of privacy/classification.py"
    assert not missing, f"{where}: add each of these to kept, erased, withheld or other: {sorted(missing)}"
    assert not gone, f"{where}: remove {sorted(gone)}"
    assert not twice, f"{where}: named twice: {sorted(twice)}"


def test_no_model_is_declared_that_is_not_there() -> None:
    assert sorted(set(TABLES) - set(MODELS)) == [], "remove these from TABLES in privacy/classification.py"


@pytest.mark.parametrize(("label", "table"), [(label, PERSONAL[label]) for label in sorted(PERSONAL)])
def test_what_names_and_numbers_a_person_s_rows_is_there(label: str, table: Table) -> None:
    assert set(table.of.split()) <= columns(MODELS[label])
    assert not table.order or table.order in columns(MODELS[label])


@pytest.mark.parametrize("label", sorted(set(TABLES) - set(PERSONAL)))
def test_only_rows_of_persons_are_exported_or_erased(label: str) -> None:
    table = TABLES[label]
    assert (table.exported, table.withheld, table.removed) == ([], "", False), f"{label} needs `of`"


def test_whatever_names_a_user_is_of_that_user_or_says_why_not() -> None:
    """Exceptions are Django's own, and what is made from the ledger and can be made again."""
    naming = {label for label, model in MODELS.items() if columns(model) & {"user_id", "wallet_id", "session_id"}}
    assert naming - set(PERSONAL) <= {"admin.LogEntry", "insights.Progress", "wallet.Discrepancy"}
