from pathlib import Path

from django.db import migrations, models

import aurix.ids
from aurix import schema

SQL = Path(__file__).parent / "sql"


class Migration(migrations.Migration):
    dependencies = [
        ("wallet", "0004_trade"),
    ]

    operations = [
        migrations.CreateModel(
            name="Answer",
            fields=[
                ("id", models.UUIDField(default=aurix.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("tenant_id", models.UUIDField()),
                ("user_id", models.UUIDField()),
                ("operation", models.CharField(max_length=32)),
                ("idempotency_key", models.CharField(max_length=128)),
                ("fingerprint", models.BinaryField(help_text="SHA-256 of the request as the client sent it")),
                ("body", models.TextField(help_text="JSON")),
                ("created_at", models.DateTimeField()),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("tenant_id", "user_id", "operation", "idempotency_key"), name="answer_idempotency_key"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="BankAccount",
            fields=[
                ("id", models.UUIDField(default=aurix.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("tenant_id", models.UUIDField()),
                ("wallet_id", models.UUIDField()),
                ("iban", models.CharField(help_text="without spaces, upper case", max_length=34)),
                ("holder_name", models.CharField(max_length=70)),
                ("created_at", models.DateTimeField()),
                ("removed_at", models.DateTimeField(null=True)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("removed_at__isnull", True)),
                        fields=("tenant_id", "wallet_id", "iban"),
                        name="bank_account_registered_once",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="BankLine",
            fields=[
                ("id", models.UUIDField(default=aurix.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("tenant_id", models.UUIDField()),
                (
                    "identity",
                    models.BinaryField(help_text="SHA-256 of what tells it from every other line of the account"),
                ),
                ("booked_on", models.DateField()),
                (
                    "cents",
                    models.BigIntegerField(help_text="in hundredths of the currency; negative: out of the account"),
                ),
                ("currency", models.CharField(max_length=3)),
                ("end_to_end_id", models.CharField(blank=True, default="", max_length=35)),
                ("bank_reference", models.CharField(blank=True, default="", max_length=140)),
                (
                    "remittance",
                    models.CharField(blank=True, default="", help_text="what the payer wrote", max_length=500),
                ),
                ("party_name", models.CharField(blank=True, default="", max_length=140)),
                ("party_iban", models.CharField(blank=True, default="", max_length=34)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("unmatched", "Unmatched"),
                            ("matched", "Matched"),
                            ("to_return", "To Return"),
                            ("returned", "Returned"),
                            ("dismissed", "Dismissed"),
                        ],
                        default="unmatched",
                        max_length=16,
                    ),
                ),
                ("deposit_id", models.UUIDField(null=True)),
                ("withdrawal_id", models.UUIDField(null=True)),
                ("payment_file_id", models.UUIDField(help_text="in which it is sent back", null=True)),
                ("reason", models.CharField(blank=True, default="", help_text="why it was dismissed", max_length=200)),
                ("decided_by", models.UUIDField(help_text="staff; null where the import matched it", null=True)),
                ("created_at", models.DateTimeField()),
                ("updated_at", models.DateTimeField()),
            ],
            options={
                "indexes": [
                    models.Index(fields=["tenant_id", "status", "id"], name="bank_line_by_status"),
                    models.Index(fields=["tenant_id", "payment_file_id"], name="bank_line_by_file"),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("tenant_id", "identity"), name="bank_line_once"),
                    models.UniqueConstraint(fields=("tenant_id", "deposit_id"), name="bank_line_deposit"),
                    models.CheckConstraint(condition=models.Q(("cents", 0), _negated=True), name="bank_line_not_zero"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Deposit",
            fields=[
                ("id", models.UUIDField(default=aurix.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("tenant_id", models.UUIDField()),
                ("wallet_id", models.UUIDField()),
                (
                    "reference",
                    models.CharField(help_text="ISO 11649, to be given with the bank transfer", max_length=25),
                ),
                ("cents", models.BigIntegerField(help_text="as announced, or as recorded by staff")),
                (
                    "status",
                    models.CharField(
                        choices=[("announced", "Announced"), ("received", "Received"), ("cancelled", "Cancelled")],
                        default="announced",
                        max_length=16,
                    ),
                ),
                (
                    "received_cents",
                    models.BigIntegerField(help_text="what has come; may differ where staff matched it", null=True),
                ),
                ("note", models.CharField(blank=True, default="", help_text="of the staff", max_length=200)),
                (
                    "recorded_by",
                    models.UUIDField(help_text="staff; null for the customer and for bank statements", null=True),
                ),
                ("entry_id", models.UUIDField(help_text="in the ledger", null=True)),
                ("created_at", models.DateTimeField()),
                ("updated_at", models.DateTimeField()),
            ],
            options={
                "indexes": [
                    models.Index(fields=["tenant_id", "wallet_id", "-id"], name="deposit_by_wallet"),
                    models.Index(fields=["tenant_id", "status", "id"], name="deposit_by_status"),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("tenant_id", "reference"), name="deposit_reference"),
                    models.UniqueConstraint(fields=("tenant_id", "entry_id"), name="deposit_entry"),
                    models.CheckConstraint(condition=models.Q(("cents__gt", 0)), name="deposit_positive"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("entry_id__isnull", False), ("received_cents__gt", 0), ("status", "received")),
                            models.Q(
                                ("entry_id__isnull", True),
                                ("received_cents__isnull", True),
                                ("status__in", ["announced", "cancelled"]),
                            ),
                            _connector="OR",
                        ),
                        name="deposit_received_is_booked",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="PaymentFile",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=aurix.ids.uuid7,
                        editable=False,
                        help_text="without hyphens the MsgId",
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("tenant_id", models.UUIDField()),
                ("orders", models.BigIntegerField(help_text="how many it holds")),
                ("cents", models.BigIntegerField(help_text="their sum")),
                ("document", models.TextField(help_text="XML")),
                ("made_by", models.UUIDField()),
                ("created_at", models.DateTimeField()),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("cents__gt", 0), ("orders__gt", 0)), name="payment_file_not_empty"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Withdrawal",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=aurix.ids.uuid7,
                        editable=False,
                        help_text="without hyphens the EndToEndId",
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("tenant_id", models.UUIDField()),
                ("wallet_id", models.UUIDField()),
                ("user_id", models.UUIDField(help_text="the wallet's owner, who cannot approve it")),
                ("bank_account_id", models.UUIDField()),
                ("iban", models.CharField(max_length=34)),
                ("holder_name", models.CharField(max_length=70)),
                ("cents", models.BigIntegerField()),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("requested", "Requested"),
                            ("approved", "Approved"),
                            ("rejected", "Rejected"),
                            ("cancelled", "Cancelled"),
                            ("exported", "Exported"),
                            ("settled", "Settled"),
                            ("returned", "Returned"),
                        ],
                        default="requested",
                        max_length=16,
                    ),
                ),
                (
                    "approvals_needed",
                    models.BigIntegerField(default=1, help_text="1 or 2, by the tenant's terms at the request"),
                ),
                ("first_approved_by", models.UUIDField(help_text="where two are needed", null=True)),
                ("approved_by", models.UUIDField(null=True)),
                (
                    "reason",
                    models.CharField(blank=True, default="", help_text="of a rejection or return", max_length=200),
                ),
                ("payment_file_id", models.UUIDField(null=True)),
                ("entry_id", models.UUIDField(help_text="in the ledger, once settled", null=True)),
                (
                    "return_entry_id",
                    models.UUIDField(help_text="in the ledger, where it came back after it was settled", null=True),
                ),
                ("created_at", models.DateTimeField()),
                ("updated_at", models.DateTimeField()),
            ],
            options={
                "indexes": [
                    models.Index(fields=["tenant_id", "wallet_id", "-id"], name="withdrawal_by_wallet"),
                    models.Index(fields=["tenant_id", "status", "id"], name="withdrawal_by_status"),
                    models.Index(fields=["tenant_id", "payment_file_id"], name="withdrawal_by_file"),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("tenant_id", "entry_id"), name="withdrawal_entry"),
                    models.UniqueConstraint(fields=("tenant_id", "return_entry_id"), name="withdrawal_return_entry"),
                    models.CheckConstraint(condition=models.Q(("cents__gt", 0)), name="withdrawal_positive"),
                    models.CheckConstraint(
                        condition=models.Q(("approvals_needed__in", [1, 2])), name="withdrawal_approvals"
                    ),
                ],
            },
        ),
        schema.tenant_table("wallet_bankaccount", grants="SELECT, INSERT, UPDATE (removed_at)"),
        schema.tenant_reference("wallet_bankaccount", "wallet_id", "wallet_wallet"),
        schema.tenant_table(
            "wallet_deposit",
            grants="SELECT, INSERT, UPDATE (status, received_cents, note, recorded_by, entry_id, updated_at)",
        ),
        schema.tenant_reference("wallet_deposit", "wallet_id", "wallet_wallet"),
        schema.tenant_reference("wallet_deposit", "entry_id", "wallet_ledger"),
        schema.tenant_table("wallet_paymentfile", grants=schema.SELECT_INSERT),
        schema.of_tenant("wallet_paymentfile"),
        schema.append_only("wallet_paymentfile"),
        schema.tenant_table(
            "wallet_withdrawal",
            grants="SELECT, INSERT, UPDATE (status, first_approved_by, approved_by, reason, payment_file_id, entry_id, "
            "return_entry_id, updated_at)",
        ),
        schema.tenant_reference("wallet_withdrawal", "wallet_id", "wallet_wallet"),
        schema.tenant_reference("wallet_withdrawal", "bank_account_id", "wallet_bankaccount"),
        schema.tenant_reference("wallet_withdrawal", "payment_file_id", "wallet_paymentfile"),
        schema.tenant_reference("wallet_withdrawal", "entry_id", "wallet_ledger"),
        schema.tenant_reference("wallet_withdrawal", "return_entry_id", "wallet_ledger"),
        schema.tenant_table(
            "wallet_bankline",
            grants="SELECT, INSERT, "
            "UPDATE (status, deposit_id, withdrawal_id, payment_file_id, reason, decided_by, updated_at)",
        ),
        schema.of_tenant("wallet_bankline"),
        schema.tenant_reference("wallet_bankline", "deposit_id", "wallet_deposit"),
        schema.tenant_reference("wallet_bankline", "withdrawal_id", "wallet_withdrawal"),
        schema.tenant_reference("wallet_bankline", "payment_file_id", "wallet_paymentfile"),
        schema.tenant_table("wallet_answer", grants=schema.SELECT_INSERT),
        schema.of_tenant("wallet_answer"),
        schema.append_only("wallet_answer"),
        schema.sql_file(SQL / "payments.sql"),
    ]
