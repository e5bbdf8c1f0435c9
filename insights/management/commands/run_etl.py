from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from aurix import clock
from insights import queries
from insights.actions import runs
from insights.models import EtlRun
from tenants import queries as tenants


class Command(BaseCommand):
    help = "Bring the snapshots of all tenants, or of one, up to date; here and now, without workers."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--tenant", metavar="CODE", help="only this one")
        parser.add_argument("--rebuild", action="store_true", help="make everything again from the whole ledger")

    def handle(self, *args: Any, **options: Any) -> None:
        only = tenants.by_code(options["tenant"]) if options["tenant"] else None
        if options["tenant"] and only is None:
            raise CommandError(f"There is no tenant {options['tenant']!r}.")
        run_id = runs.start(
            trigger=EtlRun.Trigger.COMMAND,
            only=only.id if only else None,
            rebuild=options["rebuild"],
            now=clock.now(),
        )
        for part in runs.unfinished(run_id=run_id):
            try:
                runs.work(part=part, clock=clock.now)
            except Exception as problem:  # noqa: BLE001  told below; the other tenants have their turn
                self.stderr.write(f"{part.tenant_id}: {type(problem).__name__}: {problem}")
        run = queries.run(run_id=run_id)
        counts = ", ".join(f"{count} {name}" for name, count in run.counts.items())
        if run.status != "succeeded":
            raise CommandError(f"Run {run_id} {run.status}: {run.error} ({counts})")
        self.stdout.write(f"Run {run_id} {run.status}: {counts}, {run.duration_seconds:.3f} s.")
