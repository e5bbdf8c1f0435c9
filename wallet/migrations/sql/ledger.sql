-- The ledger's own rules, kept by the database against everyone, raw SQL and the table's owner included.

ALTER TABLE wallet_ledger
    ADD CONSTRAINT ledger_number_positive CHECK (number >= 1),
    ADD CONSTRAINT ledger_balances_not_negative CHECK (gold_after >= 0 AND cash_after >= 0),
    ADD CONSTRAINT ledger_hash_lengths CHECK (length(hash) = 32 AND length(previous_hash) = 32),
    ADD CONSTRAINT ledger_key_with_fingerprint CHECK ((idempotency_key IS NULL) = (fingerprint IS NULL)),
    ADD CONSTRAINT ledger_key_plain CHECK (idempotency_key ~ '^[!-~]{1,128}$'),
    ADD CONSTRAINT ledger_fee_not_negative CHECK (kind = 'reversal' OR (gross >= 0 AND fee >= 0)),
    ADD CONSTRAINT ledger_moves_something CHECK (gold_delta <> 0 OR cash_delta <> 0),
    ADD CONSTRAINT ledger_price_on_trades CHECK (
        CASE WHEN kind IN ('buy', 'sell') THEN coalesce(price > 0 AND reference_price > 0, false)
             WHEN kind = 'reversal' THEN true
             ELSE price IS NULL AND reference_price IS NULL AND quote_id IS NULL AND spread = 0 END),
    -- What an entry of a kind must add up to. Cents on the left and right; gross is rounded against the customer.
    ADD CONSTRAINT ledger_arithmetic CHECK (
        CASE kind
            WHEN 'opening' THEN number = 1 AND gold_delta >= 0 AND cash_delta = gross AND fee = 0
            WHEN 'deposit' THEN gold_delta = 0 AND cash_delta > 0 AND cash_delta = gross - fee
            WHEN 'withdrawal' THEN gold_delta = 0 AND cash_delta < 0 AND cash_delta = -(gross + fee)
            WHEN 'buy' THEN gold_delta > 0 AND cash_delta = -(gross + fee)
                AND gross = ceil(gold_delta * price * 100)
            WHEN 'sell' THEN gold_delta < 0 AND cash_delta > 0 AND cash_delta = gross - fee
                AND gross = floor(-gold_delta * price * 100)
            WHEN 'transfer' THEN gross = 0 AND cash_delta = -fee
            WHEN 'adjustment' THEN gross = abs(cash_delta) AND fee = 0
            WHEN 'reversal' THEN true
            ELSE false
        END);

-- The canonical form that is hashed: a JSON array of strings and nulls in this order, in UTF-8. docs/ledger.md
-- describes it; wallet/ledger.py writes it a second time, independently, to verify.
CREATE FUNCTION wallet_ledger_canonical(entry wallet_ledger) RETURNS text
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN json_build_array(
        'aurix-ledger-1', entry.tenant_id::text, entry.wallet_id::text, entry.number::text, entry.id::text, entry.kind,
        entry.gold_delta::text, entry.cash_delta::text, entry.price::text, entry.reference_price::text,
        entry.gross::text, entry.fee::text, entry.spread::text, entry.gold_after::text, entry.cash_after::text,
        entry.quote_id::text, entry.idempotency_key, encode(entry.fingerprint, 'hex'), entry.actor_id::text,
        entry.request_id, to_char(entry.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
        encode(entry.previous_hash, 'hex')
    )::text;
END $$;

-- Every insert continues its wallet's chain: the wallet is locked, and the row numbered, balanced, dated and hashed
-- here. What the inserting statement says about these columns does not count. (pg_temp comes last in the search path, or
-- else a temporary table called wallet_wallet would be taken for the real one.)
CREATE FUNCTION wallet_ledger_continue() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    head wallet_wallet;
BEGIN
    SELECT * INTO head FROM wallet_wallet WHERE tenant_id = NEW.tenant_id AND id = NEW.wallet_id FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'ledger: wallet % does not exist in tenant %', NEW.wallet_id, NEW.tenant_id
            USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'wallet_ledger_wallet_id_same_tenant';
    END IF;
    NEW.number := head.number + 1;
    NEW.gold_after := head.gold + NEW.gold_delta;
    NEW.cash_after := head.cash + NEW.cash_delta;
    NEW.previous_hash := head.hash;
    NEW.created_at := greatest(clock_timestamp(), head.updated_at); -- never before the entry before it
    NEW.hash := sha256(convert_to(wallet_ledger_canonical(NEW), 'UTF8'));
    RETURN NEW;
END $$;
CREATE TRIGGER continues_chain BEFORE INSERT ON wallet_ledger
    FOR EACH ROW EXECUTE FUNCTION wallet_ledger_continue();

-- Only a row that was really inserted (not one that ON CONFLICT dropped) moves its wallet.
CREATE FUNCTION wallet_ledger_move_wallet() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    UPDATE wallet_wallet
       SET number = NEW.number, gold = NEW.gold_after, cash = NEW.cash_after, hash = NEW.hash,
           updated_at = NEW.created_at
     WHERE tenant_id = NEW.tenant_id AND id = NEW.wallet_id
       AND number = NEW.number - 1 AND hash = NEW.previous_hash;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'ledger: entry % does not continue wallet %', NEW.number, NEW.wallet_id
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER moves_wallet AFTER INSERT ON wallet_ledger
    FOR EACH ROW EXECUTE FUNCTION wallet_ledger_move_wallet();

-- A wallet starts empty and is moved by the ledger's trigger only (which makes this trigger nested).
CREATE FUNCTION wallet_wallet_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.number <> 0 OR NEW.gold <> 0 OR NEW.cash <> 0 OR NEW.hash <> decode(repeat('00', 32), 'hex') THEN
            RAISE EXCEPTION 'wallet: a wallet opens empty; money comes by ledger entries'
                USING ERRCODE = 'restrict_violation';
        END IF;
    ELSIF pg_trigger_depth() < 2 THEN
        RAISE EXCEPTION 'wallet: balances, number and hash are moved by ledger entries only'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER opens_empty BEFORE INSERT ON wallet_wallet FOR EACH ROW EXECUTE FUNCTION wallet_wallet_guard();
CREATE TRIGGER moved_by_ledger BEFORE UPDATE ON wallet_wallet FOR EACH ROW
    WHEN ((OLD.tenant_id, OLD.id, OLD.user_id, OLD.number, OLD.gold, OLD.cash, OLD.hash, OLD.updated_at)
          IS DISTINCT FROM
          (NEW.tenant_id, NEW.id, NEW.user_id, NEW.number, NEW.gold, NEW.cash, NEW.hash, NEW.updated_at))
    EXECUTE FUNCTION wallet_wallet_guard();

-- A wallet row changes with every trade: room for its next version on the same page keeps the update cheap (HOT).
ALTER TABLE wallet_wallet SET (fillfactor = 70);

-- Double entry without hot rows: every entry as legs that sum to zero per asset, amounts in cents or grams.
CREATE VIEW journal WITH (security_invoker = true) AS
SELECT e.tenant_id, e.id AS entry_id, e.wallet_id, e.number, e.created_at, leg.account, leg.asset, leg.amount
  FROM wallet_ledger e
 CROSS JOIN LATERAL (VALUES
    ('customer:cash',        'EUR',  e.cash_delta::numeric),
    ('house:fee_income',     'EUR',  e.fee::numeric),
    ('house:spread_income',  'EUR',  e.spread::numeric),
    (CASE WHEN e.kind IN ('buy', 'sell', 'reversal', 'transfer') THEN 'house:cash' ELSE 'bank:settlement' END,
                             'EUR',  -(e.cash_delta + e.fee + e.spread)::numeric),
    ('customer:gold',        'XAU',  e.gold_delta),
    (CASE WHEN e.kind = 'transfer' THEN 'transit:gold' ELSE 'house:gold' END,
                             'XAU',  -e.gold_delta)
 ) AS leg (account, asset, amount)
 WHERE leg.amount <> 0;
