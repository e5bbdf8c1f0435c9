-- Whether a token's bearer is still welcome: empty text, or the contract's error code. Asked inside every protected
-- query, so that a logout, a closed account or a deactivated tenant counts at once and needs no cache. A null session
-- is a person in the back-office, whose session Django keeps. The transaction must be in the tenant's scope, or in the
-- platform's.
CREATE FUNCTION actor_standing(tenant uuid, actor uuid, session uuid) RETURNS text
LANGUAGE plpgsql STABLE AS $$
DECLARE
    tenant_status text;
    closed timestamptz;
    ended boolean;
BEGIN
    SELECT t.status, u.closed_at, session IS NOT NULL AND (s.id IS NULL OR s.ended_at IS NOT NULL)
      INTO tenant_status, closed, ended
      FROM accounts_user u
      JOIN tenants_tenant t ON t.id = u.tenant_id
      LEFT JOIN accounts_session s ON s.tenant_id = u.tenant_id AND s.id = session AND s.user_id = u.id
     WHERE u.tenant_id = tenant AND u.id = actor;
    RETURN CASE WHEN NOT FOUND THEN 'unauthorized'
                WHEN tenant_status <> 'active' THEN 'tenant_inactive'
                WHEN closed IS NOT NULL THEN 'account_disabled'
                WHEN ended THEN 'token_revoked'
                ELSE '' END;
END $$;

-- The role that a user has now, whatever a token says; null when there is no such user, or the account is closed.
-- The transaction must be in the tenant's scope, or in the platform's.
CREATE FUNCTION actor_role(tenant uuid, actor uuid) RETURNS text
LANGUAGE sql STABLE AS $$
    SELECT u.role FROM accounts_user u WHERE u.tenant_id = tenant AND u.id = actor AND u.closed_at IS NULL
$$;

-- The same two answers for a statement that is its own transaction: one round trip, no BEGIN. What it sets ends
-- with the statement.
CREATE FUNCTION actor_access(tenant uuid, actor uuid, session uuid, OUT standing text, OUT role text)
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('aurix.tenant_id', tenant::text, true);
    standing := actor_standing(tenant, actor, session);
    role := actor_role(tenant, actor);
END $$;
