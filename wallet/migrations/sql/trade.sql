-- A whole trade in one round trip and one transaction: lock, replay, check, write, record. The caller has computed it
-- from the price and the terms that it last saw; only if they are still in force, and nothing else speaks against it,
-- is it written, and returned. Otherwise nothing happens and all is null: the caller goes to the desk, where
-- every reason has its name. Grams are numeric, money is cents.
CREATE FUNCTION wallet_trade(
    tenant uuid, owner uuid, session uuid, operation text, key text, request_print bytea, request text,
    seen_price bigint, seen_terms bigint,
    entry uuid, event uuid, by_gold numeric, by_cash bigint, at_price numeric, gross_cents bigint, fee_cents bigint,
    OUT number bigint, OUT gold_after numeric, OUT cash_after bigint, OUT created_at timestamptz
) LANGUAGE plpgsql AS $$
DECLARE
    wallet uuid;
    lawful boolean;
BEGIN
    PERFORM set_config('aurix.tenant_id', tenant::text, true);
    SELECT w.id, w.frozen_reason = '' AND w.gold + by_gold >= 0 AND w.cash - w.held + by_cash >= 0 INTO wallet, lawful
      FROM wallet_wallet w WHERE w.tenant_id = tenant AND w.user_id = owner FOR UPDATE;
    IF lawful IS NOT TRUE OR actor_standing(tenant, owner, session) <> ''
       OR EXISTS (SELECT FROM wallet_ledger e WHERE e.tenant_id = tenant AND e.wallet_id = wallet
                     AND e.kind = operation AND e.idempotency_key = key)
       OR seen_price IS DISTINCT FROM (SELECT p.id FROM wallet_goldprice p ORDER BY p.id DESC LIMIT 1)
       OR seen_terms IS DISTINCT FROM (SELECT t.version FROM tenants_terms t WHERE t.tenant_id = tenant
                                        ORDER BY t.version DESC LIMIT 1)
    THEN
        RETURN;
    END IF;
    INSERT INTO wallet_ledger AS e (
        id, tenant_id, wallet_id, kind, gold_delta, cash_delta, price, reference_price, gross, fee, spread,
        idempotency_key, fingerprint, actor_id, request_id)
    VALUES (entry, tenant, wallet, operation, by_gold, by_cash, at_price, at_price, gross_cents, fee_cents, 0,
            key, request_print, owner, request)
    RETURNING e.number, e.gold_after, e.cash_after, e.created_at INTO number, gold_after, cash_after, created_at;
    INSERT INTO aurix_outbox (id, tenant_id, subject_id, type, payload, created_at)
    VALUES (event, tenant, wallet, 'wallet.' || operation, jsonb_build_object(
        'entry_id', entry, 'wallet_id', wallet, 'number', number, 'kind', operation,
        'gold_delta_grams', by_gold::numeric(24, 8)::text, 'cash_delta_cents', by_cash,
        'price_eur_per_gram', at_price::text, 'gross_cents', gross_cents, 'fee_cents', fee_cents,
        'gold_balance_grams', gold_after::text, 'fiat_balance_cents', cash_after), created_at);
END $$;

-- As before, and now it also tells which price and which version of the terms it found, and what is held.
DROP FUNCTION wallet_desk(uuid, uuid, uuid, text, text);
CREATE FUNCTION wallet_desk(
    tenant uuid, owner uuid, session uuid, operation text, key text,
    OUT standing text, OUT wallet_id uuid, OUT gold numeric, OUT cash bigint, OUT held bigint, OUT frozen_reason text,
    OUT price_id bigint, OUT price numeric,
    OUT terms_version bigint, OUT buy_fee_rate numeric, OUT sell_fee_rate numeric, OUT min_fee_cents bigint,
    OUT replayed_id uuid
) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('aurix.tenant_id', tenant::text, true);
    SELECT w.id, w.gold, w.cash, w.held, w.frozen_reason INTO wallet_id, gold, cash, held, frozen_reason
      FROM wallet_wallet w WHERE w.tenant_id = tenant AND w.user_id = owner FOR UPDATE;
    standing := actor_standing(tenant, owner, session);
    SELECT e.id INTO replayed_id FROM wallet_ledger e
     WHERE e.tenant_id = tenant AND e.wallet_id = wallet_desk.wallet_id AND e.kind = operation
       AND e.idempotency_key = key;
    SELECT p.id, p.price INTO price_id, price FROM wallet_goldprice p ORDER BY p.id DESC LIMIT 1;
    SELECT t.version, t.buy_fee_rate, t.sell_fee_rate, t.min_fee_cents
      INTO terms_version, buy_fee_rate, sell_fee_rate, min_fee_cents
      FROM tenants_terms t WHERE t.tenant_id = tenant ORDER BY t.version DESC LIMIT 1;
END $$;
