-- What the shop sells.
CREATE TABLE items (
    id   integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name citext NOT NULL UNIQUE
);

CREATE FUNCTION item_count() RETURNS bigint LANGUAGE plpgsql STABLE AS $body$
BEGIN
    RETURN (SELECT count(*) FROM items); -- a semicolon inside a body is not an end
END
$body$;
