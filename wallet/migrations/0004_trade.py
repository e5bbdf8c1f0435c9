from pathlib import Path

from django.db import migrations

from aurix import schema

SQL = Path(__file__).parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("wallet", "0003_held")]

    operations = [
        schema.sql_file(SQL / "lawful.sql"),
        schema.sql_file(SQL / "trade.sql"),
    ]
