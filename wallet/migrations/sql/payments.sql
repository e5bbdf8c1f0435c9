-- Deposits, withdrawals, bank lines: what may follow what, kept by the database against every path.

ALTER TABLE wallet_bankaccount
    ADD CONSTRAINT bank_account_iban_plain CHECK (iban ~ '^[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}$');
ALTER TABLE wallet_answer ADD CONSTRAINT answer_key_plain CHECK (idempotency_key ~ '^[!-~]{1,128}$');

-- A status moves only along the pairs 'old>new' that the trigger is given, and with it nothing that was agreed on.
CREATE FUNCTION wallet_status_moves() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.status <> NEW.status AND NOT (OLD.status || '>' || NEW.status = ANY (TG_ARGV)) THEN
        RAISE EXCEPTION '% %: % does not become %', TG_TABLE_NAME, OLD.id, OLD.status, NEW.status
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

-- What is agreed on does not change. Each table names its columns.
CREATE FUNCTION wallet_agreed_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% %: only its progress may change', TG_TABLE_NAME, OLD.id USING ERRCODE = 'restrict_violation';
END $$;


CREATE TRIGGER rows_stay BEFORE DELETE OR TRUNCATE ON wallet_deposit
    FOR EACH STATEMENT EXECUTE FUNCTION aurix_refuse_change();
CREATE TRIGGER status_moves BEFORE UPDATE ON wallet_deposit FOR EACH ROW
    EXECUTE FUNCTION wallet_status_moves('announced>received', 'announced>cancelled', 'cancelled>received');
CREATE TRIGGER agreed_stays BEFORE UPDATE ON wallet_deposit FOR EACH ROW
    WHEN ((OLD.tenant_id, OLD.id, OLD.wallet_id, OLD.reference, OLD.cents, OLD.created_at)
          IS DISTINCT FROM (NEW.tenant_id, NEW.id, NEW.wallet_id, NEW.reference, NEW.cents, NEW.created_at)
          OR (OLD.status = 'received' AND NEW IS DISTINCT FROM OLD))
    EXECUTE FUNCTION wallet_agreed_stays();

-- A received deposit is booked: its entry moves exactly what has come, into its wallet.
CREATE FUNCTION wallet_deposit_booked() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NEW.status = 'received' AND NOT EXISTS (
        SELECT 1 FROM wallet_ledger e
         WHERE e.tenant_id = NEW.tenant_id AND e.id = NEW.entry_id AND e.wallet_id = NEW.wallet_id
           AND e.kind = 'deposit' AND e.cash_delta = NEW.received_cents) THEN
        RAISE EXCEPTION 'deposit %: it has no entry of its amount', NEW.id USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER booked AFTER INSERT OR UPDATE ON wallet_deposit DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION wallet_deposit_booked();

ALTER TABLE wallet_withdrawal
    -- Nobody approves his own, and where two are needed they are two.
    ADD CONSTRAINT withdrawal_four_eyes CHECK (
        (approved_by IS NULL OR (approved_by <> user_id AND approved_by IS DISTINCT FROM first_approved_by))
        AND (first_approved_by IS NULL OR (first_approved_by <> user_id AND approvals_needed = 2))
        AND (status NOT IN ('approved', 'exported', 'settled') OR (
            approved_by IS NOT NULL AND (approvals_needed = 1 OR first_approved_by IS NOT NULL)))),
    ADD CONSTRAINT withdrawal_exported_in_a_file CHECK (
        CASE WHEN status IN ('exported', 'settled', 'returned') THEN payment_file_id IS NOT NULL
             ELSE payment_file_id IS NULL END),
    ADD CONSTRAINT withdrawal_entries CHECK (
        (entry_id IS NULL OR status IN ('settled', 'returned'))
        AND (return_entry_id IS NULL OR (status = 'returned' AND entry_id IS NOT NULL)));

CREATE TRIGGER rows_stay BEFORE DELETE OR TRUNCATE ON wallet_withdrawal
    FOR EACH STATEMENT EXECUTE FUNCTION aurix_refuse_change();
CREATE TRIGGER status_moves BEFORE UPDATE ON wallet_withdrawal FOR EACH ROW
    EXECUTE FUNCTION wallet_status_moves(
        'requested>approved', 'requested>rejected', 'requested>cancelled', 'approved>rejected', 'approved>exported',
        'exported>settled', 'exported>returned', 'settled>returned');
CREATE TRIGGER agreed_stays BEFORE UPDATE ON wallet_withdrawal FOR EACH ROW
    WHEN ((OLD.tenant_id, OLD.id, OLD.wallet_id, OLD.user_id, OLD.bank_account_id, OLD.iban, OLD.holder_name,
           OLD.cents, OLD.approvals_needed, OLD.created_at)
          IS DISTINCT FROM
          (NEW.tenant_id, NEW.id, NEW.wallet_id, NEW.user_id, NEW.bank_account_id, NEW.iban, NEW.holder_name,
           NEW.cents, NEW.approvals_needed, NEW.created_at)
          OR (OLD.first_approved_by IS NOT NULL AND NEW.first_approved_by IS DISTINCT FROM OLD.first_approved_by)
          OR (OLD.approved_by IS NOT NULL AND NEW.approved_by IS DISTINCT FROM OLD.approved_by)
          OR (OLD.payment_file_id IS NOT NULL AND NEW.payment_file_id IS DISTINCT FROM OLD.payment_file_id)
          OR (OLD.entry_id IS NOT NULL AND NEW.entry_id IS DISTINCT FROM OLD.entry_id)
          OR (OLD.return_entry_id IS NOT NULL AND NEW.return_entry_id IS DISTINCT FROM OLD.return_entry_id))
    EXECUTE FUNCTION wallet_agreed_stays();

-- While a withdrawal is under way its amount is held: a wallet's ``held`` is their sum. The wallet's own check refuses
-- what it does not have.
CREATE FUNCTION wallet_withdrawal_holds() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    under_way CONSTANT text[] := ARRAY['requested', 'approved', 'exported'];
    was bigint := 0;
    is_now bigint := CASE WHEN NEW.status = ANY (under_way) THEN NEW.cents ELSE 0 END;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        was := CASE WHEN OLD.status = ANY (under_way) THEN OLD.cents ELSE 0 END;
    END IF;
    IF was <> is_now THEN
        UPDATE wallet_wallet SET held = held + is_now - was WHERE tenant_id = NEW.tenant_id AND id = NEW.wallet_id;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER holds AFTER INSERT OR UPDATE ON wallet_withdrawal
    FOR EACH ROW EXECUTE FUNCTION wallet_withdrawal_holds();

CREATE FUNCTION wallet_withdrawal_begins() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.status <> 'requested' OR NEW.approved_by IS NOT NULL OR NEW.first_approved_by IS NOT NULL THEN
        RAISE EXCEPTION 'withdrawal %: it begins as a request', NEW.id USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER begins BEFORE INSERT ON wallet_withdrawal
    FOR EACH ROW EXECUTE FUNCTION wallet_withdrawal_begins();

-- At the commit a settled withdrawal is booked, and one that came back after that is booked back. (Not earlier: the
-- hold has to end before the entry can take what was held.)
CREATE FUNCTION wallet_withdrawal_booked() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    done wallet_withdrawal;
BEGIN
    SELECT * INTO done FROM wallet_withdrawal WHERE tenant_id = NEW.tenant_id AND id = NEW.id;
    IF done.status = 'settled' AND done.entry_id IS NULL THEN
        RAISE EXCEPTION 'withdrawal %: settled without an entry', NEW.id USING ERRCODE = 'restrict_violation';
    END IF;
    IF done.entry_id IS NOT NULL AND done.status = 'returned' AND done.return_entry_id IS NULL THEN
        RAISE EXCEPTION 'withdrawal %: returned without an entry', NEW.id USING ERRCODE = 'restrict_violation';
    END IF;
    IF done.entry_id IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM wallet_ledger e WHERE e.tenant_id = done.tenant_id AND e.id = done.entry_id
           AND e.wallet_id = done.wallet_id AND e.kind = 'withdrawal' AND e.cash_delta = -done.cents) THEN
        RAISE EXCEPTION 'withdrawal %: its entry is not its own', NEW.id USING ERRCODE = 'restrict_violation';
    END IF;
    IF done.return_entry_id IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM wallet_ledger e WHERE e.tenant_id = done.tenant_id AND e.id = done.return_entry_id
           AND e.wallet_id = done.wallet_id AND e.kind = 'deposit' AND e.cash_delta = done.cents) THEN
        RAISE EXCEPTION 'withdrawal %: its return is not its own', NEW.id USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER booked AFTER INSERT OR UPDATE ON wallet_withdrawal DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION wallet_withdrawal_booked();

ALTER TABLE wallet_bankline
    ADD CONSTRAINT bank_line_status_known CHECK (status IN ('unmatched', 'matched', 'to_return', 'returned', 'dismissed')),
    ADD CONSTRAINT bank_line_matched_to_one CHECK (
        CASE WHEN status = 'matched' THEN num_nonnulls(deposit_id, withdrawal_id) = 1
             ELSE num_nonnulls(deposit_id, withdrawal_id) = 0 END),
    ADD CONSTRAINT bank_line_returned_in_a_file CHECK ((status = 'returned') = (payment_file_id IS NOT NULL)),
    ADD CONSTRAINT bank_line_returned_to_somebody CHECK (
        status NOT IN ('to_return', 'returned') OR (cents > 0 AND currency = 'EUR' AND party_iban <> ''));
CREATE TRIGGER rows_stay BEFORE DELETE OR TRUNCATE ON wallet_bankline
    FOR EACH STATEMENT EXECUTE FUNCTION aurix_refuse_change();
CREATE TRIGGER status_moves BEFORE UPDATE ON wallet_bankline FOR EACH ROW
    EXECUTE FUNCTION wallet_status_moves('unmatched>matched', 'unmatched>to_return', 'unmatched>dismissed',
                                          'to_return>returned');
CREATE TRIGGER agreed_stays BEFORE UPDATE ON wallet_bankline FOR EACH ROW
    WHEN ((OLD.tenant_id, OLD.id, OLD.identity, OLD.booked_on, OLD.cents, OLD.currency, OLD.party_iban)
          IS DISTINCT FROM (NEW.tenant_id, NEW.id, NEW.identity, NEW.booked_on, NEW.cents, NEW.currency, NEW.party_iban)
          OR (OLD.status IN ('matched', 'returned') AND
              (OLD.deposit_id, OLD.withdrawal_id, OLD.payment_file_id)
              IS DISTINCT FROM (NEW.deposit_id, NEW.withdrawal_id, NEW.payment_file_id)))
    EXECUTE FUNCTION wallet_agreed_stays();
-- One line for a withdrawal's way out, and one for its way back.
CREATE UNIQUE INDEX bank_line_withdrawal ON wallet_bankline (tenant_id, withdrawal_id, (cents > 0));
