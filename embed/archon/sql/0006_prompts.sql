-- Prompts that the agents use, and Archon's own list of schema changes. The second is shown on its settings page; the
-- list that decides what is applied is the loader's own ledger.
CREATE TABLE archon_prompts (
    id          uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    prompt_name text NOT NULL UNIQUE,
    prompt      text NOT NULL,
    description text,
    created_at  timestamptz DEFAULT now(),
    updated_at  timestamptz DEFAULT now()
);

CREATE TABLE archon_migrations (
    id             uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    version        varchar(20) NOT NULL,
    migration_name varchar(255) NOT NULL,
    applied_at     timestamptz DEFAULT now(),
    checksum       varchar(32),
    UNIQUE (version, migration_name)
);

CREATE INDEX idx_archon_prompts_name          ON archon_prompts (prompt_name);
CREATE INDEX idx_archon_migrations_version    ON archon_migrations (version);
CREATE INDEX idx_archon_migrations_applied_at ON archon_migrations (applied_at DESC);

CREATE TRIGGER update_archon_prompts_updated_at
    BEFORE UPDATE ON archon_prompts
    FOR EACH ROW EXECUTE FUNCTION update_updated_at_column();
