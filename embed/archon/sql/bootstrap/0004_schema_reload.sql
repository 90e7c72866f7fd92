-- PostgREST remembers the tables it saw when it started. After an upgrade it has to look again, else new tables are
-- "not found in the schema cache".
CREATE OR REPLACE FUNCTION auth.announce_schema_change() RETURNS event_trigger
    LANGUAGE plpgsql
    AS $$
    BEGIN
        NOTIFY pgrst, 'reload schema';
    END
    $$;

DROP EVENT TRIGGER IF EXISTS archon_schema_change;
CREATE EVENT TRIGGER archon_schema_change ON ddl_command_end EXECUTE FUNCTION auth.announce_schema_change();
