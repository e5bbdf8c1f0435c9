-- A wallet by its key.
\set customer :first + random(1, :customers)
SELECT id, gold, cash, updated_at FROM bench.wallet
 WHERE tenant_id = :tenant::uuid AND user_id = (:user || :customer)::uuid;
