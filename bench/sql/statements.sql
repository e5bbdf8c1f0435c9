-- The same trade as five statements in a transaction: lock, replay, move, append, tell.
\set customer :first + random(1, :customers)
\set key random(1, 9000000000000000000)
BEGIN;
SELECT id AS wallet, gold, cash, number FROM bench.wallet
 WHERE tenant_id = :tenant::uuid AND user_id = (:user || :customer)::uuid FOR UPDATE \gset
SELECT count(*) AS replayed FROM bench.ledger
 WHERE tenant_id = :tenant::uuid AND wallet_id = :wallet::uuid AND kind = 'buy'
   AND idempotency_key = :run || '.' || :key \gset
UPDATE bench.wallet
   SET gold = :gold::numeric + 0.01, cash = :cash::bigint - 115, number = :number::bigint + 1, updated_at = now()
 WHERE tenant_id = :tenant::uuid AND id = :wallet::uuid;
INSERT INTO bench.ledger (id, tenant_id, wallet_id, number, kind, gold_delta, cash_delta, price, reference_price,
                          gross, fee, spread, gold_after, cash_after, idempotency_key, fingerprint, actor_id,
                          request_id, created_at, previous_hash, hash)
VALUES (uuidv7(), :tenant::uuid, :wallet::uuid, :number::bigint + 1, 'buy', 0.01, -115, 65, 65,
        65, 50, 0, :gold::numeric + 0.01, :cash::bigint - 115, :run || '.' || :key, sha256('bench'), :wallet::uuid,
        :run || '.' || :key, now(), sha256('bench'), sha256('bench'));
INSERT INTO bench.outbox (id, tenant_id, subject_id, type, payload, created_at)
VALUES (uuidv7(), :tenant::uuid, :wallet::uuid, 'wallet.buy', jsonb_build_object(
            'entry_id', :wallet::uuid, 'wallet_id', :wallet::uuid, 'number', :number::bigint + 1, 'kind', 'buy',
            'gold_delta_grams', '0.01000000', 'cash_delta_cents', -115, 'price_eur_per_gram', '65.00000000',
            'gross_cents', 65, 'fee_cents', 50, 'gold_balance_grams', (:gold::numeric + 0.01)::text,
            'fiat_balance_cents', :cash::bigint - 115), now());
COMMIT;
