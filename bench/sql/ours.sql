-- What the application sends for a buy (wallet/locks.py, wallet/ledger.py), as its role, on its own tables with all
-- their rules: the most that PostgreSQL leaves for us. To be kept like them.
\set customer :first + random(1, :customers)
\set key random(1, 9000000000000000000)
BEGIN;
SELECT standing, wallet_id AS wallet, gold, cash, frozen_reason, price, buy_fee_rate, sell_fee_rate, min_fee_cents,
       replayed_id
  FROM wallet_desk(:tenant::uuid, (:user || :customer)::uuid, (:session || :customer)::uuid, 'buy',
                   :run || '.' || :key) \gset
WITH entry AS (
    INSERT INTO wallet_ledger (id, tenant_id, wallet_id, kind, gold_delta, cash_delta, price, reference_price, gross,
                               fee, spread, quote_id, idempotency_key, fingerprint, actor_id, request_id)
    VALUES (uuidv7(), :tenant::uuid, :wallet::uuid, 'buy', 0.01, -115, :price::numeric, :price::numeric, 65, 50, 0,
            NULL, :run || '.' || :key, sha256('bench'), (:user || :customer)::uuid, :run || '.' || :key)
    RETURNING id, tenant_id, wallet_id, number, kind, gold_delta, cash_delta, price, gross, fee, gold_after, cash_after,
              created_at
), event AS (
    INSERT INTO aurix_outbox (id, tenant_id, subject_id, type, payload, created_at)
    SELECT uuidv7(), tenant_id, wallet_id, 'wallet.' || kind, jsonb_build_object(
               'entry_id', id, 'wallet_id', wallet_id, 'number', number, 'kind', kind,
               'gold_delta_grams', gold_delta::text, 'cash_delta_cents', cash_delta, 'price_eur_per_gram', price::text,
               'gross_cents', gross, 'fee_cents', fee, 'gold_balance_grams', gold_after::text,
               'fiat_balance_cents', cash_after), created_at
      FROM entry
)
SELECT id, kind, number, gold_delta, cash_delta, price, gross, fee, gold_after, cash_after, created_at FROM entry;
COMMIT;
