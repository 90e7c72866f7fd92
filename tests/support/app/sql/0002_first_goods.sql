-- archon: timeout=1min lock_timeout=5s
INSERT INTO items (name) VALUES ('lantern'), ('rope; 20 m'), ('tea');
