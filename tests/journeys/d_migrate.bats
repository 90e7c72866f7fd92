#!/usr/bin/env bats
# Migrations in a real PostgreSQL: once, in order, all or nothing.
load helpers

setup_file() { journey_start registry engine key certs shop; }
teardown_file() { journey_stop; }

setup() {
    site_reset
    rm -rf "$FILE/shop"
    app_copy "$FILE/shop"
}

ledger() { shop_sql "SELECT name, state FROM archon_load.migrations ORDER BY name"; }

shop_bundle() { printf '%s/shop-%s.bundle.tar.zst\n' "$FILE" "$1"; }

@test "migrations run once, as an ordinary role, after the bootstrap of the administrator" {
    works install_shop "$(shop_bundle 1.0.0)"
    equal "$(shop_sql "SELECT string_agg(name, ',' ORDER BY id) FROM items")" "lantern,rope; 20 m,tea"
    equal "$(shop_sql "SELECT tableowner FROM pg_tables WHERE tablename = 'items'")" shop
    equal "$(shop_sql "SELECT rolsuper FROM pg_roles WHERE rolname = 'shop'")" f
    equal "$(ledger | wc -l)" 2
    works install_shop "$(shop_bundle 1.0.0)"
    equal "$(shop_sql "SELECT count(*) FROM items")" 3
    works site migrate status
    says 0002
}

@test "a failing migration leaves database and services as they were: status 41 with file, line and SQLSTATE" {
    works install_shop "$(shop_bundle 1.0.0)"
    app_upgrade "$FILE/shop"
    printf -- '-- the second statement fails\nCREATE TABLE half (id integer);\nINSERT INTO nowhere VALUES (1);\n' >"$FILE/shop/sql/0004_fails.sql"
    pack_shop shop-1.1.0-failing
    refused 41 "0004_fails.*42P01" install_shop "$(shop_bundle 1.1.0-failing)"
    tells '0004_fails(\.sql)?:3'
    equal "$(shop_sql "SELECT to_regclass('half') IS NULL")" t
    equal "$(shop_sql "SELECT count(*) FROM items")" 3
    equal "$(ledger | wc -l)" 2
    equal "$(services shop)" "$SHOP_HEALTHY"
    fetch https://shop.example:8443/items | grep -q '"version": "1.0.0"'
}

@test "history that was changed afterwards stops everything" {
    works install_shop "$(shop_bundle 1.0.0)"
    app_upgrade "$FILE/shop"
    printf -- '-- edited after release\n' >>"$FILE/shop/sql/0001_items.sql"
    pack_shop shop-1.1.0-edited
    gives 12 install_shop "$(shop_bundle 1.1.0-edited)" || gives 40 install_shop "$(shop_bundle 1.1.0-edited)"
    tells 0001_items
    equal "$(shop_sql "SELECT count(*) FROM items")" 3
    fetch https://shop.example:8443/items | grep -q '"version": "1.0.0"'
}

@test "a migration that carries its own COMMIT is refused when the bundle is made" {
    printf 'CREATE TABLE early (id integer);\nCOMMIT;\n' >"$FILE/shop/sql/0003_commits.sql"
    cd "$FILE/shop"
    SHOP_REGISTRY=$(registry_host "$REGISTRY") refused 3 "0003_commits.*:2" bundler create --key "$FILE/release.key" -o "$FILE/never.bundle.tar.zst"
    [ ! -e "$FILE/never.bundle.tar.zst" ]
}

@test "two installs at once: one works, the other names it" {
    local first second
    (install_shop "$(shop_bundle 1.0.0)" >"$FILE/first" 2>&1) &
    first=$!
    sleep 1
    second=0
    install_shop "$(shop_bundle 1.0.0)" >"$FILE/second" 2>&1 || second=$?
    wait "$first"
    equal "$second" 61
    grep -q "$first\|install" "$FILE/second"
}

@test "migrate up applies what an installed release lacks" {
    works install_shop "$(shop_bundle 1.0.0)"
    works site migrate up
    equal "$(ledger | wc -l)" 2
}

# A PostgreSQL that the site runs itself: TLS with a certificate of the site's authority, at 172.30.9.10.
start_site_database() {
    mkdir -p "$FILE/pg"
    make_certificate "$FILE/ca" "$FILE/pg/server" IP:172.30.9.10
    chown 999:999 "$FILE"/pg/server.*
    on_engine network create --subnet 172.30.9.0/24 sitenet >/dev/null
    on_engine run -d --name sitedb --network sitenet --ip 172.30.9.10 -e POSTGRES_PASSWORD=admin -e POSTGRES_DB=shop -v "$FILE/pg:/tls:ro" \
        "$(registry_host "$REGISTRY")/shop/db:1.0.0" -c ssl=on -c ssl_cert_file=/tls/server.crt -c ssl_key_file=/tls/server.key >/dev/null
    wait_for 30 on_engine exec sitedb pg_isready -q -h 127.0.0.1
    site_sql "CREATE EXTENSION citext; CREATE ROLE shop LOGIN PASSWORD 'there'; GRANT CREATE ON DATABASE shop TO shop; GRANT CREATE ON DATABASE shop TO shop; GRANT CREATE ON SCHEMA public TO shop"
}

site_sql() { on_engine exec sitedb psql -X -q -A -t -v ON_ERROR_STOP=1 -h /var/run/postgresql -U postgres -d shop -c "$1"; }

# migrate_site_database CA
migrate_site_database() {
    site migrate up "$(shop_bundle 1.0.0)" --database-url-file "$FILE/url" --database-ca "$1" --set SITE_NAME=Journey
}

@test "a database that the site runs, over TLS with its own authority" {
    works site load-images "$(shop_bundle 1.0.0)"
    start_site_database
    install -m 600 <(printf 'postgresql://shop:there@172.30.9.10:5432/shop\n') "$FILE/url"
    make_ca "$FILE/other-ca" "Another CA"
    refused 40 "certificate" migrate_site_database "$FILE/other-ca/ca.pem"
    equal "$(site_sql "SELECT to_regclass('items') IS NULL")" t
    works migrate_site_database "$FILE/ca/ca.pem"
    equal "$(site_sql 'SELECT count(*) FROM items')" 3
    works migrate_site_database "$FILE/ca/ca.pem"
    equal "$(site_sql 'SELECT count(*) FROM items')" 3
}
