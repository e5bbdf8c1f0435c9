"""Naming the bank account that a tenant's customers pay to and are paid from."""

from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import UUID

from aurix import audit, standing
from aurix.actor import Actor
from aurix.tenancy import platform_scope
from tenants import locks
from tenants.models import SettlementAccount


@dataclass(frozen=True, slots=True)
class Account:
    """``iban`` in its electronic form; an empty ``bic`` leaves the bank to be found by the IBAN."""

    holder_name: str
    iban: str
    bic: str = ""


def set_account(*, by: Actor, tenant_id: UUID, account: Account, now: datetime) -> None:
    """Pay from, and ask customers to pay to, ``account`` from now on. For the platform's and the tenant's own admins.

    Raises: Forbidden, NotFound.
    """
    with platform_scope("set a tenant's settlement account"):
        standing.require_admin_of(actor=by, tenant_id=tenant_id)
        locks.tenant(tenant_id)
        last = SettlementAccount.objects.filter(tenant_id=tenant_id).order_by("-version").first()
        SettlementAccount(
            tenant_id=tenant_id,
            version=last.version + 1 if last else 1,
            set_by=by.user_id,
            created_at=now,
            **asdict(account),
        ).save(force_insert=True)
        audit.record(
            action="settlement_account.set",
            subject_id=tenant_id,
            tenant_id=tenant_id,
            by=by.user_id,
            now=now,
            before={"iban": last.iban, "bic": last.bic} if last else None,
            after={"iban": account.iban, "bic": account.bic},
        )
