-- Settings of the application, one row each. A secret is kept in encrypted_value, encrypted by the server with a key
-- that it derives from its service key: replacing that key makes these rows unreadable.
CREATE FUNCTION update_updated_at_column() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
    BEGIN
        NEW.updated_at := now();
        RETURN NEW;
    END
    $$;

CREATE TABLE archon_settings (
    id              uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    key             varchar(255) NOT NULL UNIQUE,
    value           text,
    encrypted_value text,
    is_encrypted    boolean DEFAULT false,
    category        varchar(100),
    description     text,
    created_at      timestamptz DEFAULT now(),
    updated_at      timestamptz DEFAULT now()
);

CREATE INDEX idx_archon_settings_key      ON archon_settings (key);
CREATE INDEX idx_archon_settings_category ON archon_settings (category);

CREATE TRIGGER update_archon_settings_updated_at
    BEFORE UPDATE ON archon_settings
    FOR EACH ROW EXECUTE FUNCTION update_updated_at_column();
