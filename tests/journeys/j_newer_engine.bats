#!/usr/bin/env bats
# The life of a release on a newer Debian with its engine and compose v2, on the classic image store and on containerd's.
load helpers

setup_file() {
    debian_root trixie >/dev/null
    journey_start registry key certs shop
    app_upgrade "$FILE/shop" && pack_shop shop-1.1.0
    mkdir "$FILE/bin"
    cp "$BIN"/archon-* "$FILE/bin/"
}

# That Debian sees the file's scratch folder: the programs are carried there, as to any host.
setup() { BIN=$FILE/bin; }

teardown_file() { journey_stop; }

teardown() { daemon_stop "$ENGINE"; }

bundle() { printf '%s/shop-%s.bundle.tar.zst\n' "$FILE" "$1"; }

# life: install, again, stop, start, upgrade, uninstall.
life() {
    site_reset
    works install_shop "$(bundle 1.0.0)"
    equal "$(services shop)" "$SHOP_HEALTHY"
    fetch https://shop.example:8443/ | grep -q '<li>lantern</li>'
    fetch https://shop.example:8443/trust | grep -q '"trusted": true'
    engine_world >"$FILE/first"
    works install_shop "$(bundle 1.0.0)"
    engine_world | diff -u "$FILE/first" - >&2
    works site stop
    works site start
    equal "$(services shop)" "$SHOP_HEALTHY"
    works install_shop "$(bundle 1.1.0)"
    fetch https://shop.example:8443/items | jq -e '.version == "1.1.0" and (.items | index("compass"))' >/dev/null
    works site uninstall --purge --yes
    equal "$(on_engine ps -aq)$(on_engine volume ls -q)" ""
}

@test "a newer engine with its classic store" {
    daemon_start "$ENGINE" --root "$(debian_root trixie)"
    equal "$(on_engine info --format '{{.Driver}}')" overlay2
    life
}

@test "a newer engine with containerd's store" {
    daemon_start "$ENGINE" --root "$(debian_root trixie)" --containerd-store
    on_engine info --format '{{.DriverStatus}}' | grep -q io.containerd.snapshotter.v1
    life
}
