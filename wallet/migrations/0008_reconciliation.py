from django.db import migrations, models

import aurix.ids
from aurix import schema
from aurix.databases import APP_ROLE


def only_to_look_at(table: str) -> migrations.RunSQL:
    """Who can write a wallet cannot say that it was verified, nor hide what was found."""
    return migrations.RunSQL(f"REVOKE INSERT, UPDATE ON {table} FROM {APP_ROLE}", migrations.RunSQL.noop)


class Migration(migrations.Migration):
    dependencies = [
        ("wallet", "0007_leaner"),
    ]

    operations = [
        migrations.CreateModel(
            name="Reconciliation",
            fields=[
                ("id", models.UUIDField(default=aurix.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                (
                    "full",
                    models.BooleanField(
                        default=False, help_text="every entry, not only what moved since it was last verified"
                    ),
                ),
                ("only_tenant", models.UUIDField(help_text="null: all tenants", null=True)),
                ("requested_by", models.UUIDField(help_text="null for the schedule and the command line", null=True)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("queued", "Queued"),
                            ("running", "Running"),
                            ("succeeded", "Succeeded: everything agrees"),
                            ("discrepancies", "Finished: something does not agree"),
                            ("failed", "Failed before the end"),
                        ],
                        default="queued",
                        max_length=16,
                    ),
                ),
                ("tenants", models.IntegerField(default=0, help_text="done so far")),
                ("wallets", models.BigIntegerField(default=0, help_text="that were looked at")),
                ("entries", models.BigIntegerField(default=0, help_text="that were looked at")),
                ("discrepancies", models.BigIntegerField(default=0)),
                ("error", models.TextField(blank=True, default="")),
                ("created_at", models.DateTimeField()),
                ("started_at", models.DateTimeField(null=True)),
                ("finished_at", models.DateTimeField(null=True)),
            ],
            options={
                "db_table": "wallet_reconciliation",
            },
        ),
        migrations.CreateModel(
            name="VerifiedHead",
            fields=[
                ("id", models.UUIDField(editable=False, help_text="the wallet's", primary_key=True, serialize=False)),
                ("tenant_id", models.UUIDField()),
                ("number", models.BigIntegerField()),
                ("gold", models.DecimalField(decimal_places=8, help_text="grams", max_digits=24)),
                ("cash", models.BigIntegerField(help_text="cents")),
                ("hash", models.BinaryField()),
                ("verified_at", models.DateTimeField()),
            ],
            options={
                "db_table": "wallet_verified_head",
            },
        ),
        migrations.CreateModel(
            name="Discrepancy",
            fields=[
                ("id", models.UUIDField(default=aurix.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("run_id", models.UUIDField()),
                ("tenant_id", models.UUIDField()),
                ("wallet_id", models.UUIDField(help_text="null: of the tenant as a whole", null=True)),
                (
                    "number",
                    models.BigIntegerField(default=0, help_text="of the first broken entry; 0: of no single entry"),
                ),
                ("check_name", models.CharField(max_length=32)),
                ("expected", models.TextField()),
                ("found", models.TextField()),
                ("created_at", models.DateTimeField()),
            ],
            options={
                "verbose_name_plural": "discrepancies",
                "indexes": [models.Index(fields=["tenant_id", "run_id"], name="discrepancy_by_run")],
            },
        ),
        schema.platform_table("wallet_reconciliation", grants="SELECT, INSERT, UPDATE"),
        only_to_look_at("wallet_reconciliation"),
        schema.tenant_table("wallet_discrepancy", grants=schema.SELECT_INSERT),
        schema.append_only("wallet_discrepancy"),
        only_to_look_at("wallet_discrepancy"),
        schema.tenant_table("wallet_verified_head", grants="SELECT, INSERT, UPDATE"),
        only_to_look_at("wallet_verified_head"),
    ]
