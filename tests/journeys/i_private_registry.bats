#!/usr/bin/env bats
# A registry with a password and a certificate of the company's own authority.
load helpers

setup_file() {
    mkdir -p "$FILE/home"
    make_ca "$FILE/company" "Company CA"
    make_certificate "$FILE/company" "$FILE/registry-tls" DNS:localhost,IP:127.0.0.1
    registry_start "$REGISTRY" --storage "$(images_storage)" --read-only --tls "$FILE/registry-tls.crt" "$FILE/registry-tls.key" --login builder "pass:word"
    journey_start key
    login_file "builder:pass:word" >"$FILE/auth.json"
    chmod 600 "$FILE/auth.json"
    app_copy "$FILE/shop"
}

teardown_file() { journey_stop; }

# login_file USER:PASSWORD: what docker login writes.
login_file() { jq -n --arg host "$(registry_host "$REGISTRY")" --arg auth "$(printf '%s' "$1" | base64 -w 0)" '{auths: {($host): {auth: $auth}}}'; }

# create ARG...
create() {
    (cd "$FILE/shop" && SHOP_REGISTRY=$(registry_host "$REGISTRY") bundler create --key "$FILE/release.key" --cache "$FILE/blobs" -o "$FILE/private.bundle.tar.zst" "$@")
}

setup() { rm -rf "$FILE/private.bundle.tar.zst" "$FILE/blobs"; }

nothing_made() { [ -z "$(find "$FILE" -maxdepth 1 -name 'private.bundle*')" ] || fail "something was left"; }

@test "with an auth file and the authority" {
    works create --registry-ca "$FILE/company/ca.pem" --authfile "$FILE/auth.json"
    works bundler verify "$FILE/private.bundle.tar.zst" --trust "$FILE/release.pub"
}

@test "with what docker login left in the home folder" {
    mkdir -p "$FILE/docker-home/.docker"
    cp "$FILE/auth.json" "$FILE/docker-home/.docker/config.json"
    unset DOCKER_CONFIG
    HOME=$FILE/docker-home works create --registry-ca "$FILE/company/ca.pem"
}

@test "without a password" {
    refused 21 "$(registry_host "$REGISTRY")" create --registry-ca "$FILE/company/ca.pem"
    nothing_made
}

@test "with a wrong password, which no message repeats" {
    login_file "builder:wrong-secret" >"$FILE/wrong.json"
    chmod 600 "$FILE/wrong.json"
    refused 21 "$(registry_host "$REGISTRY")" create --registry-ca "$FILE/company/ca.pem" --authfile "$FILE/wrong.json" -v
    run ! grep -e wrong-secret -e "$(printf 'builder:wrong-secret' | base64)" "$FILE/stderr"
    nothing_made
}

@test "without the authority no password is sent" {
    local before
    before=$(registry_saw builder)
    refused 20 "certificate" create --authfile "$FILE/auth.json" --retries 0
    equal "$(registry_saw builder)" "$before"
    nothing_made
}

@test "plan and login use the same credentials" {
    cd "$FILE/shop"
    SHOP_REGISTRY=$(registry_host "$REGISTRY") works bundler plan --registry-ca "$FILE/company/ca.pem" --authfile "$FILE/auth.json"
    says shop/db
}

@test "an application of two images packed from the registry by the compose file alone" {
    mkdir -p "$FILE/two"
    cat >"$FILE/two/compose.yaml" <<END
name: two
services:
  one: { image: "$(registry_host "$REGISTRY")/tools/tiny:1" }
  other: { image: "$(registry_host "$REGISTRY")/tools/tiny:2" }
END
    cd "$FILE/two"
    works bundler create --compose compose.yaml --version 0.1.0 --key "$FILE/release.key" --registry-ca "$FILE/company/ca.pem" --authfile "$FILE/auth.json" -o "$FILE/private.bundle.tar.zst"
    works bundler inspect "$FILE/private.bundle.tar.zst" --trust "$FILE/release.pub"
    says tools/tiny:1
    says tools/tiny:2
}
