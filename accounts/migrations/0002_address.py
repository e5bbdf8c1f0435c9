from pathlib import Path

from django.db import migrations

from aurix import schema

SQL = Path(__file__).parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]

    operations = [schema.sql_file(SQL / "address.sql")]
