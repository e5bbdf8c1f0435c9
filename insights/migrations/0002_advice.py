from django.db import migrations, models

from aurix import schema


class Migration(migrations.Migration):
    dependencies = [
        ("insights", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="Advice",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "tenant_id",
                        "user_id",
                        "frequency",
                        "period_start",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("tenant_id", models.UUIDField()),
                ("user_id", models.UUIDField()),
                ("frequency", models.CharField(choices=[("daily", "Daily"), ("weekly", "Weekly")], max_length=6)),
                ("period_start", models.DateField()),
                ("signals_hash", models.BinaryField(help_text="SHA-256")),
                ("model", models.CharField(max_length=200)),
                ("prompt_version", models.IntegerField()),
                ("sentences", models.JSONField()),
                ("created_at", models.DateTimeField()),
            ],
            options={
                "verbose_name_plural": "advice",
            },
        ),
        migrations.CreateModel(
            name="AdviceBudget",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "tenant_id", "day", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("tenant_id", models.UUIDField()),
                ("day", models.DateField()),
                ("calls", models.IntegerField()),
            ],
        ),
        schema.tenant_table("insights_advice", grants=schema.ALL_ROWS, key=False),
        schema.tenant_table("insights_advicebudget", grants=schema.ALL_ROWS, key=False),
    ]
