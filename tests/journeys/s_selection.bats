#!/usr/bin/env bats
# What is taken from a real registry: platforms, nested indexes, attestations; and the lock file, while tags move.
load helpers

setup_file() {
    journey_start key
    registry_start "$REGISTRY"
    push app 1 first linux/amd64 linux/arm/v6 linux/arm64 >"$FILE/digest"
}

teardown_file() { journey_stop; }

# push REPOSITORY TAG ...: see s_selection.py.
push() { python3 "$CHECKOUT/tests/journeys/s_selection.py" "$(registry_host "$REGISTRY")" "$@"; }
image() { printf '%s/%s\n' "$(registry_host "$REGISTRY")" "$1"; }
raw() { skopeo inspect --tls-verify=false --raw "docker://$(image "$1")"; }

# create OUT ARG...
create() { bundler create --key "$FILE/release.key" --cache "$FILE/blobs" --version 1.0.0 --no-loader -o "$FILE/$1.bundle.tar.zst" "${@:2}"; }
cat_member() { bundler cat "$FILE/$1.bundle.tar.zst" "$2" --trust "$FILE/release.pub"; }
reader() { python3 "$CHECKOUT/tests/reader/read_bundle.py" "$@"; }

# asked TAG: how often the registry was asked for the tag.
asked() { grep -c "GET /v2/app/manifests/$1 " "$REGISTRY/log" || true; }

@test "several platforms, one of them in an index in the index and one by its nearest variant, are packed as the registry has them" {
    works create all --platform linux/amd64,linux/arm/v7,linux/arm64/v8 "$(image app:1)"
    tells "has no linux/arm/v7, and linux/arm/v6 runs there too"
    works reader verify "$FILE/all.bundle.tar.zst" --trust "$FILE/release.pub" --deep
    raw app:1 | cmp - <(cat_member all images/0/index.json)
    local name digest
    for name in linux-amd64 linux-arm-v6 linux-arm64; do
        digest=sha256:$(cat_member all "images/0/manifest-$name.json" | sha256sum | cut -d ' ' -f 1)
        raw "app@$digest" | cmp - <(cat_member all "images/0/manifest-$name.json")
    done
    works bundler inspect "$FILE/all.bundle.tar.zst" --trust "$FILE/release.pub"
    says "app:1  linux/arm/v6"
    says "with 3 attestations and 0 signatures"
}

@test "a platform that the image lacks is an error that lists those it has" {
    refused 22 "app:1: has no linux/s390x, it has: linux/amd64, linux/arm/v6, linux/arm64$" create never --platform linux/amd64,linux/s390x "$(image app:1)"
    [ ! -e "$FILE/never.bundle.tar.zst" ]
}

@test "attestations of the packed platform are carried byte by byte, or left out when asked" {
    works create one --platform linux/amd64 "$(image app:1)"
    works bundler list "$FILE/one.bundle.tar.zst" --trust "$FILE/release.pub"
    equal "$(grep -c attestation- "$FILE/stdout")" 4
    local manifest=images/0/attestation-0/manifest.json i
    raw "app@sha256:$(cat_member one $manifest | sha256sum | cut -d ' ' -f 1)" | cmp - <(cat_member one $manifest)
    for i in 0 1; do
        equal "sha256:$(cat_member one "images/0/attestation-0/statement-$i.json" | sha256sum | cut -d ' ' -f 1)" "$(cat_member one $manifest | jq -r ".layers[$i].digest")"
    done
    equal "$(cat_member one images/0/attestation-0/statement-1.json | jq -r .subject[0].digest.sha256)" "$(cat_member one images/0/manifest.json | sha256sum | cut -d ' ' -f 1)"
    works bundler verify --deep "$FILE/one.bundle.tar.zst" --trust "$FILE/release.pub"
    works reader verify "$FILE/one.bundle.tar.zst" --trust "$FILE/release.pub" --deep
    works bundler create --key "$FILE/release.key" --no-cache --version 1.0.0 --no-loader -o "$FILE/streamed.bundle.tar.zst" --platform linux/amd64 "$(image app:1)"
    cmp "$FILE/streamed.bundle.tar.zst" "$FILE/one.bundle.tar.zst"
    works create none --platform linux/amd64 --attestations skip "$(image app:1)"
    works bundler list "$FILE/none.bundle.tar.zst" --trust "$FILE/release.pub"
    run ! grep -q attestation- "$FILE/stdout"
    works bundler inspect "$FILE/none.bundle.tar.zst"
}

@test "what is no image is refused with its name" {
    push charts/app 1 --chart
    refused 22 "charts/app:1: .*application/vnd.cncf.helm.config.v1\+json is a Helm chart, expected a container image" create never "$(image charts/app:1)"
}

@test "plan asks for documents alone" {
    local before
    push fresh 1 fresh >/dev/null
    before=$(wc -l <"$REGISTRY/log")
    works bundler plan --cache "$FILE/fresh-blobs" --version 1.0.0 "$(image fresh:1)"
    tail -n "+$((before + 1))" "$REGISTRY/log" | grep -oE '"GET /v2/[^ ]*' | sort >"$FILE/asked"
    equal "$(grep -c /blobs/ "$FILE/asked")" 1 # the configuration
    equal "$(grep -c /manifests/ "$FILE/asked")" 3 # index, manifest, attestation
}

@test "a locked rebuild is the same file although the tag moved; without --locked the new image is taken and told" {
    mkdir "$FILE/shop"
    printf 'name: shop\nversion: 1.0.0\nimages: [%s]\n' "$(image app:2)" >"$FILE/shop/bundle.yaml"
    local old new
    old=$(push app 2 old)
    works create locked -f "$FILE/shop/bundle.yaml"
    grep -qxF "  \"$(image app:2)\": $old" "$FILE/shop/bundle.lock"
    cp "$FILE/locked.bundle.tar.zst" "$FILE/first.bundle.tar.zst"

    new=$(push app 2 new)
    equal "$(asked 2)" 1
    rm -rf "$FILE/blobs" # all of it comes from the registry again
    works create locked -f "$FILE/shop/bundle.yaml" --locked
    works bundler plan --cache "$FILE/blobs" -f "$FILE/shop/bundle.yaml" --locked
    cmp "$FILE/locked.bundle.tar.zst" "$FILE/first.bundle.tar.zst"
    equal "$(asked 2)" 1

    works create locked -f "$FILE/shop/bundle.yaml"
    tells "app:2 changed: $new was $old"
    equal "$(asked 2)" 2
    grep -qF "$new" "$FILE/shop/bundle.lock"
    run ! cmp -s "$FILE/locked.bundle.tar.zst" "$FILE/first.bundle.tar.zst"
}

@test "a locked image that the registry no longer has, and a lock file that does not fit, are told apart" {
    local digest
    digest=$(push app 3 gone)
    printf 'name: shop\nversion: 1.0.0\nimages: [%s]\n' "$(image app:3)" >"$FILE/shop/bundle.yaml"
    refused 3 "bundle.lock: has no .*app:3" create never -f "$FILE/shop/bundle.yaml" --locked
    works create gone -f "$FILE/shop/bundle.yaml"
    push app --delete "$digest"
    rm -rf "$FILE/blobs"
    cp "$FILE/shop/bundle.lock" "$FILE/before.lock"
    refused 22 "locked image .*app:3: .*$digest" create never -f "$FILE/shop/bundle.yaml" --locked
    tells "create without --locked"
    refused 22 "app:3" create never -f "$FILE/shop/bundle.yaml"
    cmp "$FILE/shop/bundle.lock" "$FILE/before.lock"
}
