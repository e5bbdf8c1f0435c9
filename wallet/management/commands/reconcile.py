from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from aurix import clock
from aurix.tenancy import platform_scope
from tenants import queries as tenants
from wallet.actions import reconciliation
from wallet.models import Discrepancy


class Command(BaseCommand):
    help = "Check everything that has to agree: of what moved since it was last verified, or of all. Exits 1 when not."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--full", action="store_true", help="every entry of every wallet")
        parser.add_argument("--tenant", metavar="CODE", help="only this tenant")

    def handle(self, *args: Any, **options: Any) -> None:
        tenant_id = None
        if code := options["tenant"]:
            tenant = tenants.by_code(code)
            if tenant is None:
                raise CommandError(f"There is no tenant {code!r}.")
            tenant_id = tenant.id
        run_id = reconciliation.request(full=options["full"], tenant_id=tenant_id, now=clock.now())
        record = reconciliation.run(run_id=run_id, clock=clock.now)
        with platform_scope("show discrepancies"):
            for row in Discrepancy.objects.filter(run_id=run_id).order_by("id"):
                self.stderr.write(f"BROKEN tenant {row.tenant_id} wallet {row.wallet_id} entry {row.number}: {row}")
        self.stdout.write(
            f"run {run_id}: {record.tenants} tenants, {record.wallets} wallets, {record.entries} entries,"
            f" {record.discrepancies} discrepancies"
        )
        if record.discrepancies:
            raise CommandError("Something does not agree; see above.")
