-- What the administrator of the database has to install: pgvector stores embeddings, pgcrypto makes random
-- identifiers, pg_trgm finds words by their parts. vector is not a trusted extension, so this needs a superuser
-- (or a database where somebody installed it before).
CREATE EXTENSION IF NOT EXISTS vector;
CREATE EXTENSION IF NOT EXISTS pgcrypto;
CREATE EXTENSION IF NOT EXISTS pg_trgm;
