#!/usr/bin/env bats
# Images of the engine on this machine, packed without a registry.
load helpers

setup_file() {
    journey_start registry engine key tiny
    site_reset
    site load-images "$FILE/tiny-1.0.0.bundle.tar.zst" >"$FILE/out/load-images" 2>&1 || fail "$(cat "$FILE/out/load-images")"
    on_engine tag "$(tiny)" shop/tiny:7
}

teardown_file() { journey_stop; }

tiny() { printf '%s/tools/tiny:1\n' "$(registry_host "$REGISTRY")"; }

# create ARG...
create() { bundler create --key "$FILE/release.key" --cache "$FILE/own-blobs" --engine "$(daemon_socket "$ENGINE")" "$@"; }

layers() { python3 "$CHECKOUT/tests/reader/read_bundle.py" layers "$1" --trust "$FILE/release.pub"; }

@test "the layers are those that the registry had, and the bytes always the same" {
    works create --version 1.0.0 -o "$FILE/local.bundle.tar.zst" docker-daemon:shop/tiny:7
    equal "$(layers "$FILE/local.bundle.tar.zst")" "$(layers "$FILE/tiny-1.0.0.bundle.tar.zst")"
    works bundler inspect "$FILE/local.bundle.tar.zst" --trust "$FILE/release.pub"
    says docker.io/shop/tiny:7
    rm -rf "$FILE/own-blobs"
    works create --version 1.0.0 -o "$FILE/again.bundle.tar.zst" docker-daemon:shop/tiny:7
    cmp "$FILE/local.bundle.tar.zst" "$FILE/again.bundle.tar.zst"
}

@test "a compose application whose image only the engine has" {
    mkdir -p "$FILE/own"
    printf 'services:\n  web: { image: "shop/tiny:7" }\n' >"$FILE/own/compose.yaml"
    printf 'name: own\nversion: 1.0.0\ncompose: [compose.yaml]\nimages: ["docker-daemon:shop/tiny:7"]\n' >"$FILE/own/bundle.yaml"
    works create -f "$FILE/own/bundle.yaml" -o "$FILE/own.bundle.tar.zst"
    works bundler verify --deep "$FILE/own.bundle.tar.zst" --trust "$FILE/release.pub"
    site_reset images
    works site install "$FILE/own.bundle.tar.zst" --yes
    equal "$(services own)" "web running healthy"
}

@test "an image that the engine does not have, an engine that is not there" {
    mkdir -p "$FILE/nothing"
    refused 22 "shop/absent:1" create --version 1.0.0 -o "$FILE/nothing/x.bundle.tar.zst" docker-daemon:shop/absent:1
    refused 30 "none.sock" bundler create --engine "$FILE/none.sock" --cache "$FILE/own-blobs" --version 1.0.0 -o "$FILE/nothing/x.bundle.tar.zst" docker-daemon:shop/tiny:7
    no_partial "$FILE/nothing"
}
