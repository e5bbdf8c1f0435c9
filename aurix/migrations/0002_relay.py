from django.db import migrations, models

import aurix.models
from aurix import schema
from aurix.databases import APP_ROLE, PLATFORM_ROLE

# The platform's role may renumber events after a restore into another cluster (see aurix.relay.positions), and prune.
OUTBOX_GRANTS = f"""
REVOKE UPDATE, DELETE ON aurix_outbox FROM {APP_ROLE}, {PLATFORM_ROLE};
GRANT DELETE, UPDATE (transaction_id) ON aurix_outbox TO {PLATFORM_ROLE};
"""
# Serves the relay, which works across tenants. Transaction ids only grow: every insert goes to the last leaf.
OUTBOX_INDEX = "CREATE INDEX aurix_outbox_by_transaction ON aurix_outbox (transaction_id)"


def relay_only(table: str) -> migrations.RunSQL:
    """Events of all tenants pass through ``table``: no business of the role that serves requests."""
    return migrations.RunSQL(f"REVOKE ALL ON {table} FROM {APP_ROLE}", migrations.RunSQL.noop)


class Migration(migrations.Migration):
    dependencies = [("aurix", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="outboxevent",
            name="transaction_id",
            field=aurix.models.TransactionId(db_default=models.Func(function="pg_current_xact_id"), editable=False),
        ),
        migrations.RunSQL(OUTBOX_INDEX, "DROP INDEX aurix_outbox_by_transaction"),
        migrations.RunSQL(OUTBOX_GRANTS, migrations.RunSQL.noop),
        migrations.CreateModel(
            name="RelayPosition",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("target", models.CharField(max_length=64, unique=True)),
                ("done", models.TextField(default="1:1:", help_text="the default is before everything")),
                ("doing", models.TextField(blank=True, default="")),
                ("sequence", models.BigIntegerField(default=0)),
                ("published", models.BigIntegerField(default=0)),
                (
                    "cluster",
                    models.BigIntegerField(
                        help_text="system_identifier: transaction ids mean nothing in another cluster"
                    ),
                ),
                ("updated_at", models.DateTimeField()),
            ],
            options={"db_table": "aurix_relay_position"},
        ),
        migrations.CreateModel(
            name="HeldEvent",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("target", models.CharField(max_length=64)),
                ("event_id", models.UUIDField()),
                ("subject_id", models.UUIDField()),
                ("sequence", models.BigIntegerField()),
                ("envelope", models.TextField()),
                ("attempts", models.IntegerField()),
                ("dead", models.BooleanField(default=False)),
                ("retry_at", models.DateTimeField()),
                ("error", models.TextField(blank=True)),
                ("created_at", models.DateTimeField()),
            ],
            options={
                "db_table": "aurix_held_event",
                "constraints": [models.UniqueConstraint(fields=("target", "subject_id", "event_id"), name="held_once")],
            },
        ),
        schema.platform_table("aurix_relay_position", grants=schema.ALL_ROWS),
        relay_only("aurix_relay_position"),
        schema.platform_table("aurix_held_event", grants=schema.ALL_ROWS),
        relay_only("aurix_held_event"),
    ]
