-- What is different on a host without a network. Each of these would otherwise try to reach the internet: the language
-- model, the embeddings (which go to OpenAI unless EMBEDDING_PROVIDER says otherwise), the reranker that downloads its
-- model, and Logfire. The settings page changes them; host.docker.internal is the host that runs the containers.
UPDATE archon_settings SET value = 'ollama' WHERE key = 'LLM_PROVIDER';
UPDATE archon_settings SET value = 'http://host.docker.internal:11434/v1' WHERE key = 'LLM_BASE_URL';
UPDATE archon_settings SET value = 'llama3.2' WHERE key = 'MODEL_CHOICE';
UPDATE archon_settings SET value = 'nomic-embed-text' WHERE key = 'EMBEDDING_MODEL';
UPDATE archon_settings SET value = 'false' WHERE key IN ('USE_RERANKING', 'LOGFIRE_ENABLED');

INSERT INTO archon_settings (key, value, category, description) VALUES
    ('EMBEDDING_PROVIDER', 'ollama', 'rag_strategy', 'who makes embeddings: openai, google or ollama'),
    ('OLLAMA_EMBEDDING_URL', 'http://host.docker.internal:11434', 'rag_strategy', 'address of the embedding server'),
    ('EMBEDDING_DIMENSIONS', '768', 'rag_strategy', 'numbers in one embedding of EMBEDDING_MODEL');
