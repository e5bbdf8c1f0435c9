-- One round trip to the trading desk: who asks, on which terms, at which price, with what, and whether it was done
-- before. The wallet is locked first; every statement after that sees what was committed up to then, so that a trade
-- which waited for another one sees its entry. Grams are numeric, money is cents.
CREATE FUNCTION wallet_desk(
    tenant uuid, owner uuid, session uuid, operation text, key text,
    OUT standing text, OUT wallet_id uuid, OUT gold numeric, OUT cash bigint, OUT frozen_reason text,
    OUT price numeric, OUT buy_fee_rate numeric, OUT sell_fee_rate numeric, OUT min_fee_cents bigint,
    OUT replayed_id uuid
) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('aurix.tenant_id', tenant::text, true);
    SELECT w.id, w.gold, w.cash, w.frozen_reason INTO wallet_id, gold, cash, frozen_reason
      FROM wallet_wallet w WHERE w.tenant_id = tenant AND w.user_id = owner FOR UPDATE;
    standing := actor_standing(tenant, owner, session);
    SELECT e.id INTO replayed_id FROM wallet_ledger e
     WHERE e.tenant_id = tenant AND e.wallet_id = wallet_desk.wallet_id AND e.kind = operation
       AND e.idempotency_key = key;
    SELECT p.price INTO price FROM wallet_goldprice p ORDER BY p.id DESC LIMIT 1;
    SELECT t.buy_fee_rate, t.sell_fee_rate, t.min_fee_cents INTO buy_fee_rate, sell_fee_rate, min_fee_cents
      FROM tenants_terms t WHERE t.tenant_id = tenant ORDER BY t.version DESC LIMIT 1;
END $$;
