"""``manage.py seed_demo``: what a demonstration needs. Runs any number of times."""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from accounts.actions.registration import open_demo_account
from aurix import clock
from aurix.actor import Role
from aurix.errors import Refusal
from tenants import queries
from tenants.actions import tenants
from wallet.actions import prices

TENANTS = (
    ("aurix-demo", "Aurix Demo", UUID("a0000000-0000-0000-0000-000000000001")),
    ("partner-co", "Partner & Co", UUID("b0000000-0000-0000-0000-000000000002")),
)
ACCOUNTS: tuple[tuple[str, Role], ...] = (("ADMIN", "admin"), ("USER", "user"))


class Command(BaseCommand):
    help = "Makes the demo tenants, a first gold price, and with all DEMO_* variables set the demo accounts."

    def handle(self, *args: Any, **options: Any) -> None:
        """Raises: CommandError in production, or for a DEMO_TENANT that does not exist."""
        if settings.PRODUCTION:
            raise CommandError("There is no demo in production.")
        for code, name, tenant_id in TENANTS:
            self._ensure_tenant(code, name, tenant_id)
        prices.ensure_default(now=clock.now())
        if all(settings.DEMO.values()):
            self._ensure_accounts(settings.DEMO)
        elif any(settings.DEMO.values()):
            missing = ", ".join(f"DEMO_{name}" for name, value in settings.DEMO.items() if not value)
            self.stdout.write(f"No demo accounts: {missing} not set.")

    def _ensure_tenant(self, code: str, name: str, tenant_id: UUID) -> None:
        if queries.by_code(code):
            return
        try:
            tenants.create(code=code, name=name, now=clock.now(), tenant_id=tenant_id)
        except Refusal:
            if not queries.by_code(code):  # it was not another seed at the same moment
                raise
        else:
            self.stdout.write(f"Made the tenant {code}.")

    def _ensure_accounts(self, demo: dict[str, str]) -> None:
        tenant = queries.by_code(demo["TENANT"])
        if tenant is None:
            raise CommandError(f"DEMO_TENANT names {demo['TENANT']!r}, which does not exist.")
        for name, role in ACCOUNTS:
            email = demo[f"{name}_EMAIL"]
            made = open_demo_account(
                tenant_id=tenant.id, email=email, password=demo[f"{name}_PASSWORD"], role=role, now=clock.now()
            )
            if made:
                self.stdout.write(f"Made the account {email} ({role}) in {tenant.code}.")
