DROP FUNCTION item_count();
DROP TABLE items;
