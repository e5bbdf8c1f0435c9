-- What the application sends for a buy (wallet/locks.py, wallet/ledger.py), as its role, on its own tables with all
-- their rules: the most that PostgreSQL leaves for us. To be kept like them: two round trips in the simple protocol.
\set customer :first + random(1, :customers)
\set key random(1, 9000000000000000000)
BEGIN\;
SELECT standing, wallet_id AS wallet, gold, cash, frozen_reason, price, buy_fee_rate, sell_fee_rate, min_fee_cents,
       replayed_id
  FROM wallet_desk(':tenant', ':user:customer', ':session:customer', 'buy', ':run.:key') \gset
SELECT id, kind, number, gold_delta, cash_delta, price, gross, fee, gold_after, cash_after, created_at
  FROM wallet_post(':tenant'::uuid, ':wallet'::uuid, gen_random_uuid(), gen_random_uuid(), 'buy', 0.01, -115, :price,
                   65, 50, ':run.:key', '\x15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225',
                   ':user:customer'::uuid, '0190163d-8694-739b-aea5-966c26f8ad90')\;
COMMIT;
