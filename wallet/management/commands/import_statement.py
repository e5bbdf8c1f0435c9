"""``manage.py import_statement CODE FILE``: import a bank statement of any length."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management import BaseCommand, CommandError

from aurix import clock
from aurix.errors import Refusal
from tenants import queries as tenants
from wallet.actions import statements
from wallet.bankfiles import camt053, table
from wallet.bankfiles.lines import StatementError


class Command(BaseCommand):
    help = "Import a bank statement of a tenant: CAMT.053 (.xml) or CSV (.csv). Known lines change nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The tenant's code and the file."""
        parser.add_argument("code")
        parser.add_argument("file", type=Path)

    def handle(self, *_: Any, **options: Any) -> None:
        """Import, and say how many lines were new and matched."""
        tenant = tenants.by_code(options["code"])
        if tenant is None:
            raise CommandError(f"There is no tenant {options['code']!r}.")
        reader = table.read if options["file"].suffix.lower() == ".csv" else camt053.read
        try:
            lines = reader(options["file"].read_bytes())
            done = statements.import_file(tenant_id=tenant.id, lines=lines, now=clock.now())
        except (OSError, StatementError) as problem:
            raise CommandError(str(problem)) from problem
        except Refusal as refusal:
            raise CommandError(refusal.text) from refusal
        self.stdout.write(f"{done.lines} lines, {done.new} new, {done.matched} of them matched")
