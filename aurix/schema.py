"""Migration operations that give a table its place in the house: tenant in its keys, row-level security, grants.

Django 5.2 cannot say these in a model, so each migration that creates a table ends with one of them, and a test walks
all models and fails for a table that has none.
"""

from pathlib import Path

from django.db.migrations import RunSQL

from aurix.databases import APP_ROLE, PLATFORM_ROLE

SELECT_INSERT = "SELECT, INSERT"
ALL_ROWS = "SELECT, INSERT, UPDATE, DELETE"


def tenant_table(table: str, *, grants: str, column: str = "tenant_id", key: bool = True) -> RunSQL:
    """Rows of ``table`` belong to the tenant in ``column``.

    The primary key becomes (tenant_id, id), so that the table can be distributed by tenant; ``key=False`` leaves it.
    ``grants`` is what the application's roles may do, such as ``"SELECT, INSERT, UPDATE (name)"``.
    """
    primary_key = f"ALTER TABLE {table} DROP CONSTRAINT {table}_pkey, ADD PRIMARY KEY ({column}, id);" if key else ""
    mine = f"{column} = nullif(current_setting('aurix.tenant_id', true), '')::uuid"
    return RunSQL(
        f"""
        {primary_key}
        ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
        ALTER TABLE {table} FORCE ROW LEVEL SECURITY;
        CREATE POLICY own_tenant ON {table} TO {APP_ROLE} USING ({mine}) WITH CHECK ({mine});
        CREATE POLICY all_tenants ON {table} TO {PLATFORM_ROLE} USING (true) WITH CHECK (true);
        GRANT {grants} ON {table} TO {APP_ROLE}, {PLATFORM_ROLE};
        """,
        RunSQL.noop,
    )


def platform_table(table: str, *, grants: str) -> RunSQL:
    """Rows of ``table`` belong to no tenant."""
    return RunSQL(
        f"""
        GRANT {grants} ON {table} TO {APP_ROLE}, {PLATFORM_ROLE};
        DO $$ DECLARE counter text := pg_get_serial_sequence('{table}', 'id'); BEGIN
            IF counter IS NOT NULL THEN
                EXECUTE format('GRANT USAGE ON SEQUENCE %s TO {APP_ROLE}, {PLATFORM_ROLE}', counter);
            END IF;
        END $$;
        """,
        RunSQL.noop,
    )


def of_tenant(table: str) -> RunSQL:
    """``tenant_id`` names a tenant that exists."""
    return RunSQL(
        f"ALTER TABLE {table} ADD CONSTRAINT {table}_tenant FOREIGN KEY (tenant_id) REFERENCES tenants_tenant (id)",
        RunSQL.noop,
    )


def sequence(name: str) -> RunSQL:
    """The application may draw from this sequence."""
    return RunSQL(f"GRANT USAGE ON SEQUENCE {name} TO {APP_ROLE}, {PLATFORM_ROLE}", RunSQL.noop)


def view(name: str) -> RunSQL:
    """The application may read this view, which shows what the reader may see (``security_invoker``)."""
    return RunSQL(f"GRANT SELECT ON {name} TO {APP_ROLE}, {PLATFORM_ROLE}", RunSQL.noop)


def sql_file(path: Path) -> RunSQL:
    """The statements of a file beside the migration. A landed file never changes: later versions are new files."""
    return RunSQL(path.read_text(encoding="utf-8"), RunSQL.noop)


def append_only(table: str) -> RunSQL:
    """No row of ``table`` is ever changed or deleted, by nobody, the owner included."""
    return RunSQL(
        f"""
        CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}
            FOR EACH STATEMENT EXECUTE FUNCTION aurix_refuse_change();
        """,
        RunSQL.noop,
    )


def tenant_reference(table: str, column: str, target: str) -> RunSQL:
    """A foreign key that cannot leave the tenant: (tenant_id, column) to (tenant_id, id) of ``target``."""
    return RunSQL(
        f"""
        ALTER TABLE {table} ADD CONSTRAINT {table}_{column}_same_tenant
            FOREIGN KEY (tenant_id, {column}) REFERENCES {target} (tenant_id, id);
        """,
        RunSQL.noop,
    )


REFUSE_CHANGE = RunSQL(
    """
    CREATE FUNCTION aurix_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION '% on % is refused: the table is append-only', TG_OP, TG_TABLE_NAME
            USING ERRCODE = 'restrict_violation';
    END $$;
    """,
    "DROP FUNCTION aurix_refuse_change()",
)
"""The function behind ``append_only``."""
