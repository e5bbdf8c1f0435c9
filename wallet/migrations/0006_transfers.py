from pathlib import Path

from django.db import migrations, models

import aurix.ids
from aurix import schema

SQL = Path(__file__).parent / "sql"


class Migration(migrations.Migration):
    dependencies = [
        ("wallet", "0005_payments"),
    ]

    operations = [
        migrations.CreateModel(
            name="Reversal",
            fields=[
                ("id", models.UUIDField(default=aurix.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("tenant_id", models.UUIDField()),
                ("wallet_id", models.UUIDField()),
                ("user_id", models.UUIDField(help_text="the wallet's owner, who neither proposes nor approves it")),
                ("reversed_id", models.UUIDField(help_text="the trade's entry")),
                ("entry_id", models.UUIDField(help_text="the reversal's, once approved", null=True)),
                ("reason", models.CharField(max_length=200)),
                (
                    "status",
                    models.CharField(
                        choices=[("proposed", "Proposed"), ("approved", "Approved"), ("rejected", "Rejected")],
                        default="proposed",
                        max_length=16,
                    ),
                ),
                ("proposed_by", models.UUIDField()),
                ("decided_by", models.UUIDField(null=True)),
                ("created_at", models.DateTimeField()),
                ("updated_at", models.DateTimeField()),
            ],
            options={
                "indexes": [models.Index(fields=["tenant_id", "status", "id"], name="reversal_by_status")],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("status", "rejected"), _negated=True),
                        fields=("tenant_id", "reversed_id"),
                        name="reversal_once",
                    ),
                    models.UniqueConstraint(fields=("tenant_id", "entry_id"), name="reversal_entry"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Transfer",
            fields=[
                ("id", models.UUIDField(default=aurix.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("tenant_id", models.UUIDField()),
                ("wallet_id", models.UUIDField(help_text="the sender's")),
                ("receiver", models.BinaryField(help_text="HMAC-SHA-256 of the folded address")),
                ("receiver_wallet_id", models.UUIDField(help_text="known once it is accepted", null=True)),
                ("gold", models.DecimalField(decimal_places=8, help_text="grams", max_digits=24)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("pending", "Pending"),
                            ("accepted", "Accepted"),
                            ("cancelled", "Cancelled"),
                            ("expired", "Expired"),
                        ],
                        default="pending",
                        max_length=16,
                    ),
                ),
                (
                    "hidden",
                    models.BooleanField(
                        default=False, help_text="the receiver does not want it; the sender is not told"
                    ),
                ),
                ("expires_at", models.DateTimeField()),
                ("out_entry_id", models.UUIDField(help_text="in the sender's ledger")),
                (
                    "in_entry_id",
                    models.UUIDField(help_text="in the receiver's, or the sender's where it came back", null=True),
                ),
                ("created_at", models.DateTimeField()),
                ("updated_at", models.DateTimeField()),
            ],
            options={
                "indexes": [
                    models.Index(fields=["tenant_id", "wallet_id", "-id"], name="transfer_by_sender"),
                    models.Index(fields=["tenant_id", "receiver", "-id"], name="transfer_by_receiver"),
                    models.Index(
                        condition=models.Q(("status", "pending")),
                        fields=["tenant_id", "expires_at"],
                        name="transfer_by_expiry",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("tenant_id", "out_entry_id"), name="transfer_out_entry"),
                    models.UniqueConstraint(fields=("tenant_id", "in_entry_id"), name="transfer_in_entry"),
                    models.CheckConstraint(condition=models.Q(("gold__gt", 0)), name="transfer_positive"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("in_entry_id__isnull", True),
                                ("receiver_wallet_id__isnull", True),
                                ("status", "pending"),
                            ),
                            models.Q(
                                ("in_entry_id__isnull", False),
                                ("receiver_wallet_id__isnull", False),
                                ("status", "accepted"),
                            ),
                            models.Q(
                                ("in_entry_id__isnull", False),
                                ("receiver_wallet_id__isnull", True),
                                ("status__in", ["cancelled", "expired"]),
                            ),
                            _connector="OR",
                        ),
                        name="transfer_arrives_once",
                    ),
                ],
            },
        ),
        schema.tenant_table(
            "wallet_transfer",
            grants="SELECT, INSERT, UPDATE (status, hidden, receiver_wallet_id, in_entry_id, updated_at)",
        ),
        schema.tenant_reference("wallet_transfer", "wallet_id", "wallet_wallet"),
        schema.tenant_reference("wallet_transfer", "receiver_wallet_id", "wallet_wallet"),
        schema.tenant_reference("wallet_transfer", "out_entry_id", "wallet_ledger"),
        schema.tenant_reference("wallet_transfer", "in_entry_id", "wallet_ledger"),
        schema.tenant_table(
            "wallet_reversal", grants="SELECT, INSERT, UPDATE (status, entry_id, decided_by, updated_at)"
        ),
        schema.tenant_reference("wallet_reversal", "wallet_id", "wallet_wallet"),
        schema.tenant_reference("wallet_reversal", "reversed_id", "wallet_ledger"),
        schema.tenant_reference("wallet_reversal", "entry_id", "wallet_ledger"),
        schema.sql_file(SQL / "transfers.sql"),
    ]
