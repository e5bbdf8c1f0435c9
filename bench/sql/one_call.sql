-- A trade as one function call, which is its own transaction.
\set customer :first + random(1, :customers)
\set key random(1, 9000000000000000000)
SELECT bench.trade(:tenant::uuid, (:user || :customer)::uuid, :run || '.' || :key);
