"""What of each model is about a person, and what becomes of it. The only list: exports and erasures are made from it.

Whoever adds a model or a field adds it here, in one line; ``tests/test_classification.py`` fails until then, and says
the line. Field names are columns (``attname``), separated by spaces:

* ``kept``: about the person, exported, and kept after an erasure, because the law wants it (bookkeeping: ledger,
  payments, audit) and it names nobody but by the id of an account whose address is gone;
* ``erased``: about the person, exported (secrets, which become ``unusable``, are not), and overwritten by an erasure;
* ``withheld``: never exported, because showing it would harm the person or the system: hashes and secrets;
* ``other``: not about a person: keys, references, who of the staff decided.
"""

from dataclasses import dataclass, field
from typing import Literal

How = Literal["pseudonym", "no_iban", "empty", "unusable"]
"""``pseudonym``: a value made of the row's id, so that unique keys hold; ``no_iban``: the same in the form
of an IBAN, of no country; ``unusable``: no password fits it."""


@dataclass(frozen=True, slots=True)
class Table:
    """``of``: the columns of which any names the person, through ``user_id``, their wallet or their sessions; empty
    where rows belong to nobody. ``order``: a column that numbers a person's rows; empty: there are few, read at once.
    ``removed``: an erasure deletes the rows."""

    of: str = ""
    kept: str = ""
    erased: dict[str, How] = field(default_factory=dict)
    withheld: str = ""
    other: str = ""
    order: str = "id"
    removed: bool = False

    @property
    def exported(self) -> list[str]:
        """The columns that their person gets to see."""
        return [*self.kept.split(), *(name for name, how in self.erased.items() if how != "unusable")]

    @property
    def declared(self) -> list[str]:
        """All columns."""
        return [*self.kept.split(), *self.erased, *self.withheld.split(), *self.other.split()]


_BEAT = "django_celery_beat"

TABLES: dict[str, Table] = {
    "accounts.User": Table(
        of="id",
        kept="id role created_at closed_at password_changed_at",
        erased={"email": "pseudonym", "email_folded": "pseudonym", "password": "unusable"},
        other="tenant_id",
    ),
    "accounts.Session": Table(
        of="user_id", kept="id created_at expires_at ended_at end_reason", other="tenant_id user_id"
    ),
    "accounts.RefreshToken": Table(
        of="session_id", kept="id session_id issued_at expires_at used_at", withheld="token_hash", other="tenant_id"
    ),
    "wallet.Wallet": Table(
        of="user_id",
        kept="id gold cash held number frozen_reason created_at updated_at",
        other="tenant_id user_id hash",
    ),
    "wallet.LedgerEntry": Table(
        of="wallet_id",
        order="number",
        kept="id number kind gold_delta cash_delta price reference_price gross fee spread gold_after cash_after "
        "quote_id idempotency_key actor_id request_id created_at hash",
        withheld="fingerprint",
        other="tenant_id wallet_id previous_hash",
    ),
    "wallet.BankAccount": Table(
        of="wallet_id",
        kept="id created_at removed_at",
        erased={"iban": "no_iban", "holder_name": "empty"},
        other="tenant_id wallet_id",
    ),
    "wallet.Deposit": Table(
        of="wallet_id",
        kept="id reference cents status received_cents note entry_id created_at updated_at",
        other="tenant_id wallet_id recorded_by",
    ),
    # Name and account of a payment that was ordered are part of the books, like the file it went to the bank in.
    "wallet.Withdrawal": Table(
        of="user_id",
        kept="id bank_account_id iban holder_name cents status reason entry_id return_entry_id created_at updated_at",
        other="tenant_id wallet_id user_id approvals_needed first_approved_by approved_by payment_file_id",
    ),
    # The tenant's own bank statement; what of it is a customer's came as that customer's deposit or withdrawal.
    "wallet.BankLine": Table(
        other="id tenant_id identity booked_on cents currency end_to_end_id bank_reference remittance party_name "
        "party_iban status deposit_id withdrawal_id payment_file_id reason decided_by created_at updated_at"
    ),
    "wallet.PaymentFile": Table(other="id tenant_id orders cents document made_by created_at"),
    "wallet.Answer": Table(
        of="user_id",
        kept="id operation idempotency_key body created_at",
        withheld="fingerprint",
        other="tenant_id user_id",
    ),
    "wallet.Transfer": Table(
        of="wallet_id receiver_wallet_id",
        kept="id gold status expires_at out_entry_id in_entry_id created_at updated_at",
        withheld="receiver wallet_id receiver_wallet_id hidden",
        other="tenant_id",
    ),
    "wallet.Reversal": Table(
        of="user_id",
        kept="id reversed_id entry_id reason status created_at updated_at",
        other="tenant_id wallet_id user_id proposed_by decided_by",
    ),
    "insights.Snapshot": Table(
        of="user_id",
        order="",
        removed=True,
        kept="frequency period_start buy_count sell_count bought sold bought_value sold_value gross fees holding "
        "moved_on traded_on buy_prices generated_at",
        other="tenant_id user_id",
    ),
    "privacy.Export": Table(
        of="user_id",
        kept="id status entries created_at finished_at expires_at revoked_at",
        other="tenant_id user_id",
    ),
    "privacy.ErasureRequest": Table(
        of="user_id",
        kept="id status created_at closed_at erase_after due_at hold_reason paid_out_at erased_at certificate",
        other="tenant_id user_id paid_out_by",
    ),
    "privacy.Policy": Table(other="tenant_id asks_password refuses_balance cooling_off_days"),
    # Before and after hold settings and ids, of staff's acts on others too.
    "aurix.AuditEvent": Table(
        of="actor_id",
        kept="id action subject_id request_id created_at",
        other="tenant_id actor_id before after",
    ),
    # On its way out for some days: ids and amounts that are exported from where they come.
    "aurix.OutboxEvent": Table(other="id tenant_id sequence subject_id type payload created_at transaction_id"),
    "aurix.HeldEvent": Table(
        other="id target event_id subject_id sequence envelope attempts dead retry_at error created_at"
    ),
    "aurix.WebhookEndpoint": Table(
        other="id tenant_id url types secret previous_secret previous_until failures retry_at succeeded_at disabled_at "
        "disabled_reason replay_from replay_after created_at"
    ),
    "aurix.WebhookDelivery": Table(
        other="id tenant_id endpoint_id event_id subject_id sequence type envelope attempts dead failing_since "
        "retry_at delivered_at status error created_at"
    ),
    "aurix.Job": Table(other="name succeeded failed last_success_at last_failure_at last_error", order=""),
    "aurix.RelayPosition": Table(other="id target done doing sequence published cluster updated_at"),
    "tenants.Tenant": Table(other="id code name status time_zone created_at"),
    "tenants.Terms": Table(
        other="id tenant_id version buy_fee_rate sell_fee_rate min_fee_cents set_by created_at",
    ),
    "tenants.SettlementAccount": Table(other="id tenant_id version holder_name iban bic set_by created_at"),
    # What the books' own checks have seen: derived from the ledger, made anew by each run.
    "wallet.Reconciliation": Table(
        other="id full only_tenant requested_by status tenants wallets entries discrepancies error "
        "created_at started_at finished_at"
    ),
    "wallet.Discrepancy": Table(other="id tenant_id run_id wallet_id number check_name expected found created_at"),
    "wallet.VerifiedHead": Table(other="id tenant_id number gold cash hash verified_at"),
    "wallet.GoldPrice": Table(other="id price source set_by created_at"),
    "insights.Advice": Table(
        of="user_id",
        order="",
        removed=True,
        kept="frequency period_start sentences model created_at",
        other="tenant_id user_id signals_hash prompt_version",
    ),
    "insights.AdviceBudget": Table(other="tenant_id day calls", order=""),
    "insights.Watermark": Table(other="tenant_id time_zone covered_from covered_to price_id generation"),
    "insights.Progress": Table(other="tenant_id wallet_id number week_number week_start"),
    "insights.Period": Table(
        other="tenant_id period_start frequency period_end as_of price_count reference_price lowest_price "
        "highest_price volatility generated_at"
    ),
    "insights.EtlRun": Table(other="id trigger rebuild requested_by tenants created_at"),
    "insights.EtlPart": Table(other="tenant_id run_id status wallets entries snapshots started_at finished_at error"),
    # Django's and Celery's own. The back-office writes no log entries; its sessions hold the id of a member of staff.
    "admin.LogEntry": Table(
        other="id action_time user_id content_type_id object_id object_repr action_flag change_message"
    ),
    "sessions.Session": Table(other="session_key session_data expire_date"),
    "auth.Permission": Table(other="id name content_type_id codename"),
    "auth.Group": Table(other="id name"),
    "auth.Group_permissions": Table(other="id group_id permission_id"),
    "contenttypes.ContentType": Table(other="id app_label model"),
    f"{_BEAT}.SolarSchedule": Table(other="id event latitude longitude"),
    f"{_BEAT}.IntervalSchedule": Table(other="id every period"),
    f"{_BEAT}.ClockedSchedule": Table(other="id clocked_time"),
    f"{_BEAT}.CrontabSchedule": Table(
        other="id minute hour day_of_month month_of_year day_of_week timezone",
    ),
    f"{_BEAT}.PeriodicTasks": Table(other="ident last_update"),
    f"{_BEAT}.PeriodicTask": Table(
        other="id name task interval_id crontab_id solar_id clocked_id args kwargs queue exchange routing_key headers "
        "priority expires expire_seconds one_off start_time enabled last_run_at total_run_count date_changed "
        "description"
    ),
}

PERSONAL = {label: table for label, table in TABLES.items() if table.of}
"""The tables whose rows belong to persons."""
