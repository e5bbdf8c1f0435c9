from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from aurix import clock
from aurix.errors import BadRequest
from tenants.actions import tenants


class Command(BaseCommand):
    help = "Make a tenant with the default terms."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("code", help="what customers type at login: a-z, 0-9 and hyphens")
        parser.add_argument("name", help="what customers see")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            tenant = tenants.create(code=options["code"], name=options["name"], now=clock.now())
        except BadRequest as problem:
            raise CommandError(str(problem)) from problem
        self.stdout.write(f"{tenant.code} {tenant.id}")
