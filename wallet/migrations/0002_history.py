from pathlib import Path

from django.db import migrations

from aurix import schema

SQL = Path(__file__).parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("wallet", "0001_initial")]

    operations = [
        schema.sql_file(SQL / "history.sql"),
        schema.view("wallet_heads"),
        schema.view("wallet_gold_moves"),
        schema.view("wallet_prices"),
    ]
