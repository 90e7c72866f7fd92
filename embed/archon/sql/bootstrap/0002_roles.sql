-- The four roles that PostgREST works with. A request logs in as authenticator and becomes the role that its token
-- names: service_role for Archon itself, authenticated or anon for anybody else. The password of authenticator is not
-- written here: config/db/10-authenticator.sh sets it when the database of this bundle is made; on a database that the
-- site runs its administrator does (ALTER ROLE authenticator LOGIN PASSWORD ...).
-- A database of the site may have some of the roles already.
DO $$
DECLARE
    wanted text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['anon', 'authenticated', 'service_role', 'authenticator'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted) THEN
            EXECUTE format('CREATE ROLE %I NOLOGIN NOINHERIT', wanted);
        END IF;
    END LOOP;
END
$$;

-- Row security lets service_role write everywhere only with this: four tables have no policy for writing.
ALTER ROLE service_role BYPASSRLS;

GRANT anon, authenticated, service_role TO authenticator;
GRANT USAGE ON SCHEMA public TO anon, authenticated, service_role;
