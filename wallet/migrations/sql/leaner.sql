-- The same rule for less work: PostgreSQL reads the text of a trigger's WHEN anew for every statement, but keeps what it
-- has made of a function (docs/performance.md).
CREATE OR REPLACE FUNCTION wallet_wallet_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.number <> 0 OR NEW.gold <> 0 OR NEW.cash <> 0 OR NEW.held <> 0
           OR NEW.hash <> decode(repeat('00', 32), 'hex') THEN
            RAISE EXCEPTION 'wallet: a wallet opens empty; money comes by ledger entries'
                USING ERRCODE = 'restrict_violation';
        END IF;
    ELSIF pg_trigger_depth() < 2
       AND (OLD.tenant_id, OLD.id, OLD.user_id, OLD.number, OLD.gold, OLD.cash, OLD.held, OLD.hash, OLD.updated_at)
           IS DISTINCT FROM
           (NEW.tenant_id, NEW.id, NEW.user_id, NEW.number, NEW.gold, NEW.cash, NEW.held, NEW.hash, NEW.updated_at)
    THEN
        RAISE EXCEPTION 'wallet: balances, holds, number and hash are moved by ledger entries and withdrawals only'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
DROP TRIGGER moved_by_ledger ON wallet_wallet;
CREATE TRIGGER moved_by_ledger BEFORE UPDATE ON wallet_wallet
    FOR EACH ROW EXECUTE FUNCTION wallet_wallet_guard();
