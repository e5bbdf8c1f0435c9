"""Making the file with which a tenant's bank is told to pay: every order is in exactly one."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from aurix import audit
from aurix.actor import Actor
from aurix.ids import uuid7
from tenants import queries as tenants
from wallet import answers, locks, staff
from wallet.actions import withdrawals
from wallet.answers import Attempt, Kept
from wallet.bankfiles import pain001
from wallet.errors import NoSettlementAccount, NothingToExport
from wallet.models import BankLine, PaymentFile, Wallet, Withdrawal

MOST_ORDERS = 1000
"""In one file, and so the wallets that are locked while it is made; what is left waits for the next."""


def make(*, by: Actor, tenant_id: UUID, attempt: Attempt, now: datetime) -> Kept:
    """Put every approved withdrawal, and money to be sent back, in a new file, as the tenant's staff.

    Raises: Forbidden, NotFound, NoSettlementAccount, NothingToExport, IdempotencyKeyReused.
    """
    with staff.in_tenant(by=by, tenant_id=tenant_id, why="make a payment file"):
        if known := answers.replay(attempt, tenant_id=tenant_id):
            return known
        file = _make(by=by.user_id, tenant_id=tenant_id, now=now)
        return answers.keep(attempt, file, tenant_id=tenant_id, now=now)


def _make(*, by: UUID, tenant_id: UUID, now: datetime) -> PaymentFile:
    account = tenants.settlement_account(tenant_id)
    if account is None:
        raise NoSettlementAccount
    locks.once(tenant_id=tenant_id, subject="payment files")
    waiting = BankLine.objects.filter(tenant_id=tenant_id, status=BankLine.Status.TO_RETURN)
    lines = locks.all_locked(waiting, most=MOST_ORDERS)
    approved = _approved(tenant_id, most=MOST_ORDERS - len(lines))
    orders = [*map(_payout, approved), *map(_return, lines)]
    if not orders:
        raise NothingToExport
    file_id = uuid7()
    document = pain001.write(
        message_id=file_id.hex,
        made_at=now,
        execute_on=now.astimezone(ZoneInfo(tenants.time_zone_of(tenant_id))).date(),
        debtor=pain001.Debtor(account.holder_name, account.iban, account.bic),
        orders=orders,
    )
    file = PaymentFile(
        id=file_id,
        tenant_id=tenant_id,
        orders=len(orders),
        cents=sum(order.cents for order in orders),
        document=document,
        made_by=by,
        created_at=now,
    )
    file.save(force_insert=True)
    _export(file, approved, lines, by=by, now=now)
    return file


def _approved(tenant_id: UUID, *, most: int) -> list[Withdrawal]:
    """The oldest approved withdrawals, locked after their wallets; those of frozen wallets stay behind."""
    rows = Withdrawal.objects.filter(tenant_id=tenant_id, status=Withdrawal.Status.APPROVED)
    free = rows.filter(wallet_id__in=Wallet.objects.filter(tenant_id=tenant_id, frozen_reason="").values("id"))
    waiting = dict(free.order_by("id").values_list("id", "wallet_id")[:most])
    wallets = locks.wallets(tenant_id=tenant_id, wallet_ids=waiting.values())
    ids = [withdrawal_id for withdrawal_id, wallet_id in waiting.items() if not wallets[wallet_id].frozen_reason]
    return locks.all_locked(rows.filter(id__in=ids), most=most)


def _export(
    file: PaymentFile, approved: Sequence[Withdrawal], lines: Sequence[BankLine], *, by: UUID, now: datetime
) -> None:
    for withdrawal in approved:
        withdrawal.payment_file_id = file.id
        step = {Withdrawal.Status.APPROVED}
        withdrawals.move(withdrawal, to=Withdrawal.Status.EXPORTED, after=step, by=by, now=now)
    for line in lines:
        line.status, line.payment_file_id, line.updated_at = BankLine.Status.RETURNED, file.id, now
        line.save(update_fields=["status", "payment_file_id", "updated_at"])
    audit.record(
        action="payment_file.made",
        subject_id=file.id,
        tenant_id=file.tenant_id,
        by=by,
        now=now,
        after={"orders": file.orders, "cents": file.cents},
    )


def _payout(withdrawal: Withdrawal) -> pain001.Order:
    return pain001.Order(
        end_to_end_id=withdrawal.id.hex,
        cents=withdrawal.cents,
        name=withdrawal.holder_name,
        iban=withdrawal.iban,
        remittance=f"Payout {withdrawal.id.hex}",
    )


def _return(line: BankLine) -> pain001.Order:
    return pain001.Order(
        end_to_end_id=line.id.hex,
        cents=line.cents,
        name=line.party_name,
        iban=line.party_iban,
        remittance=f"Return of your payment of {line.booked_on.isoformat()}",
    )
