#!/usr/bin/env bats
# create, install, status, stop, start, upgrade, broken upgrade, downgrade, uninstall: one life, in order, one test after the other.
load helpers

setup_file() {
    journey_start registry engine key certs shop
    app_upgrade "$FILE/shop" && pack_shop shop-1.1.0
    app_break "$FILE/shop" && pack_shop shop-1.2.0
    site_reset
}

teardown_file() { journey_stop; }

bundle() { printf '%s/shop-%s.bundle.tar.zst\n' "$FILE" "$1"; }

shown() { fetch https://shop.example:8443/items; }

@test "1 install" {
    works install_shop "$(bundle 1.0.0)"
    equal "$(services shop)" "$SHOP_HEALTHY"
    equal "$(shown | jq -c '[.version, .site, .items]')" '["1.0.0","Journey",["lantern","rope; 20 m","tea"]]'
}

@test "2 status" {
    works site status
    says '1\.0\.0'
    says healthy
    works site status --json
    jq -e . "$FILE/stdout" >/dev/null
}

@test "3 logs" {
    works site logs db
    says "ready to accept connections"
    refused 2 "nobody" site logs nobody
    works site logs db --json
    jq -e '.command == "logs" and .status == 0 and .services[0].name == "db" and any(.services[0].lines[]; contains("ready to accept"))' "$FILE/stdout" >/dev/null ||
        complain "logs --json" "no document of what db said"
}

@test "4 stop and start keep the data" {
    works site stop --json
    equal "$(jq -c . "$FILE/stdout")" '{"command":"stop","status":0,"error":null}'
    equal "$(on_engine ps -q)" ""
    works site start
    equal "$(services shop)" "$SHOP_HEALTHY"
    equal "$(shown | jq -c .items)" '["lantern","rope; 20 m","tea"]'
}

@test "5 install again does nothing" {
    world >"$FILE/before"
    works install_shop "$(bundle 1.0.0)"
    world | diff -u "$FILE/before" - >&2
}

@test "5a on a terminal the plan is shown before it is asked for a yes, and nothing but a yes goes on" {
    local options
    mapfile -t options < <(site_options)
    unchanged gives 62 timeout 60 python3 "$CHECKOUT/tests/support/asked.py" --answer no '(?s)variables.*PUBLIC_PORT.*Install this. .yes/no.: ' true \
        "$(command -v nsenter)" "--net=/run/netns/$(cat "$ENGINE/netns")" "$BIN/archon-load" install "$(bundle 1.0.0)" "${options[@]}"
    gives 2 site uninstall --json
    tells "--json asks nothing: --yes is needed"
}

@test "6 a row that a user writes is there after the upgrade" {
    shop_sql "INSERT INTO items (name) VALUES ('mine')"
    works install_shop "$(bundle 1.1.0)"
    equal "$(services shop)" "$SHOP_HEALTHY"
    equal "$(shown | jq -c '[.version, .items]')" '["1.1.0",["lantern","rope; 20 m","tea","mine","compass"]]'
    works site status
    says '1\.1\.0'
}

@test "7 settings are kept over an upgrade" {
    equal "$(shown | jq -r .site)" Journey
}

@test "8 an older version is refused" {
    world >"$FILE/before"
    refused 12 '1\.0\.0.*1\.1\.0|1\.1\.0.*1\.0\.0' install_shop "$(bundle 1.0.0)"
    world | diff -u "$FILE/before" - >&2
}

@test "9 an upgrade that does not get healthy goes back to the release before it" {
    gives 50 install_shop "$(bundle 1.2.0)" --wait-timeout 15
    tells "its shelf is empty"
    equal "$(services shop)" "$SHOP_HEALTHY"
    equal "$(shown | jq -r .version)" 1.1.0
    works site status
    says '1\.1\.0'
}

@test "10 the same version with other content is an alarm" {
    app_version "$FILE/shop" 1.1.0 1.1.0
    sed -i 's/^title: .*/title: Another shop/' "$FILE/shop/bundle.yaml"
    pack_shop shop-1.1.0-other
    refused 12 '1\.1\.0' install_shop "$(bundle 1.1.0-other)"
    equal "$(shown | jq -r .version)" 1.1.0
}

@test "11 uninstall keeps the data, install finds it again" {
    works site uninstall --yes
    equal "$(on_engine ps -aq)" ""
    on_engine volume ls -q | grep -q '^shop_data$'
    works install_shop "$(bundle 1.1.0)"
    shown | jq -e '.items | index("mine")' >/dev/null
}

@test "12 uninstall --purge leaves nothing of it, also when the release was uninstalled before" {
    works site uninstall --yes
    on_engine volume ls -q | grep -q '^shop_data$'
    works site uninstall --purge --yes
    equal "$(on_engine ps -aq)$(on_engine volume ls -q)" ""
    equal "$(on_engine network ls -q --filter type=custom)" ""
}
