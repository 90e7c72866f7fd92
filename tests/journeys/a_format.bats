#!/usr/bin/env bats
# One image from a registry becomes a file that ordinary programs, an independent reader and the loader accept.
load helpers

setup_file() {
    journey_start registry key
    bundler keygen "$FILE/stranger" >/dev/null
    pack_image "$FILE/one.bundle.tar.zst"
}

teardown_file() { journey_stop; }

tiny() { printf '%s/tools/tiny:%s\n' "$(registry_host "$REGISTRY")" "${1:-1}"; }

# pack_image OUT ARG...
pack_image() {
    local out=$1
    shift
    bundler create --key "$FILE/release.key" --cache "$FILE/blobs" --version 1.0.0 -o "$out" "$@" "$(tiny)"
}

reader() { python3 "$CHECKOUT/tests/reader/read_bundle.py" "$@"; }

@test "zstd, tar and bsdtar read a bundle" {
    zstd -q -t "$FILE/one.bundle.tar.zst"
    tar --zstd -tf "$FILE/one.bundle.tar.zst" >"$FILE/by-tar"
    bsdtar -tf "$FILE/one.bundle.tar.zst" >"$FILE/by-bsdtar"
    cmp "$FILE/by-tar" "$FILE/by-bsdtar"
    equal "$(head -n 2 "$FILE/by-tar")" $'bundle.json\nchunks.bin'
    equal "$(tail -n 1 "$FILE/by-tar")" layers.bin
    works bundler list "$FILE/one.bundle.tar.zst" --trust "$FILE/release.pub"
    while read -r member; do grep -qF -- "$member" "$FILE/stdout" || fail "list does not name $member"; done < <(sed 1,2d "$FILE/by-tar" | grep -v '^signatures/')
}

@test "openssl and sha256sum check an extracted bundle without our programs" {
    mkdir "$FILE/extracted"
    tar --zstd -xf "$FILE/one.bundle.tar.zst" -C "$FILE/extracted"
    cd "$FILE/extracted"
    openssl pkeyutl -verify -pubin -inkey "$FILE/release.pub" -rawin -in bundle.json -sigfile signatures/*.sig
    run ! openssl pkeyutl -verify -pubin -inkey "$FILE/stranger.pub" -rawin -in bundle.json -sigfile signatures/*.sig
    jq -r '.members[] | select(.sha256) | "\(.sha256)  \(.name)"' bundle.json | sha256sum --quiet -c
    equal "$(jq -r .release.sha256 bundle.json)" "$(sha256sum <release.json | cut -d' ' -f1)"
    equal "$(jq -r .chunks.sha256 bundle.json)" "$(sha256sum <chunks.bin | cut -d' ' -f1)"
    equal "$(jq -r .total_len bundle.json)" "$(stat -c %s "$FILE/one.bundle.tar.zst")"
}

@test "the independent reader verifies it and rebuilds the layers that the registry holds" {
    reader verify "$FILE/one.bundle.tar.zst" --trust "$FILE/release.pub" --deep
    reader layers "$FILE/one.bundle.tar.zst" --trust "$FILE/release.pub" | cut -d' ' -f1 | sort >"$FILE/rebuilt"
    skopeo inspect --tls-verify=false --config "docker://$(tiny)" | jq -r '.rootfs.diff_ids[]' | sort >"$FILE/diff-ids"
    cmp "$FILE/rebuilt" "$FILE/diff-ids"
}

@test "verify, verify --deep, inspect, list and cat accept it" {
    works bundler verify "$FILE/one.bundle.tar.zst" --trust "$FILE/release.pub"
    works bundler verify --deep "$FILE/one.bundle.tar.zst" --trust "$FILE/release.pub"
    works bundler inspect "$FILE/one.bundle.tar.zst" --trust "$FILE/release.pub"
    says tools/tiny
    works bundler cat "$FILE/one.bundle.tar.zst" release.json --trust "$FILE/release.pub"
    tar --zstd -xOf "$FILE/one.bundle.tar.zst" release.json | cmp - "$FILE/stdout"
    mkdir "$FILE/by-us"
    works bundler extract "$FILE/one.bundle.tar.zst" -C "$FILE/by-us" --trust "$FILE/release.pub"
    mkdir "$FILE/by-them"
    tar --zstd -xf "$FILE/one.bundle.tar.zst" -C "$FILE/by-them" release.json layers.bin
    cmp "$FILE/by-us/release.json" "$FILE/by-them/release.json"
    cmp "$FILE/by-us/layers.bin" "$FILE/by-them/layers.bin"
}

@test "the same inputs give the same bytes: again, with one job and with eight, elsewhere and in another locale" {
    works pack_image "$FILE/again.bundle.tar.zst"
    cmp "$FILE/one.bundle.tar.zst" "$FILE/again.bundle.tar.zst"
    works pack_image "$FILE/again.bundle.tar.zst" --jobs 1
    cmp "$FILE/one.bundle.tar.zst" "$FILE/again.bundle.tar.zst"
    works pack_image "$FILE/again.bundle.tar.zst" --jobs 8
    cmp "$FILE/one.bundle.tar.zst" "$FILE/again.bundle.tar.zst"
    cd /
    umask 077
    TZ=Asia/Kathmandu LC_ALL=tr_TR.UTF-8 works pack_image "$FILE/again.bundle.tar.zst"
    cmp "$FILE/one.bundle.tar.zst" "$FILE/again.bundle.tar.zst"
    rm -rf "$FILE/blobs"
    works pack_image "$FILE/again.bundle.tar.zst"
    cmp "$FILE/one.bundle.tar.zst" "$FILE/again.bundle.tar.zst"
}

@test "a second create fetches no blob" {
    works pack_image "$FILE/warm.bundle.tar.zst"
    local before
    before=$(registry_saw 'GET /v2/tools/tiny/blobs/')
    works pack_image "$FILE/warm.bundle.tar.zst"
    equal "$(registry_saw 'GET /v2/tools/tiny/blobs/')" "$before"
}

@test "OCI manifests, zstd and gzip layers of one image rebuild to the same layers" {
    local tag
    for tag in 1-oci 1-zstd; do
        works bundler create --key "$FILE/release.key" --cache "$FILE/blobs" --version 1.0.0 -o "$FILE/$tag.bundle.tar.zst" "$(tiny "$tag")"
        equal "$(reader layers "$FILE/$tag.bundle.tar.zst" --trust "$FILE/release.pub")" "$(reader layers "$FILE/one.bundle.tar.zst" --trust "$FILE/release.pub")"
    done
}

@test "a key of the NIST curves signs too, and a second signature is added in place" {
    works bundler keygen "$FILE/nist" --type ecdsa-p256
    cp "$FILE/one.bundle.tar.zst" "$FILE/two.bundle.tar.zst"
    works bundler sign "$FILE/two.bundle.tar.zst" --key "$FILE/nist.key"
    works bundler verify "$FILE/two.bundle.tar.zst" --trust "$FILE/nist.pub"
    works bundler verify "$FILE/two.bundle.tar.zst" --trust "$FILE/release.pub"
    reader verify "$FILE/two.bundle.tar.zst" --trust "$FILE/nist.pub"
    equal "$(stat -c %s "$FILE/two.bundle.tar.zst")" "$(stat -c %s "$FILE/one.bundle.tar.zst")"
}

@test "the private key is for its owner only" {
    equal "$(stat -c %a "$FILE/release.key")" 600
    head -n 1 "$FILE/release.pub" | grep -qx -- '-----BEGIN PUBLIC KEY-----'
}

@test "an image that does not exist, a registry that does not answer: one line, no file" {
    local empty=$FILE/empty-out
    mkdir "$empty"
    refused 22 "tools/absent" bundler create --version 1.0.0 --cache "$FILE/blobs" -o "$empty/x.bundle.tar.zst" "$(registry_host "$REGISTRY")/tools/absent:1"
    refused 20 "127.0.0.1:9" bundler create --version 1.0.0 --retries 0 --cache "$FILE/blobs" -o "$empty/x.bundle.tar.zst" 127.0.0.1:9/tools/tiny:1
    no_partial "$empty"
}

@test "a wrong platform names the platforms that exist" {
    mkdir -p "$FILE/empty-platform"
    refused 22 "linux/s390x" bundler create --version 1.0.0 --platform linux/s390x --cache "$FILE/blobs" -o "$FILE/empty-platform/x.bundle.tar.zst" "$(tiny)"
    no_partial "$FILE/empty-platform"
}

@test "plan fetches nothing" {
    local before
    before=$(registry_saw 'GET /v2/tools/tiny/blobs/')
    mkdir -p "$FILE/plan"
    cd "$FILE/plan"
    works bundler plan --version 1.0.0 --cache "$FILE/no-blobs" "$(tiny 2)"
    says tools/tiny:2
    no_partial "$FILE/plan"
    # The configuration of an image is a blob too, small; layers are not.
    [ "$(registry_saw 'GET /v2/tools/tiny/blobs/')" -le $((before + 1)) ]
}

# blobs BUNDLE: the digests of its layers as the registry has them, one a line.
blobs() { bundler cat "$1" bundle.json 2>/dev/null | jq -r '.layers[].blobs[].digest' | sort; }

@test "what the base has is not fetched for a delta, whether the cache has it or not" {
    local old=$FILE/one.bundle.tar.zst shared before digest
    works bundler create --key "$FILE/release.key" --cache "$FILE/blobs" --no-loader --version 2.0.0 -o "$FILE/next.bundle.tar.zst" "$(tiny 2)"
    shared=$(comm -12 <(blobs "$old") <(blobs "$FILE/next.bundle.tar.zst"))
    [ -n "$shared" ]
    works bundler create --key "$FILE/release.key" --cache "$FILE/blobs" --no-loader --version 2.0.0 -o "$FILE/warm-delta.bundle.tar.zst" --base "$old" "$(tiny 2)"
    before=$(wc -l <"$REGISTRY/log")
    works bundler plan --json --version 2.0.0 --cache "$FILE/cold-blobs" --base "$old" --trust "$FILE/release.pub" "$(tiny 2)"
    [ "$(jq .fetch_size "$FILE/stdout")" -lt "$(jq '[.images[].size] | add' "$FILE/stdout")" ]
    works bundler create --key "$FILE/release.key" --cache "$FILE/cold-blobs" --no-loader --version 2.0.0 -o "$FILE/delta.bundle.tar.zst" --base "$old" "$(tiny 2)"
    tail -n "+$((before + 1))" "$REGISTRY/log" >"$FILE/asked"
    grep -q "GET /v2/tools/tiny/blobs/" "$FILE/asked"
    for digest in $shared; do
        run ! grep -q "GET /v2/tools/tiny/blobs/$digest" "$FILE/asked"
    done
    cmp "$FILE/delta.bundle.tar.zst" "$FILE/warm-delta.bundle.tar.zst"
    works bundler create --key "$FILE/release.key" --no-cache --no-loader --version 2.0.0 -o "$FILE/passing.bundle.tar.zst" --base "$old" "$(tiny 2)"
    cmp "$FILE/delta.bundle.tar.zst" "$FILE/passing.bundle.tar.zst"
    equal "$(reader layers "$FILE/delta.bundle.tar.zst" --base "$old" --trust "$FILE/release.pub")" "$(reader layers "$FILE/next.bundle.tar.zst" --trust "$FILE/release.pub")"
}

@test "the built-in application is consistent and can be written out and checked" {
    works bundler validate-embedded
    works bundler init "$FILE/archon"
    [ -s "$FILE/archon/bundle.yaml" ]
    works bundler lint -f "$FILE/archon/bundle.yaml"
}

@test "a bundle.yaml with an unknown key is refused with its line" {
    start_tiny
    printf 'colour: blue\n' >>"$FILE/tiny/bundle.yaml"
    refused 3 "bundle.yaml:[0-9]+.*colour" bundler lint -f "$FILE/tiny/bundle.yaml"
}
