-- The two reads that customers do most, each in one round trip: tenant, standing and rows in one statement.
CREATE FUNCTION wallet_view(
    tenant uuid, owner uuid, session uuid,
    OUT standing text, OUT wallet_id uuid, OUT gold numeric, OUT cash bigint, OUT updated_at timestamptz,
    OUT price numeric
) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('aurix.tenant_id', tenant::text, true);
    standing := actor_standing(tenant, owner, session);
    SELECT w.id, w.gold, w.cash, w.updated_at INTO wallet_id, gold, cash, updated_at
      FROM wallet_wallet w WHERE w.tenant_id = tenant AND w.user_id = owner;
    SELECT p.price INTO price FROM wallet_goldprice p ORDER BY p.id DESC LIMIT 1;
END $$;

-- Entries of the owner's wallet, newest first, below number ``before``. Without a ``wanted`` kind the opening entry is
-- left out. One row with only a standing when the actor is not welcome.
CREATE FUNCTION wallet_page(
    tenant uuid, owner uuid, session uuid, before bigint, most integer,
    wanted text, since timestamptz, until timestamptz
) RETURNS TABLE (
    standing text, id uuid, kind text, number bigint, gold_delta numeric, cash_delta bigint, price numeric,
    gross bigint, fee bigint, gold_after numeric, cash_after bigint, created_at timestamptz
) LANGUAGE plpgsql AS $$
DECLARE
    state text;
    own uuid;
BEGIN
    PERFORM set_config('aurix.tenant_id', tenant::text, true);
    state := actor_standing(tenant, owner, session);
    IF state <> '' THEN
        standing := state;
        RETURN NEXT;
        RETURN;
    END IF;
    SELECT w.id INTO own FROM wallet_wallet w WHERE w.tenant_id = tenant AND w.user_id = owner;
    RETURN QUERY
    SELECT ''::text, e.id, e.kind::text, e.number, e.gold_delta, e.cash_delta, e.price, e.gross, e.fee, e.gold_after,
           e.cash_after, e.created_at
      FROM wallet_ledger e
     WHERE e.tenant_id = tenant AND e.wallet_id = own AND e.number < before
       AND (e.kind = wanted OR (wanted IS NULL AND e.kind <> 'opening'))
       AND e.created_at >= since AND e.created_at < until
     ORDER BY e.number DESC
     LIMIT most;
END $$;
