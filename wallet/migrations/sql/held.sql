-- Cents that are set aside belong to withdrawals under way: like balances they are moved by triggers only. The check
-- wallet_held_within_cash makes sure that no entry spends them, by whatever path it comes.
CREATE OR REPLACE FUNCTION wallet_wallet_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.number <> 0 OR NEW.gold <> 0 OR NEW.cash <> 0 OR NEW.held <> 0
           OR NEW.hash <> decode(repeat('00', 32), 'hex') THEN
            RAISE EXCEPTION 'wallet: a wallet opens empty; money comes by ledger entries'
                USING ERRCODE = 'restrict_violation';
        END IF;
    ELSIF pg_trigger_depth() < 2 THEN
        RAISE EXCEPTION 'wallet: balances, holds, number and hash are moved by ledger entries and withdrawals only'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
DROP TRIGGER moved_by_ledger ON wallet_wallet;
CREATE TRIGGER moved_by_ledger BEFORE UPDATE ON wallet_wallet FOR EACH ROW
    WHEN ((OLD.tenant_id, OLD.id, OLD.user_id, OLD.number, OLD.gold, OLD.cash, OLD.held, OLD.hash, OLD.updated_at)
          IS DISTINCT FROM
          (NEW.tenant_id, NEW.id, NEW.user_id, NEW.number, NEW.gold, NEW.cash, NEW.held, NEW.hash, NEW.updated_at))
    EXECUTE FUNCTION wallet_wallet_guard();

DROP FUNCTION wallet_view(uuid, uuid, uuid);
CREATE FUNCTION wallet_view(
    tenant uuid, owner uuid, session uuid,
    OUT standing text, OUT wallet_id uuid, OUT gold numeric, OUT cash bigint, OUT held bigint,
    OUT updated_at timestamptz, OUT price numeric
) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('aurix.tenant_id', tenant::text, true);
    standing := actor_standing(tenant, owner, session);
    SELECT w.id, w.gold, w.cash, w.held, w.updated_at INTO wallet_id, gold, cash, held, updated_at
      FROM wallet_wallet w WHERE w.tenant_id = tenant AND w.user_id = owner;
    SELECT p.price INTO price FROM wallet_goldprice p ORDER BY p.id DESC LIMIT 1;
END $$;
