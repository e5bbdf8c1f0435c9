from pathlib import Path

from django.db import migrations, models

from aurix import schema

SQL = Path(__file__).parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("wallet", "0002_history")]

    operations = [
        migrations.AddField(
            model_name="wallet",
            name="held",
            field=models.BigIntegerField(
                db_default=0, default=0, help_text="cents of cash that withdrawals under way have set aside"
            ),
        ),
        migrations.AddConstraint(
            model_name="wallet",
            constraint=models.CheckConstraint(
                condition=models.Q(("held__gte", 0), ("held__lte", models.F("cash"))), name="wallet_held_within_cash"
            ),
        ),
        schema.sql_file(SQL / "held.sql"),
    ]
