-- What apps above may read of wallets, ledger and prices in SQL of their own; tenant by tenant, as the reader may.

CREATE VIEW wallet_heads WITH (security_invoker = true) AS
SELECT tenant_id, id AS wallet_id, user_id, number FROM wallet_wallet;

-- Entries that moved gold; grams, euros per gram, cents.
CREATE VIEW wallet_gold_moves WITH (security_invoker = true) AS
SELECT tenant_id, wallet_id, number, kind, gold_delta, price, reference_price, gross, fee, gold_after, created_at
  FROM wallet_ledger
 WHERE gold_delta <> 0;

CREATE VIEW wallet_prices WITH (security_invoker = true) AS
SELECT id, price, created_at FROM wallet_goldprice;
