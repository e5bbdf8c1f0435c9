from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from tenants import queries as tenants
from wallet.actions import verification


class Command(BaseCommand):
    help = "Walk every wallet's chain in the ledger and name the first broken entry of each. Exits 1 when there is any."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--tenant", metavar="CODE", help="only this tenant's wallets")

    def handle(self, *args: Any, **options: Any) -> None:
        tenant_id = None
        if code := options["tenant"]:
            tenant = tenants.by_code(code)
            if tenant is None:
                raise CommandError(f"There is no tenant {code!r}.")
            tenant_id = tenant.id
        report = verification.verify(tenant_id=tenant_id)
        for found in report.discrepancies:
            self.stderr.write(
                f"BROKEN tenant {found.tenant_id} wallet {found.wallet_id} entry {found.number}: {found.what}"
            )
        self.stdout.write(f"{report.wallets} wallets, {report.entries} entries, {len(report.discrepancies)} broken")
        if report.discrepancies:
            raise CommandError("The ledger does not verify.")
