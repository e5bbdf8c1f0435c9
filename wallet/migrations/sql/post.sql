-- Append an entry and its event: one call, so that both are planned once for a connection and not once for a trade.
-- The table's triggers number, date, balance and hash the entry and move the wallet. Grams are numeric, money is cents.
CREATE FUNCTION wallet_post(
    tenant uuid, wallet uuid, entry uuid, event uuid, what text, gold numeric, cash bigint, at_price numeric,
    gross_cents bigint, fee_cents bigint, key text, request_print bytea, actor uuid, request text,
    OUT id uuid, OUT kind text, OUT number bigint, OUT gold_delta numeric, OUT cash_delta bigint, OUT price numeric,
    OUT gross bigint, OUT fee bigint, OUT gold_after numeric, OUT cash_after bigint, OUT created_at timestamptz
) LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO wallet_ledger AS e (
        id, tenant_id, wallet_id, kind, gold_delta, cash_delta, price, reference_price, gross, fee, spread,
        idempotency_key, fingerprint, actor_id, request_id)
    VALUES (entry, tenant, wallet, what, gold, cash, at_price, at_price, gross_cents, fee_cents, 0,
            key, request_print, actor, request)
    RETURNING e.id, e.kind, e.number, e.gold_delta, e.cash_delta, e.price, e.gross, e.fee, e.gold_after, e.cash_after,
              e.created_at
         INTO id, kind, number, gold_delta, cash_delta, price, gross, fee, gold_after, cash_after, created_at;
    INSERT INTO aurix_outbox (id, tenant_id, subject_id, type, payload, created_at)
    VALUES (event, tenant, wallet, 'wallet.' || kind, jsonb_build_object(
        'entry_id', id, 'wallet_id', wallet, 'number', number, 'kind', kind,
        'gold_delta_grams', gold_delta::text, 'cash_delta_cents', cash_delta, 'price_eur_per_gram', price::text,
        'gross_cents', gross, 'fee_cents', fee, 'gold_balance_grams', gold_after::text,
        'fiat_balance_cents', cash_after), created_at);
END $$;
