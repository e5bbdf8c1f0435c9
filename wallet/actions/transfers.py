"""Transfers: gold to an email address in the same tenant.

Sending answers the same whether anybody is known there: the gold leaves at once, and waits for whoever the address
belongs to. Only accepting tells the sender that there is somebody. What nobody accepts comes back.
"""

from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from django.conf import settings

from aurix import audit, money, tenancy
from aurix.actor import Actor
from wallet import answers, ledger, locks
from wallet.answers import Attempt, Kept
from wallet.errors import InsufficientGold, OwnAddress, TransferExpired, WalletFrozen, WrongState
from wallet.models import Transfer, Wallet
from wallet.transfer_queries import address, own_address, to_actor

Status = Transfer.Status


def send(*, by: Actor, email: str, grams: Decimal, attempt: Attempt, now: datetime) -> Kept:
    """Take ``grams`` out of the actor's wallet for whoever has ``email`` in the tenant.

    Raises: NotFound (no wallet), WalletFrozen, OwnAddress, InsufficientGold, IdempotencyKeyReused.
    """
    with tenancy.tenant_scope(by.tenant_id):
        if known := answers.replay(attempt, tenant_id=by.tenant_id):
            return known
        wallet = locks.own_wallet(actor=by)
        _check_open(wallet)
        receiver = address(tenant_id=by.tenant_id, email=email)
        if receiver == own_address(by)[0]:
            raise OwnAddress
        if grams > wallet.gold:
            details = {"required": money.format_grams(grams), "available": money.format_grams(wallet.gold)}
            raise InsufficientGold(details=details)
        transfer = Transfer(
            tenant_id=by.tenant_id,
            wallet_id=wallet.id,
            receiver=receiver,
            gold=grams,
            expires_at=now + timedelta(hours=settings.TRANSFER_EXPIRY_HOURS),
            out_entry_id=_post(wallet, -grams, by.user_id),
            created_at=now,
            updated_at=now,
        )
        transfer.save(force_insert=True)
        _audit(transfer, before=None, by=by.user_id, now=now)
        return answers.keep(attempt, transfer, tenant_id=by.tenant_id, now=now)


def accept(*, by: Actor, transfer_id: UUID, attempt: Attempt, now: datetime) -> Kept:
    """Take gold that was sent to the actor's address.

    Raises: NotFound, WalletFrozen, WrongState, TransferExpired, IdempotencyKeyReused.
    """
    with tenancy.tenant_scope(by.tenant_id):
        if known := answers.replay(attempt, tenant_id=by.tenant_id):
            return known
        sent = to_actor(by, Transfer.objects.filter(tenant_id=by.tenant_id, id=transfer_id))
        wallet, _ = locks.own_wallet_and(actor=by, others=[sent.wallet_id])
        transfer = locks.locked(Transfer.objects.filter(tenant_id=by.tenant_id, id=transfer_id))
        _check_open(wallet)
        if transfer.status != Status.PENDING:
            raise WrongState(details={"status": transfer.status})
        if transfer.expires_at <= now:
            raise TransferExpired
        transfer.receiver_wallet_id = wallet.id
        _arrive(transfer, wallet, Status.ACCEPTED, by=by.user_id, now=now)
        return answers.keep(attempt, transfer, tenant_id=by.tenant_id, now=now)


def hide(*, by: Actor, transfer_id: UUID, now: datetime) -> None:
    """Not want it. The sender is not told, or would learn that the address is known: it comes back when it expires.

    Raises: NotFound.
    """
    with tenancy.tenant_scope(by.tenant_id):
        to_actor(by, Transfer.objects.filter(tenant_id=by.tenant_id, id=transfer_id))
        transfer = locks.locked(Transfer.objects.filter(tenant_id=by.tenant_id, id=transfer_id))
        if transfer.status == Status.PENDING and not transfer.hidden:
            transfer.hidden, transfer.updated_at = True, now
            transfer.save(update_fields=["hidden", "updated_at"])
            audit.record(
                action="transfer.hidden", subject_id=transfer.id, tenant_id=by.tenant_id, by=by.user_id, now=now
            )


def cancel(*, by: Actor, transfer_id: UUID, attempt: Attempt, now: datetime) -> Kept:
    """Take one's own gold back before it is accepted.

    Raises: NotFound, WalletFrozen, WrongState, IdempotencyKeyReused.
    """
    with tenancy.tenant_scope(by.tenant_id):
        if known := answers.replay(attempt, tenant_id=by.tenant_id):
            return known
        wallet = locks.own_wallet(actor=by)
        transfer = locks.locked(Transfer.objects.filter(tenant_id=by.tenant_id, wallet_id=wallet.id, id=transfer_id))
        _check_open(wallet)
        _arrive(transfer, wallet, Status.CANCELLED, by=by.user_id, now=now)
        return answers.keep(attempt, transfer, tenant_id=by.tenant_id, now=now)


def expired(*, now: datetime, most: int) -> list[tuple[UUID, UUID]]:
    """Tenant and id of transfers whose time is up, the longest first; those of frozen wallets wait."""
    with tenancy.platform_scope("find expired transfers"):
        rows = Transfer.objects.filter(status=Status.PENDING, expires_at__lte=now)
        frozen = Wallet.objects.exclude(frozen_reason="").values("id")
        return list(rows.exclude(wallet_id__in=frozen).order_by("expires_at").values_list("tenant_id", "id")[:most])


def expire(*, tenant_id: UUID, transfer_id: UUID, now: datetime) -> bool:
    """Give a transfer back whose time is up; says whether that was still to do."""
    with tenancy.tenant_scope(tenant_id):
        rows = Transfer.objects.filter(tenant_id=tenant_id, id=transfer_id)
        wallet_id = rows.values_list("wallet_id", flat=True).first()
        wallet = locks.wallet(tenant_id=tenant_id, wallet_id=wallet_id or transfer_id)
        transfer = locks.locked(rows)
        if wallet.frozen_reason or transfer.status != Status.PENDING or transfer.expires_at > now:
            return False
        _arrive(transfer, wallet, Status.EXPIRED, by=None, now=now)
        return True


def _arrive(transfer: Transfer, wallet: Wallet, status: Status, *, by: UUID | None, now: datetime) -> None:
    """Post the second leg; the caller holds the locks of ``wallet`` and of the transfer. Raises: WrongState."""
    if transfer.status != Status.PENDING:
        raise WrongState(details={"status": transfer.status})
    transfer.in_entry_id = _post(wallet, transfer.gold, by)
    before, transfer.status, transfer.updated_at = transfer.status, status, now
    transfer.save(update_fields=["status", "in_entry_id", "receiver_wallet_id", "updated_at"])
    _audit(transfer, before=before, by=by, now=now)


def _post(wallet: Wallet, grams: Decimal, by: UUID | None) -> UUID:
    return ledger.post(
        ledger.Posting(kind="transfer", gold_delta=grams, cash_delta=0, gross=0),
        tenant_id=wallet.tenant_id,
        wallet_id=wallet.id,
        actor_id=by,
    ).id


def _check_open(wallet: Wallet) -> None:
    if wallet.frozen_reason:
        raise WalletFrozen


def _audit(transfer: Transfer, *, before: str | None, by: UUID | None, now: datetime) -> None:
    audit.record(
        action=f"transfer.{transfer.status}",
        subject_id=transfer.id,
        tenant_id=transfer.tenant_id,
        by=by,
        now=now,
        before={"status": before} if before else None,
        after={"status": transfer.status, "gold_grams": money.format_grams(transfer.gold)},
    )
