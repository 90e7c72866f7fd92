#!/usr/bin/env bats
# A few dozen images, pushed by docker, skopeo, podman and by hand, gzip, zstd, zstd:chunked and uncompressed, OCI and schema 2, indexes and lists:
# what skopeo reads and what is in the bundle and in the cache are the same bytes.
load helpers

setup_file() {
    local host kind tag
    packages podman
    mkdir -p "$FILE/home" "$FILE/out" "$FILE/theirs"
    cache_hold
    MIXED=$(mixed_storage)
    cp "$MIXED/list" "$FILE/list"
    registry_start "$REGISTRY" --storage "$MIXED/storage" --read-only
    host=$(registry_host "$REGISTRY")
    journey_start key
    while read -r kind tag; do
        read_by_skopeo "$host/$tag" "$(which_of "$kind" "$tag")" "$FILE/theirs/${tag//[\/:]/_}" </dev/null
    done <"$FILE/list"
    pack image linux/amd64
    pack index linux/amd64,linux/arm64/v8,linux/arm/v7
}

# which_of KIND TAG: skopeo does not follow an index in an index.
which_of() {
    case $1,$2 in
    image,* | *:nested) echo system ;;
    *) echo all ;;
    esac
}

read_by_skopeo() {
    skopeo inspect --raw --tls-verify=false "docker://$1" >"$3.raw"
    skopeo copy -q --insecure-policy --src-tls-verify=false --multi-arch "$2" "docker://$1" "dir:$3"
}

teardown_file() { journey_stop; }

# pack KIND PLATFORMS: one bundle of all images of a kind.
pack() {
    local images host
    host=$(registry_host "$REGISTRY")
    mapfile -t images < <(awk -v kind="$1" -v host="$host" '$1 == kind { print host "/" $2 }' "$FILE/list")
    bundler create --key "$FILE/release.key" --version 1.0.0 --no-loader --platform "$2" --cache "$FILE/cache-$1" -o "$FILE/$1.bundle.tar.zst" "${images[@]}" >"$FILE/out/pack-$1" 2>&1 ||
        fail "$(cat "$FILE/out/pack-$1")"
    mkdir "$FILE/ours-$1"
    bundler extract "$FILE/$1.bundle.tar.zst" --trust "$FILE/release.pub" -C "$FILE/ours-$1" >/dev/null 2>&1
}

@test "there are a few dozen of them, by everybody and in every way" {
    local what
    [ "$(wc -l <"$FILE/list")" -ge 40 ]
    for what in docker/ skopeo/ podman/ odd/ zstd-chunked oci-zstd v2s2 'index podman/several:v2s2'; do grep -q "$what" "$FILE/list"; done
}

@test "images: manifests, configs and layers are the same bytes" {
    python3 "$CHECKOUT/tests/journeys/t_differential.py" "$FILE" image
}

@test "indexes and lists: all of it is the same bytes, and nothing is missing" {
    python3 "$CHECKOUT/tests/journeys/t_differential.py" "$FILE" index
}

@test "what skopeo and we call their digests is the same" {
    local kind tag
    while read -r kind tag; do
        grep -q "$tag is sha256:$(sha256sum "$FILE/theirs/${tag//[\/:]/_}.raw" | cut -d' ' -f1)" "$FILE/out/pack-$kind" || fail "$tag"
    done <"$FILE/list"
}

@test "every layer can be rebuilt from the bundles" {
    works bundler verify --deep "$FILE/image.bundle.tar.zst" --trust "$FILE/release.pub"
    works bundler verify --deep "$FILE/index.bundle.tar.zst" --trust "$FILE/release.pub"
}
