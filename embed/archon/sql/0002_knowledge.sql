-- What was crawled or uploaded: a source has pages, a page has chunks and code examples. An embedding goes into the
-- column of its length; only one of the five is filled in a row.
CREATE TABLE archon_sources (
    source_id           text PRIMARY KEY,
    source_url          text,
    source_display_name text,
    summary             text,
    total_word_count    integer DEFAULT 0,
    title               text,
    metadata            jsonb DEFAULT '{}',
    created_at          timestamptz NOT NULL DEFAULT now(),
    updated_at          timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE archon_page_metadata (
    id            uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    source_id     text NOT NULL,
    url           text NOT NULL,
    full_content  text NOT NULL,
    section_title text,
    section_order integer DEFAULT 0,
    word_count    integer NOT NULL,
    char_count    integer NOT NULL,
    chunk_count   integer NOT NULL DEFAULT 0,
    created_at    timestamptz DEFAULT now(),
    updated_at    timestamptz DEFAULT now(),
    metadata      jsonb DEFAULT '{}',
    CONSTRAINT archon_page_metadata_url_unique UNIQUE (url),
    CONSTRAINT archon_page_metadata_source_fk
        FOREIGN KEY (source_id) REFERENCES archon_sources (source_id) ON DELETE CASCADE
);

CREATE TABLE archon_crawled_pages (
    id                    bigserial PRIMARY KEY,
    url                   varchar NOT NULL,
    chunk_number          integer NOT NULL,
    content               text NOT NULL,
    metadata              jsonb NOT NULL DEFAULT '{}',
    source_id             text NOT NULL REFERENCES archon_sources (source_id) ON DELETE CASCADE,
    embedding_384         vector(384),
    embedding_768         vector(768),
    embedding_1024        vector(1024),
    embedding_1536        vector(1536),
    embedding_3072        vector(3072),
    llm_chat_model        text,
    embedding_model       text,
    embedding_dimension   integer,
    content_search_vector tsvector GENERATED ALWAYS AS (to_tsvector('english', content)) STORED,
    created_at            timestamptz NOT NULL DEFAULT now(),
    page_id               uuid REFERENCES archon_page_metadata (id) ON DELETE SET NULL,
    UNIQUE (url, chunk_number)
);

CREATE TABLE archon_code_examples (
    id                    bigserial PRIMARY KEY,
    url                   varchar NOT NULL,
    chunk_number          integer NOT NULL,
    content               text NOT NULL,
    summary               text NOT NULL,
    metadata              jsonb NOT NULL DEFAULT '{}',
    source_id             text NOT NULL REFERENCES archon_sources (source_id) ON DELETE CASCADE,
    embedding_384         vector(384),
    embedding_768         vector(768),
    embedding_1024        vector(1024),
    embedding_1536        vector(1536),
    embedding_3072        vector(3072),
    llm_chat_model        text,
    embedding_model       text,
    embedding_dimension   integer,
    content_search_vector tsvector GENERATED ALWAYS AS (to_tsvector('english', content || ' ' || summary)) STORED,
    created_at            timestamptz NOT NULL DEFAULT now(),
    UNIQUE (url, chunk_number)
);

COMMENT ON COLUMN archon_sources.source_id IS 'hash of the address, made by the server';
COMMENT ON COLUMN archon_crawled_pages.embedding_dimension IS 'says which embedding column is filled';
COMMENT ON COLUMN archon_code_examples.embedding_dimension IS 'says which embedding column is filled';
