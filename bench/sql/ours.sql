-- What the application sends for a buy (wallet/ledger.py), as its role, on its own tables with all their rules: the
-- most that PostgreSQL leaves for us. To be kept like it. The price and the terms are the first ones, as in the bench.
\set customer :first + random(1, :customers)
\set key random(1, 9000000000000000000)
SELECT number, gold_after, cash_after, created_at
  FROM wallet_trade(:tenant::uuid, (:user || :customer)::uuid, (:session || :customer)::uuid, 'buy', :run || '.' || :key,
                    '\x15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225'::bytea,
                    '0190163d-8694-739b-aea5-966c26f8ad90', 1, 1, gen_random_uuid(), gen_random_uuid(), 0.01, -115,
                    65.00000000, 65, 50);
