-- What the application asks for GET /wallet, as its role: standing, wallet and price in one call.
\set customer :first + random(1, :customers)
SELECT standing, wallet_id, gold, cash, held, updated_at, price
  FROM wallet_view(:tenant::uuid, (:user || :customer)::uuid, (:session || :customer)::uuid);
