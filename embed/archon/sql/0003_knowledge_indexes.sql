-- pgvector indexes at most 2000 dimensions: embedding_3072 is searched without one.
CREATE INDEX idx_archon_sources_title          ON archon_sources (title);
CREATE INDEX idx_archon_sources_url            ON archon_sources (source_url);
CREATE INDEX idx_archon_sources_display_name   ON archon_sources (source_display_name);
CREATE INDEX idx_archon_sources_metadata       ON archon_sources USING gin (metadata);
CREATE INDEX idx_archon_sources_knowledge_type ON archon_sources ((metadata ->> 'knowledge_type'));

CREATE INDEX idx_archon_page_metadata_source_id  ON archon_page_metadata (source_id);
CREATE INDEX idx_archon_page_metadata_url        ON archon_page_metadata (url);
CREATE INDEX idx_archon_page_metadata_section    ON archon_page_metadata (source_id, section_title, section_order);
CREATE INDEX idx_archon_page_metadata_created_at ON archon_page_metadata (created_at);
CREATE INDEX idx_archon_page_metadata_metadata   ON archon_page_metadata USING gin (metadata);

CREATE INDEX idx_archon_crawled_pages_embedding_384
    ON archon_crawled_pages USING ivfflat (embedding_384 vector_cosine_ops) WITH (lists = 100);
CREATE INDEX idx_archon_crawled_pages_embedding_768
    ON archon_crawled_pages USING ivfflat (embedding_768 vector_cosine_ops) WITH (lists = 100);
CREATE INDEX idx_archon_crawled_pages_embedding_1024
    ON archon_crawled_pages USING ivfflat (embedding_1024 vector_cosine_ops) WITH (lists = 100);
CREATE INDEX idx_archon_crawled_pages_embedding_1536
    ON archon_crawled_pages USING ivfflat (embedding_1536 vector_cosine_ops) WITH (lists = 100);
CREATE INDEX idx_archon_crawled_pages_metadata            ON archon_crawled_pages USING gin (metadata);
CREATE INDEX idx_archon_crawled_pages_source_id           ON archon_crawled_pages (source_id);
CREATE INDEX idx_archon_crawled_pages_page_id             ON archon_crawled_pages (page_id);
CREATE INDEX idx_archon_crawled_pages_content_search      ON archon_crawled_pages USING gin (content_search_vector);
CREATE INDEX idx_archon_crawled_pages_content_trgm        ON archon_crawled_pages USING gin (content gin_trgm_ops);
CREATE INDEX idx_archon_crawled_pages_embedding_model     ON archon_crawled_pages (embedding_model);
CREATE INDEX idx_archon_crawled_pages_embedding_dimension ON archon_crawled_pages (embedding_dimension);
CREATE INDEX idx_archon_crawled_pages_llm_chat_model      ON archon_crawled_pages (llm_chat_model);

CREATE INDEX idx_archon_code_examples_embedding_384
    ON archon_code_examples USING ivfflat (embedding_384 vector_cosine_ops) WITH (lists = 100);
CREATE INDEX idx_archon_code_examples_embedding_768
    ON archon_code_examples USING ivfflat (embedding_768 vector_cosine_ops) WITH (lists = 100);
CREATE INDEX idx_archon_code_examples_embedding_1024
    ON archon_code_examples USING ivfflat (embedding_1024 vector_cosine_ops) WITH (lists = 100);
CREATE INDEX idx_archon_code_examples_embedding_1536
    ON archon_code_examples USING ivfflat (embedding_1536 vector_cosine_ops) WITH (lists = 100);
CREATE INDEX idx_archon_code_examples_metadata            ON archon_code_examples USING gin (metadata);
CREATE INDEX idx_archon_code_examples_source_id           ON archon_code_examples (source_id);
CREATE INDEX idx_archon_code_examples_content_search      ON archon_code_examples USING gin (content_search_vector);
CREATE INDEX idx_archon_code_examples_content_trgm        ON archon_code_examples USING gin (content gin_trgm_ops);
CREATE INDEX idx_archon_code_examples_summary_trgm        ON archon_code_examples USING gin (summary gin_trgm_ops);
CREATE INDEX idx_archon_code_examples_embedding_model     ON archon_code_examples (embedding_model);
CREATE INDEX idx_archon_code_examples_embedding_dimension ON archon_code_examples (embedding_dimension);
CREATE INDEX idx_archon_code_examples_llm_chat_model      ON archon_code_examples (llm_chat_model);
