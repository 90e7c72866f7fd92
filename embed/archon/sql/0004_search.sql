-- Search by meaning (match_*) and by meaning and words together (hybrid_search_*). Names, arguments and result
-- columns are those that the server calls over PostgREST.
-- The functions without _multi take the length of the query vector as it is. Archon calls only these, and a local
-- embedding model rarely makes 1536 numbers: a fixed length would find nothing on an isolated host.
CREATE FUNCTION detect_embedding_dimension(embedding_vector vector) RETURNS integer
    LANGUAGE sql IMMUTABLE STRICT
    AS $$ SELECT vector_dims(embedding_vector) $$;

CREATE FUNCTION get_embedding_column_name(dimension integer) RETURNS text
    LANGUAGE plpgsql IMMUTABLE
    AS $$
    BEGIN
        IF dimension IS NULL OR dimension NOT IN (384, 768, 1024, 1536, 3072) THEN
            RAISE EXCEPTION 'embeddings of % numbers cannot be stored', coalesce(dimension::text, 'no')
                USING HINT = 'use a model that makes 384, 768, 1024, 1536 or 3072';
        END IF;
        RETURN 'embedding_' || dimension;
    END
    $$;

-- An index that was built on an empty table knows no good lists, and by default one list of 100 is read. Reading 20
-- costs little and finds what is there.
CREATE FUNCTION match_archon_crawled_pages_multi(
    query_embedding     vector,
    embedding_dimension integer,
    match_count         integer DEFAULT 10,
    filter              jsonb DEFAULT '{}',
    source_filter       text DEFAULT NULL)
    RETURNS TABLE (id bigint, url varchar, chunk_number integer, content text, metadata jsonb, source_id text,
                   similarity double precision)
    LANGUAGE plpgsql
    AS $$
    BEGIN
        PERFORM set_config('ivfflat.probes', '20', true);
        RETURN QUERY EXECUTE format(
            $q$ SELECT p.id, p.url, p.chunk_number, p.content, p.metadata, p.source_id, 1 - (p.%1$I <=> $1)
                FROM archon_crawled_pages p
                WHERE p.%1$I IS NOT NULL AND p.metadata @> $3 AND ($4 IS NULL OR p.source_id = $4)
                ORDER BY p.%1$I <=> $1
                LIMIT $2 $q$,
            get_embedding_column_name(embedding_dimension))
            USING query_embedding, match_count, filter, source_filter;
    END
    $$;

CREATE FUNCTION match_archon_crawled_pages(
    query_embedding vector,
    match_count     integer DEFAULT 10,
    filter          jsonb DEFAULT '{}',
    source_filter   text DEFAULT NULL)
    RETURNS TABLE (id bigint, url varchar, chunk_number integer, content text, metadata jsonb, source_id text,
                   similarity double precision)
    LANGUAGE sql
    AS $$
        SELECT * FROM match_archon_crawled_pages_multi(
            query_embedding, vector_dims(query_embedding), match_count, filter, source_filter)
    $$;

CREATE FUNCTION match_archon_code_examples_multi(
    query_embedding     vector,
    embedding_dimension integer,
    match_count         integer DEFAULT 10,
    filter              jsonb DEFAULT '{}',
    source_filter       text DEFAULT NULL)
    RETURNS TABLE (id bigint, url varchar, chunk_number integer, content text, summary text, metadata jsonb,
                   source_id text, similarity double precision)
    LANGUAGE plpgsql
    AS $$
    BEGIN
        PERFORM set_config('ivfflat.probes', '20', true);
        RETURN QUERY EXECUTE format(
            $q$ SELECT e.id, e.url, e.chunk_number, e.content, e.summary, e.metadata, e.source_id,
                       1 - (e.%1$I <=> $1)
                FROM archon_code_examples e
                WHERE e.%1$I IS NOT NULL AND e.metadata @> $3 AND ($4 IS NULL OR e.source_id = $4)
                ORDER BY e.%1$I <=> $1
                LIMIT $2 $q$,
            get_embedding_column_name(embedding_dimension))
            USING query_embedding, match_count, filter, source_filter;
    END
    $$;

CREATE FUNCTION match_archon_code_examples(
    query_embedding vector,
    match_count     integer DEFAULT 10,
    filter          jsonb DEFAULT '{}',
    source_filter   text DEFAULT NULL)
    RETURNS TABLE (id bigint, url varchar, chunk_number integer, content text, summary text, metadata jsonb,
                   source_id text, similarity double precision)
    LANGUAGE sql
    AS $$
        SELECT * FROM match_archon_code_examples_multi(
            query_embedding, vector_dims(query_embedding), match_count, filter, source_filter)
    $$;

-- A row found both ways keeps its vector similarity; a row found by its words alone gets its text rank.
CREATE FUNCTION hybrid_search_archon_crawled_pages_multi(
    query_embedding     vector,
    embedding_dimension integer,
    query_text          text,
    match_count         integer DEFAULT 10,
    filter              jsonb DEFAULT '{}',
    source_filter       text DEFAULT NULL)
    RETURNS TABLE (id bigint, url varchar, chunk_number integer, content text, metadata jsonb, source_id text,
                   similarity double precision, match_type text)
    LANGUAGE plpgsql
    AS $$
    #variable_conflict use_column
    DECLARE
        words tsquery := plainto_tsquery('english', query_text);
    BEGIN
        RETURN QUERY
            WITH near AS (
                SELECT * FROM match_archon_crawled_pages_multi(
                    query_embedding, embedding_dimension, match_count, filter, source_filter)
            ), worded AS (
                SELECT p.id, ts_rank_cd(p.content_search_vector, words)::double precision AS rank
                FROM archon_crawled_pages p
                WHERE p.content_search_vector @@ words
                  AND p.metadata @> filter AND (source_filter IS NULL OR p.source_id = source_filter)
                ORDER BY rank DESC
                LIMIT match_count
            )
            SELECT p.id, p.url, p.chunk_number, p.content, p.metadata, p.source_id,
                   coalesce(n.similarity, w.rank) AS score,
                   CASE WHEN w.id IS NULL THEN 'vector' WHEN n.id IS NULL THEN 'keyword' ELSE 'hybrid' END
            FROM near n
            FULL JOIN worded w ON w.id = n.id
            JOIN archon_crawled_pages p ON p.id = coalesce(n.id, w.id)
            ORDER BY score DESC
            LIMIT match_count;
    END
    $$;

CREATE FUNCTION hybrid_search_archon_crawled_pages(
    query_embedding vector,
    query_text      text,
    match_count     integer DEFAULT 10,
    filter          jsonb DEFAULT '{}',
    source_filter   text DEFAULT NULL)
    RETURNS TABLE (id bigint, url varchar, chunk_number integer, content text, metadata jsonb, source_id text,
                   similarity double precision, match_type text)
    LANGUAGE sql
    AS $$
        SELECT * FROM hybrid_search_archon_crawled_pages_multi(
            query_embedding, vector_dims(query_embedding), query_text, match_count, filter, source_filter)
    $$;

CREATE FUNCTION hybrid_search_archon_code_examples_multi(
    query_embedding     vector,
    embedding_dimension integer,
    query_text          text,
    match_count         integer DEFAULT 10,
    filter              jsonb DEFAULT '{}',
    source_filter       text DEFAULT NULL)
    RETURNS TABLE (id bigint, url varchar, chunk_number integer, content text, summary text, metadata jsonb,
                   source_id text, similarity double precision, match_type text)
    LANGUAGE plpgsql
    AS $$
    #variable_conflict use_column
    DECLARE
        words tsquery := plainto_tsquery('english', query_text);
    BEGIN
        RETURN QUERY
            WITH near AS (
                SELECT * FROM match_archon_code_examples_multi(
                    query_embedding, embedding_dimension, match_count, filter, source_filter)
            ), worded AS (
                SELECT e.id, ts_rank_cd(e.content_search_vector, words)::double precision AS rank
                FROM archon_code_examples e
                WHERE e.content_search_vector @@ words
                  AND e.metadata @> filter AND (source_filter IS NULL OR e.source_id = source_filter)
                ORDER BY rank DESC
                LIMIT match_count
            )
            SELECT e.id, e.url, e.chunk_number, e.content, e.summary, e.metadata, e.source_id,
                   coalesce(n.similarity, w.rank) AS score,
                   CASE WHEN w.id IS NULL THEN 'vector' WHEN n.id IS NULL THEN 'keyword' ELSE 'hybrid' END
            FROM near n
            FULL JOIN worded w ON w.id = n.id
            JOIN archon_code_examples e ON e.id = coalesce(n.id, w.id)
            ORDER BY score DESC
            LIMIT match_count;
    END
    $$;

CREATE FUNCTION hybrid_search_archon_code_examples(
    query_embedding vector,
    query_text      text,
    match_count     integer DEFAULT 10,
    filter          jsonb DEFAULT '{}',
    source_filter   text DEFAULT NULL)
    RETURNS TABLE (id bigint, url varchar, chunk_number integer, content text, summary text, metadata jsonb,
                   source_id text, similarity double precision, match_type text)
    LANGUAGE sql
    AS $$
        SELECT * FROM hybrid_search_archon_code_examples_multi(
            query_embedding, vector_dims(query_embedding), query_text, match_count, filter, source_filter)
    $$;
