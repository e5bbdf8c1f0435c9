-- What the application's own code cannot break either.

ALTER TABLE accounts_refreshtoken ADD CONSTRAINT refresh_token_hash_length CHECK (length(token_hash) = 32);

-- Roles above user are given by the platform only: the role that serves customers can neither make nor promote staff.
CREATE POLICY no_staff ON accounts_user AS RESTRICTIVE FOR INSERT TO aurix_app WITH CHECK (role = 'user');
GRANT UPDATE (role) ON accounts_user TO aurix_platform;

-- An ended session does not come back to life, and a used refresh token is not used again.
CREATE FUNCTION accounts_refuse_revival() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of % is over and stays so', OLD.id, TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER stays_ended BEFORE UPDATE ON accounts_session
    FOR EACH ROW WHEN (OLD.ended_at IS NOT NULL) EXECUTE FUNCTION accounts_refuse_revival();
CREATE TRIGGER stays_used BEFORE UPDATE ON accounts_refreshtoken
    FOR EACH ROW WHEN (OLD.used_at IS NOT NULL) EXECUTE FUNCTION accounts_refuse_revival();
