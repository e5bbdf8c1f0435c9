"""What linters cannot see: the tree itself, walked."""

import re
from pathlib import Path

import pytest
from django.apps import apps
from django.db import models
from django.template import engines

ROOT = Path(__file__).resolve().parents[2]
OURS = ("aurix", "tenants", "wallet", "accounts", "insights", "privacy")
FILES = [
    path
    for top in (*OURS, "templates", "bench", ".ci")
    for path in (ROOT / top).rglob("*")
    if path.is_file() and "__pycache__" not in path.parts
]
SOURCES = [path for path in FILES if path.suffix in {".py", ".html", ".js", ".css", ".sql"}]
MODELS = [model for model in apps.get_models() if model._meta.app_label in OURS]
OWNED = [model for model in MODELS if any(field.attname == "tenant_id" for field in model._meta.fields)]
ACROSS_TENANTS = {"user_by_email_anywhere"}
"""Indexes for the few searches that cannot know the tenant."""


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_no_file_is_longer_than_400_lines() -> None:
    long = {relative(path): lines for path in SOURCES if (lines := len(path.read_text().splitlines())) > 400}
    assert long == {}


def test_only_locks_and_the_relay_lock_rows() -> None:
    allowed = re.compile(r"(^|/)(locks|relay)\.py$")
    found = [
        relative(path)
        for path in SOURCES
        if path.suffix == ".py" and "tests" not in path.parts and "select_for_update(" in path.read_text()
    ]
    assert [path for path in found if not allowed.search(path)] == []
    assert found  # the control: there are locks


def test_every_key_and_index_of_a_tenant_s_table_starts_with_the_tenant() -> None:
    wrong = []
    for model in OWNED:
        columns = [field for field in model._meta.fields if isinstance(field, models.Field)]
        keys = [*model._meta.constraints, *model._meta.indexes]
        for key in keys:
            fields = getattr(key, "fields", ())
            if fields and fields[0] != "tenant_id" and key.name not in ACROSS_TENANTS:
                wrong.append(f"{model._meta.label}: {key.name}")
        wrong += [
            f"{model._meta.label}: {field.name} is unique"
            for field in columns
            if field.unique and not field.primary_key
        ]
        indexed = [field.name for field in columns if getattr(field, "db_index", False)]
        wrong += [f"{model._meta.label}: {name} has an index" for name in indexed]
    assert wrong == []


def test_every_template_compiles() -> None:
    templates = [path for path in FILES if path.is_relative_to(ROOT / "templates") and path.suffix in {".html", ".txt"}]
    for path in templates:
        engines["django"].get_template(path.relative_to(ROOT / "templates").as_posix())


def test_every_setting_is_in_the_example() -> None:
    example = (ROOT / ".env.example").read_text()
    read = set()
    for path in SOURCES:
        if path.suffix == ".py" and "tests" not in path.parts:
            text = path.read_text()
            read |= set(re.findall(r"env\.\w+\(\s*\"([A-Z][A-Z0-9_]+)\"", text))
            read |= set(re.findall(r"os\.environ(?:\.get\(|\[)\"([A-Z][A-Z0-9_]+)\"", text))
    not_settings = {"DJANGO_SETTINGS_MODULE", "CI", "PATH"}
    missing = sorted(name for name in read - not_settings if not re.search(rf"^#?{name}=", example, re.MULTILINE))
    assert missing == []


@pytest.mark.parametrize("app", OURS)
def test_every_app_says_what_it_owns(app: str) -> None:
    assert (ROOT / app / "__init__.py").read_text().startswith('"""')


def test_nothing_is_called_after_nothing() -> None:
    banned = {"utils", "helpers", "common", "core", "base", "misc", "services"}
    assert [relative(path) for path in SOURCES if banned & {*path.relative_to(ROOT).parts, path.stem}] == []
