-- Whether the actor is welcome, and how often the tenant's snapshots have changed so far: one round trip, before a
-- cache is asked. Whatever was cached under an earlier generation is not found any more.
CREATE FUNCTION insights_gate(tenant uuid, actor uuid, session uuid, OUT standing text, OUT generation bigint)
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('aurix.tenant_id', tenant::text, true);
    standing := actor_standing(tenant, actor, session);
    SELECT w.generation INTO generation FROM insights_watermark w WHERE w.tenant_id = tenant;
END $$;
