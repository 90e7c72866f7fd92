#!/usr/bin/env bats
# create --layers=exact: the bundle is an OCI layout whose digests are those of the registry, for skopeo, for docker, and for archon-load.
load helpers
# shellcheck source=/dev/null
. "$BATS_TEST_DIRNAME/../support/cosign.sh"

# Three of Docker's own manifests, the same image in OCI's types, and with zstd layers.
EXACT_IMAGES=(shop/api:1.0.0 shop/web:1.0.0 tools/tiny:1 tools/tiny:1-oci tools/tiny:1-zstd)

setup_file() {
    journey_start registry key
    works exact "$FILE/exact.bundle.tar.zst" "${EXACT_IMAGES[@]}"
    mkdir "$FILE/x"
    tar --zstd -C "$FILE/x" -xf "$FILE/exact.bundle.tar.zst"
}

teardown_file() { journey_stop; }

teardown() { daemon_stop "$ENGINE"; }

host() { registry_host "$REGISTRY"; }

# exact OUT [OPTION...] IMAGE...
exact() {
    local out=$1 options=()
    shift
    while [ "${1#-}" != "$1" ]; do options+=("$1") && shift; done
    bundler create --layers=exact --version 1.0.0 --no-loader --key "$FILE/release.key" --cache "$FILE/blobs" -o "$out" "${options[@]}" \
        "${@/#/$(host)/}"
}

# of_registry IMAGE: the digest of its manifest.
of_registry() { skopeo inspect --raw --tls-verify=false "docker://$(host)/$1" | sha256sum | cut -d' ' -f1; }

config_of() { skopeo inspect --raw --tls-verify=false "docker://$(host)/$1" | jq -r .config.digest; }

@test "skopeo reads every image of the extracted bundle, with the layers and the digests of the registry" {
    local image
    for image in "${EXACT_IMAGES[@]}"; do
        works skopeo inspect "oci:$FILE/x:$(host)/$image"
        jq -S '{Layers, Architecture, Created}' "$FILE/stdout" >"$FILE/ours"
        skopeo inspect --tls-verify=false "docker://$(host)/$image" | jq -S '{Layers, Architecture, Created}' | cmp - "$FILE/ours"
        rm -rf "$FILE/copied"
        skopeo_copy "oci:$FILE/x:$(host)/$image" "dir:$FILE/copied"
        equal "$(sha256sum <"$FILE/copied/manifest.json" | cut -d' ' -f1)" "$(of_registry "$image")"
    done
}

@test "the bundle of one image is that image's layout, whatever made its manifest" {
    local image
    for image in shop/web:1.0.0 tools/tiny:1-oci; do
        rm -rf "$FILE/one" "$FILE/one.bundle.tar.zst"
        works exact "$FILE/one.bundle.tar.zst" "$image"
        mkdir "$FILE/one"
        tar --zstd -C "$FILE/one" -xf "$FILE/one.bundle.tar.zst"
        works skopeo inspect "oci:$FILE/one"
        equal "$(jq -r .Digest "$FILE/stdout")" "sha256:$(of_registry "$image")"
    done
}

@test "every blob has the digest of its name, and none is left over" {
    local blob
    for blob in "$FILE"/x/blobs/sha256/*; do equal "$(sha256sum <"$blob" | cut -d' ' -f1)" "${blob##*/}"; done
    equal "$(jq -r '.members[].name' "$FILE/x/bundle.json" | grep -c ^blobs/)" "$(find "$FILE/x/blobs" -type f | wc -l)"
    jq -e '.layers_mode == "exact" and (has("average") | not) and (.layers[0] | has("size") | not)' "$FILE/x/bundle.json" >/dev/null
}

@test "the same bytes with any number of threads, and without a cache" {
    works exact "$FILE/threads.bundle.tar.zst" --jobs=1 "${EXACT_IMAGES[@]}"
    cmp "$FILE/exact.bundle.tar.zst" "$FILE/threads.bundle.tar.zst"
    works bundler create --layers=exact --version 1.0.0 --no-loader --key "$FILE/release.key" --no-cache -o "$FILE/threads.bundle.tar.zst" "${EXACT_IMAGES[@]/#/$(host)/}"
    cmp "$FILE/exact.bundle.tar.zst" "$FILE/threads.bundle.tar.zst"
}

@test "verify, inspect, list and cat know the mode; verify --deep inflates every layer" {
    works bundler verify --deep --trust "$FILE/release.pub" "$FILE/exact.bundle.tar.zst"
    works bundler inspect --trust "$FILE/release.pub" "$FILE/exact.bundle.tar.zst"
    says 'exact: as their registries had them'
    works bundler inspect --json --trust "$FILE/release.pub" "$FILE/exact.bundle.tar.zst"
    equal "$(jq -r .layers_mode "$FILE/stdout")" exact
    works bundler list "$FILE/exact.bundle.tar.zst"
    says oci-layout
    works bundler cat "$FILE/exact.bundle.tar.zst" "blobs/sha256/$(of_registry tools/tiny:1)"
    equal "$(sha256sum <"$FILE/stdout" | cut -d' ' -f1)" "$(of_registry tools/tiny:1)"
}

@test "docker load takes the extracted bundle as it is" {
    rm -rf "$FILE/gzip"
    works exact "$FILE/gzip.bundle.tar.zst" shop/web:1.0.0 tools/tiny:1-oci
    mkdir "$FILE/gzip"
    tar --zstd -C "$FILE/gzip" -xf "$FILE/gzip.bundle.tar.zst"
    daemon_start "$ENGINE"
    tar -C "$FILE/gzip" -c . | on_engine load >/dev/null
    local image
    for image in shop/web:1.0.0 tools/tiny:1-oci; do
        equal "$(on_engine image inspect --format '{{.Id}}' "$(host)/$image")" "$(config_of "$image")"
    done
}

@test "archon-load brings an exact bundle into Docker, zstd layers too, and again nothing" {
    local image
    daemon_start "$ENGINE"
    site_reset
    works site load-images "$FILE/exact.bundle.tar.zst"
    for image in "${EXACT_IMAGES[@]}"; do
        equal "$(on_engine image inspect --format '{{.Id}}' "$(host)/$image")" "$(config_of "$image")"
    done
    engine_world >"$FILE/first"
    works site load-images "$FILE/exact.bundle.tar.zst"
    engine_world | cmp - "$FILE/first"
}

@test "in containerd's store images keep the digests of the registry" {
    local image
    mkdir -p "$FILE/bin"
    cp "$BIN"/archon-* "$FILE/bin/"
    BIN=$FILE/bin
    daemon_start "$ENGINE" --root "$(debian_root trixie)" --containerd-store
    site_reset
    works site load-images "$FILE/exact.bundle.tar.zst"
    for image in "${EXACT_IMAGES[@]}"; do
        equal "$(on_engine image inspect --format '{{.Id}}' "$(host)/$image")" "sha256:$(of_registry "$image")"
        on_engine image inspect --format '{{.RepoDigests}}' "$(host)/$image" | grep -q "sha256:$(of_registry "$image")"
    done
    engine_world >"$FILE/first"
    works site load-images "$FILE/exact.bundle.tar.zst"
    engine_world | cmp - "$FILE/first"
    # Docker itself, from the layout that export writes.
    site_reset images
    works bundler export --trust "$FILE/release.pub" --format oci -o "$FILE/exported.tar" "$FILE/exact.bundle.tar.zst"
    works on_engine load -i "$FILE/exported.tar"
    for image in "${EXACT_IMAGES[@]}"; do
        equal "$(on_engine image inspect --format '{{.Id}}' "$(host)/$image")" "sha256:$(of_registry "$image")"
    done
}

@test "what cosign signed is there with its digest, and a registry that is fed from the bundle has it again" {
    local digest
    registry_start "$FILE/second"
    signing_key p256 "$FILE/cosign"
    digest=$(push_image "$(registry_host "$FILE/second")" team/web 1 web)
    cosign_sign "$FILE/cosign" "$(registry_host "$FILE/second")" team/web "$digest"
    works bundler create --layers=exact --version 1.0.0 --no-loader --key "$FILE/release.key" --cache "$FILE/blobs" --platform linux/amd64,linux/arm64 \
        --cosign-key "$FILE/cosign.pub" -o "$FILE/signed.bundle.tar.zst" "$(registry_host "$FILE/second")/team/web:1"
    mkdir "$FILE/signed"
    tar --zstd -C "$FILE/signed" -xf "$FILE/signed.bundle.tar.zst"
    equal "$(skopeo inspect --raw "oci:$FILE/signed" | sha256sum | cut -d' ' -f1)" "${digest#sha256:}"
    skopeo_copy --all "oci:$FILE/signed" "docker://$(registry_host "$FILE/second")/fed/web:1"
    equal "$(skopeo inspect --raw --tls-verify=false "docker://$(registry_host "$FILE/second")/fed/web:1" | sha256sum | cut -d' ' -f1)" "${digest#sha256:}"
    jq -e --arg digest "$digest" '.critical.image["docker-manifest-digest"] == $digest' "$FILE/signed/images/0/signature-0/payload-0.json" >/dev/null
    cmp "$FILE/signed/images/0/signature-0/payload-0.json" "$FILE/signed/blobs/sha256/$(sha256sum <"$FILE/signed/images/0/signature-0/payload-0.json" | cut -d' ' -f1)"
    registry_stop "$FILE/second"
}

# huge_layout DIR: a layout whose only layer says that it has 9 GiB.
huge_layout() {
    local manifest index
    rm -rf "$FILE/one" "$FILE/one.bundle.tar.zst"
    works exact "$FILE/one.bundle.tar.zst" tools/tiny:1-oci
    mkdir "$FILE/one"
    tar --zstd -C "$FILE/one" -xf "$FILE/one.bundle.tar.zst"
    mkdir -p "$1"
    cp -r "$FILE/one/blobs" "$FILE/one/oci-layout" "$1"
    manifest=$(jq -r '.manifests[0].digest' "$FILE/one/index.json")
    jq -c '.layers = [.layers[0] | .size = 9663676416]' "$1/blobs/sha256/${manifest#sha256:}" >"$1/manifest"
    jq -c '.rootfs.diff_ids = [.rootfs.diff_ids[0]]' "$1/blobs/sha256/$(jq -r '.config.digest[7:]' "$1/manifest")" >"$1/config"
    jq -c --arg d "sha256:$(sha256sum <"$1/config" | cut -d' ' -f1)" --argjson n "$(wc -c <"$1/config")" '.config.digest = $d | .config.size = $n' "$1/manifest" >"$1/manifest.2"
    index=$(sha256sum <"$1/manifest.2" | cut -d' ' -f1)
    cp "$1/config" "$1/blobs/sha256/$(sha256sum <"$1/config" | cut -d' ' -f1)"
    cp "$1/manifest.2" "$1/blobs/sha256/$index"
    jq -c --arg d "sha256:$index" --argjson n "$(wc -c <"$1/manifest.2")" '.manifests[0].digest = $d | .manifests[0].size = $n' "$FILE/one/index.json" >"$1/index.json"
}

@test "a layer over 8 GiB is refused by name before anything is fetched, and the hint says what takes it" {
    huge_layout "$FILE/huge"
    mkdir "$FILE/none"
    refused 3 'layer sha256:[0-9a-f]{64} has 9\.7 GB, at most 8 GiB' bundler create --layers=exact --version 1.0.0 --no-loader --cache "$FILE/blobs" -o "$FILE/none/" "huge=oci:$FILE/huge"
    tells 'hint: --layers=dedup takes layers of any size'
    no_partial "$FILE/none"
}

@test "--sbom lists the same packages as with the default, and a layer is proven on the way" {
    works exact "$FILE/sbom.bundle.tar.zst" --sbom shop/api:1.0.0
    works bundler cat "$FILE/sbom.bundle.tar.zst" reports/sbom.cdx.json
    mv "$FILE/stdout" "$FILE/sbom.json"
    works bundler create --version 1.0.0 --no-loader --key "$FILE/release.key" --cache "$FILE/blobs" -o "$FILE/sbom.bundle.tar.zst" --sbom "$(host)/shop/api:1.0.0"
    works bundler cat "$FILE/sbom.bundle.tar.zst" reports/sbom.cdx.json
    cmp "$FILE/stdout" "$FILE/sbom.json"
}

@test "export gives the registry's own manifests" {
    rm -rf "$FILE/exported"
    works bundler export --trust "$FILE/release.pub" --format oci --image "$(host)/tools/tiny:1-oci" -o "$FILE/exported" "$FILE/exact.bundle.tar.zst"
    equal "$(jq -r '.manifests[0].digest' "$FILE/exported/index.json")" "sha256:$(of_registry tools/tiny:1-oci)"
}

@test "a blob of the cache that has other bytes is found before the bundle gets its name, and fetched again by the next run" {
    local blob
    rm -rf "$FILE/damaged" "$FILE/none.bundle.tar.zst"
    works bundler create --layers=exact --version 1.0.0 --no-loader --cache "$FILE/damaged" -o "$FILE/none.bundle.tar.zst" "$(host)/tools/tiny:1"
    rm "$FILE/none.bundle.tar.zst"
    blob=$(find "$FILE/damaged/sha256" -type f -size +10k | head -n 1)
    printf 'x' | dd of="$blob" bs=1 seek=5000 conv=notrunc status=none
    refused 13 "reading back: .*blobs/sha256/${blob##*/}: digest is" bundler create --layers=exact --version 1.0.0 --no-loader --cache "$FILE/damaged" -o "$FILE/none.bundle.tar.zst" "$(host)/tools/tiny:1"
    tells 'hint: 1 damaged blob was removed from the cache'
    [ ! -e "$FILE/none.bundle.tar.zst" ]
    works bundler create --layers=exact --version 1.0.0 --no-loader --cache "$FILE/damaged" -o "$FILE/none.bundle.tar.zst" "$(host)/tools/tiny:1"
}

# odd_bundle CHANGE: the golden exact bundle whose first layer went through a change of tests/reader, signed with its key.
odd_bundle() {
    PYTHONPATH=$BATS_TEST_DIRNAME/../reader python3 -B -c "import gzip, sys
from bundle.writer import Key, build
from damage.x_exact import blob, first_form
from make_bundle import GOLDEN_KEY
key = Key(*GOLDEN_KEY)
open(sys.argv[1], 'wb').write(build($1, [key]))" "$FILE/odd.bundle.tar.zst"
}

@test "a layer that is another than its configuration says is refused, and the engine has nothing of its image" {
    local change
    daemon_start "$ENGINE"
    site_reset
    works loader trust add --root "$SITE" "$BATS_TEST_DIRNAME/../golden/golden.pub"
    for change in 'blob(lambda d: d, layer=lambda t: t + bytes(512))' 'first_form(lambda tar, kind, data: (tar + bytes(512), kind, gzip.compress(tar + bytes(512))[:-9]))'; do
        odd_bundle "$change"
        works bundler verify --trust "$BATS_TEST_DIRNAME/../golden/golden.pub" "$FILE/odd.bundle.tar.zst"
        refused 13 'golden.example/web:1.0.0: .*layer' site load-images "$FILE/odd.bundle.tar.zst"
        [ -z "$(on_engine images -q golden.example/web)" ]
    done
    works site load-images "$BATS_TEST_DIRNAME/../golden/golden-exact.bundle.tar.zst"
    equal "$(on_engine images --format '{{.Repository}}' | sort)" $'golden.example/api\ngolden.example/web'
}
