#!/usr/bin/env bats
# The real docker-registry as companies have it: TLS by the company's authority, tokens from a server of its own, a proxy in between. In a network of
# its own, so that nothing is on loopback and everything has its name.
load helpers
# shellcheck source=/dev/null disable=SC2154
. "$here/../support/names.sh"

NAMES=$FILE/names
TOKENS=$FILE/tokens
PROXY=$FILE/proxy

setup_file() {
    packages proxy
    mkdir -p "$FILE/home" "$TOKENS"
    journey_start key
    make_ca "$FILE/company" "Company CA"
    make_certificate "$FILE/company" "$FILE/tls" DNS:registry.test,DNS:token.test,DNS:files.test
    registry_start "$REGISTRY"
    put public/app:1 1
    put private/app:1 1
    # shellcheck disable=SC2046  # one layer each
    put private/many:1 $(printf '1 %.0s' $(seq 12))
    registry_stop "$REGISTRY"
    names_start "$NAMES" registry.test=192.0.2.1 token.test=192.0.2.2 proxy.test=192.0.2.3 files.test=192.0.2.4
    names_without "$NAMES" "$FILE/blind" registry.test token.test
    tokens_start 300
    rm "$REGISTRY/realm" 2>/dev/null || true
    registry_start "$REGISTRY" --names "$NAMES" 192.0.2.1:443 --tls "$FILE/tls.crt" "$FILE/tls.key" --token https://token.test/token "$TOKENS/signer.pem" --read-only
    registry_start "$FILE/registry-basic" --storage "$REGISTRY/storage" --names "$NAMES" 192.0.2.1:5000 --tls "$FILE/tls.crt" "$FILE/tls.key" --login builder "pass:word" --read-only
    login_files
}

teardown_file() {
    proxy_stop
    tokens_stop
    registry_stop "$FILE/registry-basic"
    names_stop "$NAMES"
    journey_stop
}

setup() {
    rm -rf "$FILE/blobs" "$FILE/it.bundle.tar.zst"
    : >"$TOKENS/log"
}

put() { python3 "$SUPPORT_DIR/registry_api.py" "http://$(registry_host "$REGISTRY")" "$@" >/dev/null; }

# tokens_start LIFETIME: of what the server gives from now on; its owner is told 300 seconds in any case.
tokens_start() {
    tokens_stop
    jq -n --argjson lifetime "$1" --arg dir "$FILE" '{address: "192.0.2.2:443", certificate: ($dir + "/tls.crt"), key: ($dir + "/tls.key"), issuer: "tests", service: "registry",
        users: {builder: "pass:word"}, refresh: {"identity-of-builder": "builder"}, lifetime: $lifetime, told: 300}' >"$TOKENS/token.json"
    rm -f "$TOKENS/host"
    names_spawn "$NAMES" "$FILE/tokens.pid" "$TOKENS/trouble" python3 "$SUPPORT_DIR/token_server.py" "$TOKENS"
    wait_for 10 test -e "$TOKENS/host" || fail "$(cat "$TOKENS/trouble")"
}

tokens_stop() { [ ! -e "$FILE/tokens.pid" ] || stop_pid "$FILE/tokens.pid"; }

login_files() {
    local auth
    auth=$(printf 'builder:pass:word' | base64 -w 0)
    umask 077
    printf '{"auths":{"registry.test":{"auth":"%s"},"registry.test:5000":{"auth":"%s"}}}\n' "$auth" "$auth" >"$FILE/builder.json"
    printf '{"auths":{"registry.test":{"auth":"%s"}}}\n' "$(printf 'builder:wrong-secret' | base64 -w 0)" >"$FILE/wrong.json"
    printf '{"auths":{"registry.test":{"identitytoken":"identity-of-builder"}}}\n' >"$FILE/identity.json"
    printf '{"auths":{"registry.test":{"identitytoken":"wrong-secret"}}}\n' >"$FILE/wrong-identity.json"
}

# create IMAGE ARG...: where $WHERE is, the network with all names if it is not said.
create() {
    local image=$1
    shift
    names_run "${WHERE:-$NAMES}" "${LIMIT[@]}" "$BIN/archon-bundle" create --key "$FILE/release.key" --version 1.0.0 --no-loader --retries "${RETRIES:-1}" --registry-ca "$FILE/company/ca.pem" \
        --cache "$FILE/blobs" -o "$FILE/it.bundle.tar.zst" "$@" "$image"
}

create_with_tokens() { create "$@" --token-server token.test; }

good() { works bundler verify --deep "$FILE/it.bundle.tar.zst" --trust "$FILE/release.pub"; }

# tokens FILTER: how many requests the token server got for which this jq filter is true.
tokens() { jq -c "select($1)" "$TOKENS/log" | wc -l; }

@test "a token server elsewhere is asked for nothing unless it is named" {
    refused 21 "token.test" create registry.test/public/app:1 --authfile "$FILE/builder.json"
    [ ! -s "$TOKENS/log" ]
    tells "token-server"
}

@test "tokens: what is public is served to nobody in particular, by one token" {
    works create_with_tokens registry.test/public/app:1
    good
    equal "$(tokens 'true')" 1
    equal "$(tokens '.user == null and .scopes == ["repository:public/app:pull"]')" 1
}

@test "tokens: the rest is not" {
    refused 21 "registry.test.*private/app" create_with_tokens registry.test/private/app:1
}

@test "tokens: with a login, one for each repository" {
    works create_with_tokens registry.test/private/app:1 --authfile "$FILE/builder.json" registry.test/public/app:1
    good
    equal "$(tokens '.user == "builder"')" 2
    equal "$(tokens 'true')" 2
}

@test "tokens: a wrong password is asked for once and not repeated in any message" {
    gives 21 create_with_tokens registry.test/private/app:1 --authfile "$FILE/wrong.json" -v
    tells "refused the login of builder"
    run ! grep -e wrong-secret -e "$(printf 'builder:wrong-secret' | base64)" "$FILE/stderr"
    equal "$(tokens 'true')" 1
}

@test "tokens: an identity token is posted" {
    works create_with_tokens registry.test/private/app:1 --authfile "$FILE/identity.json"
    good
    equal "$(tokens '.method == "POST" and .user == "builder"')" 1
    equal "$(tokens 'true')" 1
}

@test "tokens: an identity token that is not known" {
    gives 21 create_with_tokens registry.test/private/app:1 --authfile "$FILE/wrong-identity.json" -v
    tells "registry.test: private/app: .*refused"
    run ! grep wrong-secret "$FILE/stderr"
}

@test "tokens: one that ends in the middle of the run is renewed" {
    # The registry grants a minute after the end.
    tokens_start -57
    works create_with_tokens registry.test/private/many:1 --authfile "$FILE/builder.json" --limit-rate 3MiB
    good
    [ "$(tokens '.user == "builder"')" -ge 2 ] || fail "it was not renewed: $(cat "$TOKENS/log")"
    [ "$(tokens 'true')" -le 8 ] || fail "renewed too often: $(cat "$TOKENS/log")"
    tokens_start 300
}

@test "a password without tokens, over TLS of the company's authority" {
    works create registry.test:5000/private/app:1 --authfile "$FILE/builder.json"
    good
    refused 21 "registry.test:5000.*private/app" create registry.test:5000/private/app:1
}

# --- proxies ---------------------------------------------------------------------------------------------------------------------

# proxy_start [USER PASSWORD]: a proxy for port 443 and 5000 on proxy.test:8888.
proxy_start() {
    proxy_stop
    mkdir -p "$PROXY"
    : >"$PROXY/log"
    printf 'User root\nGroup root\nPort 8888\nListen 192.0.2.3\nTimeout 60\nMaxClients 50\nLogLevel Connect\nLogFile "%s/log"\nAllow 0.0.0.0/0\nConnectPort 443\nConnectPort 5000\n' "$PROXY" >"$PROXY/conf"
    [ $# -eq 0 ] || printf 'BasicAuth %s %s\n' "$1" "$2" >>"$PROXY/conf"
    names_spawn "$NAMES" "$FILE/proxy.pid" "$PROXY/trouble" tinyproxy -d -c "$PROXY/conf"
    wait_for 10 names_run "$NAMES" sh -c 'ss -Hltn "sport = :8888" | grep -q .' || fail "$(cat "$PROXY/trouble" "$PROXY/log")"
}

proxy_stop() { [ ! -e "$FILE/proxy.pid" ] || stop_pid "$FILE/proxy.pid"; }

# connected HOST:PORT: how often the proxy was asked for it.
connected() { grep -c "CONNECT $1 " "$PROXY/log" || true; }

@test "proxy: everything goes through it, names are its business, and it sees no request" {
    proxy_start
    export HTTPS_PROXY=http://proxy.test:8888
    WHERE=$FILE/blind works create_with_tokens registry.test/private/app:1 --authfile "$FILE/builder.json"
    good
    [ "$(connected registry.test:443)" -ge 1 ]
    [ "$(connected token.test:443)" -ge 1 ]
    run ! grep -E 'GET|/v2/|Authorization|pass:word' "$PROXY/log"
    # Without it there is no way from there.
    unset HTTPS_PROXY
    rm -rf "$FILE/blobs"
    RETRIES=0 WHERE=$FILE/blind refused 20 "registry.test" create_with_tokens registry.test/private/app:1 --authfile "$FILE/builder.json"
    proxy_stop
}

@test "proxy: NO_PROXY keeps a host off it" {
    proxy_start
    HTTPS_PROXY=http://proxy.test:8888 NO_PROXY=registry.test,localhost works create_with_tokens registry.test/private/app:1 --authfile "$FILE/builder.json"
    good
    equal "$(connected registry.test:443)" 0
    [ "$(connected token.test:443)" -ge 1 ]
    rm -rf "$FILE/blobs" "$FILE/it.bundle.tar.zst"
    : >"$PROXY/log"
    https_proxy=http://proxy.test:8888 no_proxy='.test' works create_with_tokens registry.test/private/app:1 --authfile "$FILE/builder.json"
    equal "$(grep -c CONNECT "$PROXY/log" || true)" 0
    proxy_stop
}

@test "proxy: one that wants a password of its own; it gets no other, and no message has it" {
    proxy_start clerk proxy-secret
    HTTPS_PROXY=http://clerk:proxy-secret@proxy.test:8888 WHERE=$FILE/blind works create_with_tokens registry.test/private/app:1 --authfile "$FILE/builder.json" -v
    good
    run ! grep -r proxy-secret "$FILE/stdout" "$FILE/stderr" "$FILE/blobs"
    rm -rf "$FILE/blobs" "$FILE/it.bundle.tar.zst"
    HTTPS_PROXY=http://clerk:another-secret@proxy.test:8888 WHERE=$FILE/blind RETRIES=0 gives 20 create_with_tokens registry.test/private/app:1 --authfile "$FILE/builder.json" -v
    tells "CONNECT.*40[17]"
    tells "hint: the proxy wants a login"
    run ! grep another-secret "$FILE/stdout" "$FILE/stderr"
    proxy_stop
}

@test "proxy: one that is not there" {
    RETRIES=0 HTTPS_PROXY=http://proxy.test:8889 refused 20 "proxy" create_with_tokens registry.test/private/app:1 --authfile "$FILE/builder.json"
}
