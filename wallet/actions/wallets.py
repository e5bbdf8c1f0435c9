"""Opening a wallet."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.conf import settings

from wallet import ledger
from wallet.models import Wallet


def open_wallet(*, tenant_id: UUID, user_id: UUID, now: datetime) -> UUID:
    """Open the one wallet of a user, in the transaction that makes the user; returns its id.

    The opening balance (``SEED_BALANCE_EUR_CENTS``, 0 in production) is a ledger entry like any other movement.
    """
    wallet = Wallet(tenant_id=tenant_id, user_id=user_id, created_at=now, updated_at=now)
    wallet.save(force_insert=True)
    if cents := settings.SEED_BALANCE_EUR_CENTS:
        opening = ledger.Posting(kind="opening", gold_delta=Decimal(0), cash_delta=cents, gross=cents)
        ledger.post(opening, tenant_id=tenant_id, wallet_id=wallet.id, actor_id=None)
    return wallet.id
