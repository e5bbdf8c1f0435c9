"""Registering the bank accounts that a customer may be paid out to."""

from datetime import datetime
from uuid import UUID

from aurix import audit, tenancy
from aurix.actor import Actor
from wallet import locks
from wallet.models import BankAccount


def register(*, by: Actor, iban: str, holder_name: str, now: datetime) -> tuple[BankAccount, bool]:
    """Register an account for the actor's wallet; also says whether it is new. Once more changes nothing.

    ``iban`` is in its electronic form. Raises: NotFound (no wallet).
    """
    with tenancy.tenant_scope(by.tenant_id):
        wallet = locks.own_wallet(actor=by)
        known = BankAccount.objects.filter(
            tenant_id=by.tenant_id, wallet_id=wallet.id, iban=iban, removed_at__isnull=True
        ).first()
        if known:
            return known, False
        account = BankAccount(
            tenant_id=by.tenant_id, wallet_id=wallet.id, iban=iban, holder_name=holder_name, created_at=now
        )
        account.save(force_insert=True)
        _audit("bank_account.registered", account, by=by, now=now)
        return account, True


def remove(*, by: Actor, account_id: UUID, now: datetime) -> None:
    """Remove an account of the actor's. Withdrawals that are under way to it go on. Raises: NotFound."""
    with tenancy.tenant_scope(by.tenant_id):
        wallet = locks.own_wallet(actor=by)
        account = locks.locked(
            BankAccount.objects.filter(
                tenant_id=by.tenant_id, wallet_id=wallet.id, id=account_id, removed_at__isnull=True
            )
        )
        account.removed_at = now
        account.save(update_fields=["removed_at"])
        _audit("bank_account.removed", account, by=by, now=now)


def _audit(action: str, account: BankAccount, *, by: Actor, now: datetime) -> None:
    audit.record(action=action, subject_id=account.id, tenant_id=by.tenant_id, by=by.user_id, now=now)
