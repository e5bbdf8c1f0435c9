-- What pgbench writes to: the columns and indexes of our tables without anything of ours, neither triggers, checks and
-- hashes nor row-level security. A trade is one function call, or five statements (statements.sql).

DROP SCHEMA IF EXISTS bench CASCADE;
CREATE SCHEMA bench;

CREATE TABLE bench.wallet (LIKE public.wallet_wallet INCLUDING DEFAULTS INCLUDING INDEXES) WITH (fillfactor = 70);
CREATE TABLE bench.ledger (LIKE public.wallet_ledger INCLUDING DEFAULTS INCLUDING INDEXES);
CREATE TABLE bench.outbox (LIKE public.aurix_outbox INCLUDING DEFAULTS INCLUDING INDEXES);
INSERT INTO bench.wallet SELECT * FROM public.wallet_wallet;
INSERT INTO bench.ledger SELECT * FROM public.wallet_ledger;

CREATE FUNCTION bench.trade(tenant uuid, owner uuid, key text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    head bench.wallet;
    entry_id uuid := uuidv7();
BEGIN
    SELECT * INTO head FROM bench.wallet w WHERE w.tenant_id = tenant AND w.user_id = owner FOR UPDATE;
    PERFORM 1 FROM bench.ledger e
      WHERE e.tenant_id = tenant AND e.wallet_id = head.id AND e.kind = 'buy' AND e.idempotency_key = key;
    IF FOUND THEN
        RETURN 0;
    END IF;
    UPDATE bench.wallet w
       SET gold = head.gold + 0.01, cash = head.cash - 115, number = head.number + 1, updated_at = now()
     WHERE w.tenant_id = tenant AND w.id = head.id;
    INSERT INTO bench.ledger (id, tenant_id, wallet_id, number, kind, gold_delta, cash_delta, price, reference_price,
                              gross, fee, spread, gold_after, cash_after, idempotency_key, fingerprint, actor_id,
                              request_id, created_at, previous_hash, hash)
    VALUES (entry_id, tenant, head.id, head.number + 1, 'buy', 0.01, -115, 65, 65, 65, 50, 0, head.gold + 0.01,
            head.cash - 115, key, head.hash, owner, key, now(), head.hash, head.hash);
    INSERT INTO bench.outbox (id, tenant_id, subject_id, type, payload, created_at)
    VALUES (uuidv7(), tenant, head.id, 'wallet.buy', jsonb_build_object(
                'entry_id', entry_id, 'wallet_id', head.id, 'number', head.number + 1, 'kind', 'buy',
                'gold_delta_grams', '0.01000000', 'cash_delta_cents', -115, 'price_eur_per_gram', '65.00000000',
                'gross_cents', 65, 'fee_cents', 50, 'gold_balance_grams', (head.gold + 0.01)::text,
                'fiat_balance_cents', head.cash - 115), now());
    RETURN head.number + 1;
END $$;
