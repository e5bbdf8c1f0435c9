from django.db import migrations

# The relay holds this lock exclusively while it sleeps (see aurix.relay.bell). Who cannot share it wakes it with the
# commit; who can shares it to its end, so that the relay cannot fall asleep over what is not committed yet. Tried in
# the WHEN, a trade that need not ring calls no function of ours.
RING = """
CREATE FUNCTION aurix_outbox_ring() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('aurix_outbox', '');
    RETURN NULL;
END $$;
CREATE TRIGGER ring BEFORE INSERT ON aurix_outbox FOR EACH STATEMENT
    WHEN (NOT pg_try_advisory_xact_lock_shared(7235111, 1)) EXECUTE FUNCTION aurix_outbox_ring();
"""
SILENCE = "DROP TRIGGER ring ON aurix_outbox; DROP FUNCTION aurix_outbox_ring()"


class Migration(migrations.Migration):
    dependencies = [("aurix", "0003_jobs")]

    operations = [migrations.RunSQL(RING, SILENCE)]
