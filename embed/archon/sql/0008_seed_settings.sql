-- The settings that the server expects to find, with the values it is shipped with. 0010 changes those that would
-- reach for the internet. Keys of providers are empty places for the settings page to fill.
INSERT INTO archon_settings (key, value, category, description) VALUES
    ('MCP_TRANSPORT', 'dual', 'server_config', 'how MCP clients connect: sse, stdio or dual'),
    ('HOST', 'localhost', 'server_config', 'host name that is shown in the configuration for MCP clients'),
    ('PORT', '8051', 'server_config', 'port that is shown in the configuration for MCP clients'),
    ('PROJECTS_ENABLED', 'true', 'features', 'projects and tasks'),
    ('LOGFIRE_ENABLED', 'true', 'monitoring', 'send traces to Logfire; nothing is sent without a token'),

    ('LLM_PROVIDER', 'openai', 'rag_strategy', 'who answers: openai, google, ollama, openrouter, anthropic or grok'),
    ('LLM_BASE_URL', NULL, 'rag_strategy', 'address of the language model when it is not the provider''s own'),
    ('MODEL_CHOICE', 'gpt-4.1-nano', 'rag_strategy', 'model for summaries and contextual embeddings'),
    ('EMBEDDING_MODEL', 'text-embedding-3-small', 'rag_strategy', 'model that turns text into vectors'),
    ('USE_CONTEXTUAL_EMBEDDINGS', 'false', 'rag_strategy', 'put a summary of the page before each chunk'),
    ('CONTEXTUAL_EMBEDDINGS_MAX_WORKERS', '3', 'rag_strategy', 'chunks summarised at the same time'),
    ('CONTEXTUAL_EMBEDDING_BATCH_SIZE', '50', 'rag_strategy', 'chunks in one request'),
    ('USE_HYBRID_SEARCH', 'true', 'rag_strategy', 'search by words as well as by meaning'),
    ('USE_AGENTIC_RAG', 'true', 'rag_strategy', 'collect code examples and search them'),
    ('USE_RERANKING', 'true', 'rag_strategy', 'sort results again with a cross-encoder'),
    ('CRAWL_BATCH_SIZE', '50', 'rag_strategy', 'addresses in one batch'),
    ('CRAWL_MAX_CONCURRENT', '10', 'rag_strategy', 'browser pages at the same time'),
    ('CRAWL_WAIT_STRATEGY', 'domcontentloaded', 'rag_strategy', 'domcontentloaded, load or networkidle'),
    ('CRAWL_PAGE_TIMEOUT', '30000', 'rag_strategy', 'milliseconds for one page'),
    ('CRAWL_DELAY_BEFORE_HTML', '0.5', 'rag_strategy', 'seconds given to scripts on a page'),
    ('DOCUMENT_STORAGE_BATCH_SIZE', '100', 'rag_strategy', 'chunks in one insert'),
    ('EMBEDDING_BATCH_SIZE', '200', 'rag_strategy', 'texts in one embedding request'),
    ('DELETE_BATCH_SIZE', '100', 'rag_strategy', 'addresses in one delete'),
    ('ENABLE_PARALLEL_BATCHES', 'true', 'rag_strategy', 'store several batches at the same time'),
    ('MEMORY_THRESHOLD_PERCENT', '80', 'rag_strategy', 'memory in use above which crawling waits'),
    ('DISPATCHER_CHECK_INTERVAL', '0.5', 'rag_strategy', 'seconds between two looks at the memory'),
    ('CODE_EXTRACTION_BATCH_SIZE', '40', 'rag_strategy', 'code blocks in one batch'),
    ('CODE_SUMMARY_MAX_WORKERS', '3', 'rag_strategy', 'code summaries at the same time'),

    ('MIN_CODE_BLOCK_LENGTH', '250', 'code_extraction', 'characters a code example has at least'),
    ('MAX_CODE_BLOCK_LENGTH', '5000', 'code_extraction', 'characters a code example has at most'),
    ('CONTEXT_WINDOW_SIZE', '1000', 'code_extraction', 'characters kept before and after it'),
    ('ENABLE_COMPLETE_BLOCK_DETECTION', 'true', 'code_extraction', 'extend a block to its closing brace'),
    ('ENABLE_LANGUAGE_SPECIFIC_PATTERNS', 'true', 'code_extraction', 'rules for single languages'),
    ('ENABLE_CONTEXTUAL_LENGTH', 'true', 'code_extraction', 'let the surrounding text decide about the length'),
    ('ENABLE_PROSE_FILTERING', 'true', 'code_extraction', 'drop prose in code blocks'),
    ('MAX_PROSE_RATIO', '0.15', 'code_extraction', 'share of prose above which a block is dropped'),
    ('MIN_CODE_INDICATORS', '3', 'code_extraction', 'signs of code a block has at least'),
    ('ENABLE_DIAGRAM_FILTERING', 'true', 'code_extraction', 'drop diagrams written as code'),
    ('CODE_EXTRACTION_MAX_WORKERS', '3', 'code_extraction', 'pages examined at the same time'),
    ('ENABLE_CODE_SUMMARIES', 'true', 'code_extraction', 'let the language model describe each example');

INSERT INTO archon_settings (key, is_encrypted, category, description) VALUES
    ('OPENAI_API_KEY', true, 'api_keys', 'OpenAI, or any server that speaks its protocol'),
    ('GOOGLE_API_KEY', true, 'api_keys', 'Google Gemini'),
    ('OPENROUTER_API_KEY', true, 'api_keys', 'OpenRouter'),
    ('ANTHROPIC_API_KEY', true, 'api_keys', 'Anthropic'),
    ('GROK_API_KEY', true, 'api_keys', 'xAI');

-- The tables of 0001 to 0007 are those of release 0.1.0 with its eleven changes, under the names by which the settings
-- page knows them.
INSERT INTO archon_migrations (version, migration_name) VALUES
    ('0.1.0', '001_add_source_url_display_name'),
    ('0.1.0', '002_add_hybrid_search_tsvector'),
    ('0.1.0', '003_ollama_add_columns'),
    ('0.1.0', '004_ollama_migrate_data'),
    ('0.1.0', '005_ollama_create_functions'),
    ('0.1.0', '006_ollama_create_indexes_optional'),
    ('0.1.0', '007_add_priority_column_to_tasks'),
    ('0.1.0', '008_add_migration_tracking'),
    ('0.1.0', '009_add_cascade_delete_constraints'),
    ('0.1.0', '010_add_provider_placeholders'),
    ('0.1.0', '011_add_page_metadata_table');
