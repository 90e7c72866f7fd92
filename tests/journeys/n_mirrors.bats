#!/usr/bin/env bats
# Mirrors before registries: a real pull-through mirror of a real registry, and what happens when one of them is not there.
load helpers

setup_file() {
    journey_start registry key
    MIRROR=$FILE/mirror
    registry_start "$MIRROR" --proxy "http://$(registry_host "$REGISTRY")"
    works create "$FILE/direct"
}

teardown_file() {
    registry_stop "$FILE/mirror"
    journey_stop
}

origin() { registry_host "$REGISTRY"; }
mirror() { registry_host "$FILE/mirror"; }

# create OUT ARG...: the same image each time, with a cache of its own, so that all of it is fetched.
create() {
    rm -rf "$FILE/blobs"
    bundler create --key "$FILE/release.key" --cache "$FILE/blobs" --version 1.0.0 --no-loader --retries 1 -o "$1.bundle.tar.zst" "${@:2}" "$(origin)/tools/tiny:${TAG:-1}"
}

same_as_direct() {
    cmp "$FILE/this.bundle.tar.zst" "$FILE/direct.bundle.tar.zst"
    rm "$FILE/this.bundle.tar.zst"
}

# asked FOLDER: how often we asked the registry there for the image. (Signatures and the like, which the mirror has not, are looked for at both.)
asked() { grep -cE 'GET /v2/tools/tiny/(manifests/(1|sha256:)|blobs/).*archon-bundle' "$1/log" || true; }

# conf TEXT: a registries.conf with this.
conf() { printf '%s\n' "$1" >"$FILE/registries.conf"; }
create_with_conf() { CONTAINERS_REGISTRIES_CONF=$FILE/registries.conf create "$@"; }

# A port on which nobody listens.
dead() { printf '127.0.0.1:1\n'; }

@test "a pull-through mirror serves everything, the registry is not asked, the bundle is the same" {
    local before
    before=$(asked "$REGISTRY")
    works create "$FILE/this" --mirror "$(origin)=$(mirror)"
    equal "$(asked "$REGISTRY")" "$before"
    [ "$(asked "$FILE/mirror")" -ge 4 ]
    same_as_direct
}

@test "a mirror that is not there costs no more than asking it" {
    works create "$FILE/this" --mirror "$(origin)=$(dead)" --mirror "$(origin)=$(mirror)"
    same_as_direct
    works create "$FILE/this" --mirror "$(origin)=$(dead)/some/where"
    same_as_direct
}

@test "a mirror that lacks the repository is passed over" {
    local before
    before=$(asked "$REGISTRY")
    works create "$FILE/this" --mirror "$(origin)=$(mirror)/not/here"
    [ "$(asked "$REGISTRY")" -gt "$before" ]
    same_as_direct
}

@test "when nobody has it, all are named with what they said" {
    TAG=absent refused 22 "$(origin).*404.*mirrors before it: .*$(dead).*$(mirror).*404" create "$FILE/none" --mirror "$(origin)=$(dead)" --mirror "$(origin)=$(mirror)"
    [ ! -e "$FILE/none.bundle.tar.zst" ]
}

@test "registries.conf of containers-common is honoured" {
    local before
    before=$(asked "$REGISTRY")
    conf "unqualified-search-registries = [\"docker.io\"]
[[registry]]
location = \"$(origin)\"
[[registry.mirror]]
location = \"$(mirror)\"
insecure = true"
    works create_with_conf "$FILE/this"
    equal "$(asked "$REGISTRY")" "$before"
    same_as_direct
    conf "[[registry]]
prefix = \"$(origin)/tools\"
location = \"$(mirror)/tools\""
    works create_with_conf "$FILE/this"
    equal "$(asked "$REGISTRY")" "$before"
    same_as_direct
}

@test "what is blocked is refused, and a file that is not understood is not passed over" {
    conf "[[registry]]
location = \"$(origin)\"
blocked = true"
    refused 12 "is blocked by $FILE/registries.conf:1" create_with_conf "$FILE/none" --mirror "$(origin)=$(mirror)"
    conf "[[registry]]
location = \"$(origin)\"
blocked = maybe"
    refused 3 "registries.conf:3: " create_with_conf "$FILE/none"
    rm "$FILE/registries.conf"
    refused 3 "registries.conf" create_with_conf "$FILE/none"
    refused 2 "mirror" create "$FILE/none" --mirror "$(mirror)"
    [ ! -e "$FILE/none.bundle.tar.zst" ]
}
