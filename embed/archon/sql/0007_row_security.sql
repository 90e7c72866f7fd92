-- Who may do what over PostgREST. The server is service_role and may do everything; a token of role authenticated may
-- read, and change projects, tasks and settings; without a token only the knowledge base can be read.
-- The last four tables have no policy for writing: service_role writes there because it bypasses row security.
ALTER TABLE archon_settings          ENABLE ROW LEVEL SECURITY;
ALTER TABLE archon_projects          ENABLE ROW LEVEL SECURITY;
ALTER TABLE archon_tasks             ENABLE ROW LEVEL SECURITY;
ALTER TABLE archon_project_sources   ENABLE ROW LEVEL SECURITY;
ALTER TABLE archon_document_versions ENABLE ROW LEVEL SECURITY;
ALTER TABLE archon_prompts           ENABLE ROW LEVEL SECURITY;
ALTER TABLE archon_migrations        ENABLE ROW LEVEL SECURITY;
ALTER TABLE archon_sources           ENABLE ROW LEVEL SECURITY;
ALTER TABLE archon_page_metadata     ENABLE ROW LEVEL SECURITY;
ALTER TABLE archon_crawled_pages     ENABLE ROW LEVEL SECURITY;
ALTER TABLE archon_code_examples     ENABLE ROW LEVEL SECURITY;

CREATE POLICY service_role_all ON archon_settings          USING (auth.role() = 'service_role');
CREATE POLICY service_role_all ON archon_projects          USING (auth.role() = 'service_role');
CREATE POLICY service_role_all ON archon_tasks             USING (auth.role() = 'service_role');
CREATE POLICY service_role_all ON archon_project_sources   USING (auth.role() = 'service_role');
CREATE POLICY service_role_all ON archon_document_versions USING (auth.role() = 'service_role');
CREATE POLICY service_role_all ON archon_prompts           USING (auth.role() = 'service_role');
CREATE POLICY service_role_all ON archon_migrations        USING (auth.role() = 'service_role');

CREATE POLICY authenticated_all  ON archon_settings        TO authenticated USING (true);
CREATE POLICY authenticated_all  ON archon_projects        TO authenticated USING (true);
CREATE POLICY authenticated_all  ON archon_tasks           TO authenticated USING (true);
CREATE POLICY authenticated_read ON archon_project_sources   FOR SELECT TO authenticated USING (true);
CREATE POLICY authenticated_read ON archon_document_versions FOR SELECT TO authenticated USING (true);
CREATE POLICY authenticated_read ON archon_prompts           FOR SELECT TO authenticated USING (true);
CREATE POLICY authenticated_read ON archon_migrations        FOR SELECT TO authenticated USING (true);

CREATE POLICY public_read ON archon_sources       FOR SELECT USING (true);
CREATE POLICY public_read ON archon_page_metadata FOR SELECT USING (true);
CREATE POLICY public_read ON archon_crawled_pages FOR SELECT USING (true);
CREATE POLICY public_read ON archon_code_examples FOR SELECT USING (true);

-- Tables are named one by one: the database may hold more than Archon.
GRANT ALL ON
    archon_settings, archon_projects, archon_tasks, archon_project_sources, archon_document_versions,
    archon_prompts, archon_migrations, archon_sources, archon_page_metadata, archon_crawled_pages,
    archon_code_examples
    TO service_role;
GRANT USAGE ON SEQUENCE archon_crawled_pages_id_seq, archon_code_examples_id_seq TO service_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON archon_settings, archon_projects, archon_tasks TO authenticated;
GRANT SELECT ON archon_project_sources, archon_document_versions, archon_prompts, archon_migrations TO authenticated;
GRANT SELECT ON archon_sources, archon_page_metadata, archon_crawled_pages, archon_code_examples
    TO anon, authenticated;
