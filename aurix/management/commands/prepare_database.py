import os
from typing import Any

import psycopg
from django.apps import apps
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connections
from psycopg.conninfo import make_conninfo

from aurix import roles
from aurix.databases import APP_ROLE, PLATFORM_ROLE

OURS = {"aurix", "tenants", "wallet", "accounts", "insights", "privacy"}


class Command(BaseCommand):
    help = "Make the database roles, run all migrations as the owner, and let the application use Django's own tables."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            if admin_url := os.environ.get("DATABASE_ADMIN_URL", ""):
                owner = connections["owner"].settings_dict
                roles.prepare(admin_url=admin_url, owner=owner["USER"], database=owner["NAME"])
            else:
                roles.prepare(admin_url=_owner_url())
        except roles.PreparationError as problem:
            raise CommandError(str(problem)) from problem
        except psycopg.OperationalError as problem:
            raise CommandError(f"The database cannot be reached: {problem}") from problem
        call_command("migrate", database="owner", interactive=False, verbosity=options["verbosity"])
        _grant_foreign_tables()


def _owner_url() -> str:
    """The owner's connection as a libpq string."""
    parameters = connections["owner"].get_connection_params()
    wanted = ("dbname", "user", "password", "host", "port", "sslmode")
    return make_conninfo(**{name: parameters[name] for name in wanted if parameters.get(name)})


def _grant_foreign_tables() -> None:
    """Tables of Django and libraries hold no tenant's data; the application may use them freely."""
    with connections["owner"].cursor() as cursor:
        for model in apps.get_models(include_auto_created=True):
            if model._meta.app_label in OURS:
                continue
            table = connections["owner"].ops.quote_name(model._meta.db_table)
            cursor.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {APP_ROLE}, {PLATFORM_ROLE}")
            cursor.execute(
                "SELECT pg_get_serial_sequence(%s, %s)", [table, model._meta.pk.column if model._meta.pk else "id"]
            )
            (counter,) = cursor.fetchone() or (None,)
            if counter:
                cursor.execute(f"GRANT USAGE ON SEQUENCE {counter} TO {APP_ROLE}, {PLATFORM_ROLE}")
