-- Transfers and reversals: each step once, each with its entry, kept by the database against every path.
ALTER TABLE wallet_transfer ADD CONSTRAINT transfer_receiver_hash CHECK (length(receiver) = 32);

CREATE TRIGGER rows_stay BEFORE DELETE OR TRUNCATE ON wallet_transfer
    FOR EACH STATEMENT EXECUTE FUNCTION aurix_refuse_change();
CREATE TRIGGER status_moves BEFORE UPDATE ON wallet_transfer FOR EACH ROW
    EXECUTE FUNCTION wallet_status_moves('pending>accepted', 'pending>cancelled', 'pending>expired');
CREATE TRIGGER agreed_stays BEFORE UPDATE ON wallet_transfer FOR EACH ROW
    WHEN ((OLD.tenant_id, OLD.id, OLD.wallet_id, OLD.receiver, OLD.gold, OLD.expires_at, OLD.out_entry_id)
          IS DISTINCT FROM
          (NEW.tenant_id, NEW.id, NEW.wallet_id, NEW.receiver, NEW.gold, NEW.expires_at, NEW.out_entry_id)
          OR (OLD.status <> 'pending' AND (OLD.in_entry_id, OLD.receiver_wallet_id)
              IS DISTINCT FROM (NEW.in_entry_id, NEW.receiver_wallet_id)))
    EXECUTE FUNCTION wallet_agreed_stays();

-- Both legs are what the transfer says: out of the sender's wallet, into the receiver's or back into the sender's.
CREATE FUNCTION wallet_transfer_booked() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NOT EXISTS (
        SELECT 1 FROM wallet_ledger e WHERE e.tenant_id = NEW.tenant_id AND e.id = NEW.out_entry_id
           AND e.wallet_id = NEW.wallet_id AND e.kind = 'transfer' AND e.gold_delta = -NEW.gold)
       OR (NEW.status <> 'pending' AND NOT EXISTS (
        SELECT 1 FROM wallet_ledger e WHERE e.tenant_id = NEW.tenant_id AND e.id = NEW.in_entry_id
           AND e.wallet_id = coalesce(NEW.receiver_wallet_id, NEW.wallet_id)
           AND e.kind = 'transfer' AND e.gold_delta = NEW.gold)) THEN
        RAISE EXCEPTION 'transfer %: its entries are not its own', NEW.id USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER booked AFTER INSERT OR UPDATE ON wallet_transfer DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION wallet_transfer_booked();

ALTER TABLE wallet_reversal
    ADD CONSTRAINT reversal_status_known CHECK (
        CASE status WHEN 'proposed' THEN decided_by IS NULL AND entry_id IS NULL
                    WHEN 'approved' THEN decided_by IS NOT NULL AND entry_id IS NOT NULL
                    WHEN 'rejected' THEN decided_by IS NOT NULL AND entry_id IS NULL
                    ELSE false END),
    ADD CONSTRAINT reversal_four_eyes CHECK (
        proposed_by <> user_id AND (status <> 'approved' OR (decided_by <> proposed_by AND decided_by <> user_id)));
CREATE TRIGGER rows_stay BEFORE DELETE OR TRUNCATE ON wallet_reversal
    FOR EACH STATEMENT EXECUTE FUNCTION aurix_refuse_change();
CREATE TRIGGER status_moves BEFORE UPDATE ON wallet_reversal FOR EACH ROW
    EXECUTE FUNCTION wallet_status_moves('proposed>approved', 'proposed>rejected');
CREATE TRIGGER agreed_stays BEFORE UPDATE ON wallet_reversal FOR EACH ROW
    WHEN ((OLD.tenant_id, OLD.id, OLD.wallet_id, OLD.user_id, OLD.reversed_id, OLD.reason, OLD.proposed_by)
          IS DISTINCT FROM
          (NEW.tenant_id, NEW.id, NEW.wallet_id, NEW.user_id, NEW.reversed_id, NEW.reason, NEW.proposed_by)
          OR (OLD.status <> 'proposed' AND NEW IS DISTINCT FROM OLD))
    EXECUTE FUNCTION wallet_agreed_stays();

-- An approved reversal is booked: its entry undoes exactly the trade, and names it by key and fingerprint.
CREATE FUNCTION wallet_reversal_booked() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NEW.status = 'approved' AND NOT EXISTS (
        SELECT 1 FROM wallet_ledger e
          JOIN wallet_ledger o ON o.tenant_id = e.tenant_id AND o.id = NEW.reversed_id AND o.wallet_id = e.wallet_id
         WHERE e.tenant_id = NEW.tenant_id AND e.id = NEW.entry_id AND e.wallet_id = NEW.wallet_id
           AND e.kind = 'reversal' AND o.kind IN ('buy', 'sell')
           AND e.gold_delta = -o.gold_delta AND e.cash_delta = -o.cash_delta AND e.gross = -o.gross AND e.fee = -o.fee
           AND e.idempotency_key = 'reverses/' || o.id AND e.fingerprint = o.hash) THEN
        RAISE EXCEPTION 'reversal %: its entry does not undo the trade', NEW.id USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER booked AFTER INSERT OR UPDATE ON wallet_reversal DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION wallet_reversal_booked();
