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

teardown_file() {
    registry_stop "$FILE/strict"
    journey_stop
}

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
    refused 21 "$(registry_host "$REGISTRY")" create --registry-ca "$FILE/company/ca.pem" --authfile "$FILE/wrong.json"
    gives 21 create --registry-ca "$FILE/company/ca.pem" --authfile "$FILE/wrong.json" -v
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

# login ARG...: what archon-bundle login says about the file's registry.
login() { bundler login "$(registry_host "$REGISTRY")" --registry-ca "$FILE/company/ca.pem" "$@"; }

@test "plan and login use the same credentials" {
    cd "$FILE/shop"
    SHOP_REGISTRY=$(registry_host "$REGISTRY") works bundler plan --registry-ca "$FILE/company/ca.pem" --authfile "$FILE/auth.json"
    says shop/db
    works login --authfile "$FILE/auth.json"
    says "logged in as builder, from $FILE/auth.json"
}

@test "login refuses what is refused, and stores nothing" {
    local before
    before=$(find "$HOME" | sort)
    login_file "builder:wrong-secret" >"$FILE/wrong.json"
    chmod 600 "$FILE/wrong.json"
    refused 21 "refused the login of builder from $FILE/wrong.json" login --authfile "$FILE/wrong.json"
    refused 21 "wants a login, and there is none" login
    refused 20 "certificate" bundler login "$(registry_host "$REGISTRY")" --authfile "$FILE/auth.json"
    equal "$(find "$HOME" | sort)" "$before"
}

@test "with a pair of variables for the registry" {
    local name
    name=ARCHON_REGISTRY_$(registry_host "$REGISTRY" | tr .: __)
    export "${name}_USER=builder" "${name}_PASSWORD=pass:word"
    works login
    says "logged in as builder, from ${name}_USER"
    works create --registry-ca "$FILE/company/ca.pem"
    unset "${name}_PASSWORD"
    printf 'pass:word\n' >"$FILE/password"
    chmod 600 "$FILE/password"
    export "${name}_PASSWORD_FILE=$FILE/password"
    works login
    chmod 644 "$FILE/password"
    refused 3 "$FILE/password" login
}

# with_helper ANSWER COMMAND ARG...: with docker-credential-journey in /usr/local/bin, as the system's administrator would install it; in a
# mount namespace, so that this machine does not get it. It notes what it is asked in $FILE/asked.
with_helper() {
    printf '#!/bin/sh\n{ cat; echo; } >>%q\nenv >%q\n%s\n' "$FILE/asked" "$FILE/helper-environment" "$1" >"$FILE/helper"
    shift
    rm -f "$FILE/asked"
    mkdir -p "$FILE/helper-home"
    printf '{"credHelpers": {"%s": "journey"}}' "$(registry_host "$REGISTRY")" >"$FILE/helper-home/config.json"
    # shellcheck disable=SC2016
    DOCKER_CONFIG=$FILE/helper-home unshare --mount bash -c 'mount -t tmpfs -o mode=755 tmpfs /usr/local/bin
        install -m 755 "$1" /usr/local/bin/docker-credential-journey; shift; exec "$@"' _ "$FILE/helper" "$@"
}

helper_create() {
    cd "$FILE/shop" || return
    with_helper "$1" env "SHOP_REGISTRY=$(registry_host "$REGISTRY")" "SECRET_CANARY=canary-7" "$BIN/archon-bundle" create --key "$FILE/release.key" --cache "$FILE/blobs" \
        --registry-ca "$FILE/company/ca.pem" -o "$FILE/private.bundle.tar.zst"
}

@test "with a credential helper, which is asked once for all images" {
    works helper_create 'echo "{\"ServerURL\": \"x\", \"Username\": \"builder\", \"Secret\": \"pass:word\"}"'
    equal "$(cat "$FILE/asked")" "$(registry_host "$REGISTRY")"
    run ! grep -e canary-7 -e DOCKER_CONFIG "$FILE/helper-environment"
}

@test "with a credential helper that fails or knows nothing" {
    gives 3 helper_create 'echo the keyring is locked; exit 4'
    tells "shop/[a-z]* needs a login: the program named in $FILE/helper-home/config.json: docker-credential-journey: ended with status 4: the keyring is locked"
    refused 21 "needs a login or does not exist" helper_create 'echo credentials not found in native keychain; exit 1'
    nothing_made
}

@test "variables and files that libraries would obey change nothing" {
    printf 'machine 127.0.0.1 login builder password pass:word\n' >"$FILE/home/.netrc"
    chmod 600 "$FILE/home/.netrc"
    refused 21 "needs a login" env NETRC="$FILE/home/.netrc" "SHOP_REGISTRY=$(registry_host "$REGISTRY")" "$BIN/archon-bundle" plan --registry-ca "$FILE/company/ca.pem" \
        --cache "$FILE/blobs" -f "$FILE/shop/bundle.yaml"
    rm "$FILE/home/.netrc"
    refused 20 certificate env SSL_CERT_FILE="$FILE/company/ca.pem" SSL_CERT_DIR="$FILE/company" CURL_CA_BUNDLE="$FILE/company/ca.pem" SSLKEYLOGFILE="$FILE/keylog" \
        "$BIN/archon-bundle" login "$(registry_host "$REGISTRY")" --authfile "$FILE/auth.json"
    SSLKEYLOGFILE=$FILE/keylog works login --authfile "$FILE/auth.json"
    [ ! -e "$FILE/keylog" ] || fail "the keys of the connection were written"
}

@test "files with logins that are no good are named" {
    printf '{"auths": {"%s": {"auth": "no base64"}}}' "$(registry_host "$REGISTRY")" >"$FILE/rubbish.json"
    chmod 600 "$FILE/rubbish.json"
    refused 3 "$FILE/rubbish.json" login --authfile "$FILE/rubbish.json"
    cp "$FILE/auth.json" "$FILE/open.json"
    chmod 644 "$FILE/open.json"
    refused 3 "$FILE/open.json" login --authfile "$FILE/open.json"
    tells "chmod 600"
}

@test "with a client certificate" {
    local strict
    make_ca "$FILE/people" "People CA"
    make_certificate "$FILE/people" "$FILE/builder" DNS:builder
    registry_start "$FILE/strict" --storage "$(images_storage)" --read-only --tls "$FILE/registry-tls.crt" "$FILE/registry-tls.key" --client-ca "$FILE/people/ca.pem"
    strict=$(registry_host "$FILE/strict")
    refused 20 "$strict" bundler login "$strict" --registry-ca "$FILE/company/ca.pem"
    tells "client certificate"
    make_ca "$FILE/others" "Others CA"
    make_certificate "$FILE/others" "$FILE/stranger" DNS:stranger
    refused 20 "$strict" bundler login "$strict" --registry-ca "$FILE/company/ca.pem" --client-cert "$FILE/stranger.crt" --client-key "$FILE/stranger.key"
    tells "not take this client certificate"
    works bundler login "$strict" --registry-ca "$FILE/company/ca.pem" --client-cert "$FILE/builder.crt" --client-key "$FILE/builder.key"
    says anonymous
    mkdir -p "$FILE/home/.config/containers/certs.d/$strict"
    cp "$FILE/builder.crt" "$FILE/home/.config/containers/certs.d/$strict/client.cert"
    cp "$FILE/builder.key" "$FILE/home/.config/containers/certs.d/$strict/client.key"
    cp "$FILE/company/ca.pem" "$FILE/home/.config/containers/certs.d/$strict/ca.crt"
    works bundler login "$strict"
    (cd "$FILE/shop" && SHOP_REGISTRY=$strict works bundler create --key "$FILE/release.key" --cache "$FILE/blobs" -o "$FILE/private.bundle.tar.zst")
    chmod 644 "$FILE/home/.config/containers/certs.d/$strict/client.key"
    refused 3 "client.key" bundler login "$strict"
    rm -rf "$FILE/home/.config"
    registry_stop "$FILE/strict"
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
