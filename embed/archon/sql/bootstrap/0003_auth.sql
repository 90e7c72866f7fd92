-- auth.role() tells a policy which role the token of the present request names. PostgREST puts the claims of the
-- token into request.jwt.claims as JSON; before its version 9 each claim had a setting of its own.
CREATE SCHEMA IF NOT EXISTS auth;

CREATE OR REPLACE FUNCTION auth.role() RETURNS text
    LANGUAGE sql STABLE
    AS $$
        SELECT coalesce(
            nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'role',
            nullif(current_setting('request.jwt.claim.role', true), ''))
    $$;

-- The ordinary role that owns the tables names this function in its policies, so everybody may look it up.
GRANT USAGE ON SCHEMA auth TO PUBLIC;
