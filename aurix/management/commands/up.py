"""``manage.py up``: the whole system on one machine, until Ctrl-C."""

import os
import sys

from django.conf import settings
from django.core.management.base import BaseCommand

from aurix.embedded.plan import Plan
from aurix.embedded.supervisor import serve


class Command(BaseCommand):
    help = "Start PostgreSQL, Valkey, the web server and the background processes; stop them all on Ctrl-C."
    requires_system_checks: list[str] = []

    def handle(self, *args: object, **options: object) -> None:
        plan = Plan(
            repository=settings.BASE_DIR,
            data_dir=settings.DATA_DIR,
            host=settings.HOST,
            port=settings.PORT,
            workers=settings.WEB_WORKERS,
            threads=settings.WEB_THREADS,
            environ=os.environ,
        )
        sys.exit(serve(plan=plan, stream=sys.stdout))
