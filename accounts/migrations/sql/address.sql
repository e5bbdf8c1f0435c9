-- For apps below, which know no users: under which folded email address a person is known, and since when; null for a
-- closed account. The transaction must be in the tenant's scope.
CREATE FUNCTION actor_address(tenant uuid, actor uuid, OUT email text, OUT since timestamptz)
LANGUAGE sql STABLE AS $$
    SELECT u.email_folded, u.created_at FROM accounts_user u
     WHERE u.tenant_id = tenant AND u.id = actor AND u.closed_at IS NULL
$$;
