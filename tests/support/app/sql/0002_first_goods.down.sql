DELETE FROM items WHERE name IN ('lantern', 'rope; 20 m', 'tea');
