-- Projects, their tasks, the sources they use, and earlier versions of their documents.
CREATE TYPE task_status   AS ENUM ('todo', 'doing', 'review', 'done');
CREATE TYPE task_priority AS ENUM ('low', 'medium', 'high', 'critical');

CREATE TABLE archon_projects (
    id          uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    title       text NOT NULL,
    description text DEFAULT '',
    docs        jsonb DEFAULT '[]',
    features    jsonb DEFAULT '[]',
    data        jsonb DEFAULT '[]',
    github_repo text,
    pinned      boolean DEFAULT false,
    created_at  timestamptz DEFAULT now(),
    updated_at  timestamptz DEFAULT now()
);

CREATE TABLE archon_tasks (
    id             uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    project_id     uuid REFERENCES archon_projects (id) ON DELETE CASCADE,
    parent_task_id uuid REFERENCES archon_tasks (id) ON DELETE CASCADE,
    title          text NOT NULL,
    description    text DEFAULT '',
    status         task_status DEFAULT 'todo',
    assignee       text NOT NULL DEFAULT 'User' CHECK (assignee <> ''),
    task_order     integer DEFAULT 0,
    priority       task_priority NOT NULL DEFAULT 'medium',
    feature        text,
    sources        jsonb DEFAULT '[]',
    code_examples  jsonb DEFAULT '[]',
    archived       boolean DEFAULT false,
    archived_at    timestamptz,
    archived_by    text,
    created_at     timestamptz DEFAULT now(),
    updated_at     timestamptz DEFAULT now()
);

-- source_id has no foreign key: a project keeps the name of a source that was deleted.
CREATE TABLE archon_project_sources (
    id         uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    project_id uuid REFERENCES archon_projects (id) ON DELETE CASCADE,
    source_id  text NOT NULL,
    linked_at  timestamptz DEFAULT now(),
    created_by text DEFAULT 'system',
    notes      text,
    UNIQUE (project_id, source_id)
);

-- A version belongs to a project or, in data of early releases, to a task; never to both.
CREATE TABLE archon_document_versions (
    id             uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    project_id     uuid REFERENCES archon_projects (id) ON DELETE CASCADE,
    task_id        uuid REFERENCES archon_tasks (id) ON DELETE CASCADE,
    field_name     text NOT NULL,
    version_number integer NOT NULL,
    content        jsonb NOT NULL,
    change_summary text,
    change_type    text DEFAULT 'update',
    document_id    text,
    created_by     text DEFAULT 'system',
    created_at     timestamptz DEFAULT now(),
    CONSTRAINT chk_project_or_task CHECK ((project_id IS NULL) <> (task_id IS NULL)),
    UNIQUE (project_id, task_id, field_name, version_number)
);

CREATE INDEX idx_archon_tasks_project_id  ON archon_tasks (project_id);
CREATE INDEX idx_archon_tasks_parent      ON archon_tasks (parent_task_id);
CREATE INDEX idx_archon_tasks_status      ON archon_tasks (status);
CREATE INDEX idx_archon_tasks_assignee    ON archon_tasks (assignee);
CREATE INDEX idx_archon_tasks_order       ON archon_tasks (task_order);
CREATE INDEX idx_archon_tasks_priority    ON archon_tasks (priority);
CREATE INDEX idx_archon_tasks_archived    ON archon_tasks (archived);
CREATE INDEX idx_archon_tasks_archived_at ON archon_tasks (archived_at);
CREATE INDEX idx_archon_project_sources_project_id ON archon_project_sources (project_id);
CREATE INDEX idx_archon_project_sources_source_id  ON archon_project_sources (source_id);
CREATE INDEX idx_archon_document_versions_project_id     ON archon_document_versions (project_id);
CREATE INDEX idx_archon_document_versions_task_id        ON archon_document_versions (task_id);
CREATE INDEX idx_archon_document_versions_field_name     ON archon_document_versions (field_name);
CREATE INDEX idx_archon_document_versions_version_number ON archon_document_versions (version_number);
CREATE INDEX idx_archon_document_versions_created_at     ON archon_document_versions (created_at);

CREATE TRIGGER update_archon_projects_updated_at
    BEFORE UPDATE ON archon_projects
    FOR EACH ROW EXECUTE FUNCTION update_updated_at_column();
CREATE TRIGGER update_archon_tasks_updated_at
    BEFORE UPDATE ON archon_tasks
    FOR EACH ROW EXECUTE FUNCTION update_updated_at_column();

-- Archives a task and its direct subtasks. False: there is no such task, or it is archived already.
CREATE FUNCTION archive_task(task_id_param uuid, archived_by_param text DEFAULT 'system') RETURNS boolean
    LANGUAGE plpgsql
    AS $$
    BEGIN
        UPDATE archon_tasks
            SET archived = true, archived_at = now(), archived_by = archived_by_param
            WHERE id = task_id_param AND archived IS NOT TRUE;
        IF NOT FOUND THEN
            RETURN false;
        END IF;
        UPDATE archon_tasks
            SET archived = true, archived_at = now(), archived_by = archived_by_param
            WHERE parent_task_id = task_id_param AND archived IS NOT TRUE;
        RETURN true;
    END
    $$;
