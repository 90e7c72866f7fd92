-- Comes with 1.1.0.
ALTER TABLE items ADD COLUMN stock integer NOT NULL DEFAULT 0;
INSERT INTO items (name, stock) VALUES ('compass', 7);
