#!/usr/bin/env bats
# A bundle for other tools: what export writes is read by the real skopeo, docker and podman, and is what the registry has.
load helpers

setup_file() {
    packages podman
    journey_start registry engine key
    H=$(registry_host "$REGISTRY")
    works create three "$H/shop/web:1.0.0" "$H/shop/api:1.0.0" "$H/tools/tiny:1"
    printf '{"_type":"https://in-toto.io/Statement/v0.1","predicateType":"https://spdx.dev/Document"}' >"$FILE/statement"
    python3 "$BATS_TEST_DIRNAME/v_export.py" layout "$FILE/two" "$FILE/statement"
    works create two site.example/team/two:1="oci:$FILE/two:1" --platform linux/amd64,linux/arm64
}

teardown_file() { journey_stop; }

setup() {
    H=$(registry_host "$REGISTRY")
    IMAGES=("$H/shop/web:1.0.0" "$H/shop/api:1.0.0" "$H/tools/tiny:1")
    rm -rf "$FILE/out" "$FILE/out.tar" "$FILE/root.tar"
}

# create NAME IMAGE ARG...
create() { bundler create --key "$FILE/release.key" --cache "$FILE/blobs" --version 1.0.0 --no-loader -o "$FILE/$1.bundle.tar.zst" "${@:2}"; }

# exported NAME FORM OUT ARG...
exported() { bundler export "$FILE/$1.bundle.tar.zst" --trust "$FILE/release.pub" --format "$2" -o "$3" "${@:4}"; }

# Nothing of these programs is kept, and nothing of the machine's own is used.
pod() { env -u DOCKER_CONFIG podman --root "$FILE/podman" --runroot "$FILE/podman-run" --storage-driver vfs "$@"; }
sko() { skopeo --tmpdir "$FILE" "$@"; }

# registry_id IMAGE: the digest of its configuration, as the registry has it.
registry_id() { sko inspect --raw --tls-verify=false "docker://$1" | jq -r .config.digest; }

# registry_layers IMAGE: its diff_ids.
registry_layers() { sko inspect --config --raw --tls-verify=false "docker://$1" | jq -r '.rootfs.diff_ids[]'; }

# is_the_registrys IMAGE SOURCE: skopeo reads it; configuration is the registry's, and layers are the uncompressed ones.
is_the_registrys() {
    sko inspect --raw "$2" >"$FILE/manifest" || return 1
    equal "$(jq -r .config.digest "$FILE/manifest")" "$(registry_id "$1")" || return 1
    equal "$(jq -r '.layers[].digest' "$FILE/manifest")" "$(registry_layers "$1")" || return 1
    equal "$(sko inspect --config --raw "$2" | sha256sum | cut -d ' ' -f 1)" "$(registry_id "$1" | cut -d : -f 2)" || return 1
    rm -rf "$FILE/copied"
    sko copy -q --insecure-policy "$2" "dir:$FILE/copied" # reads and hashes every blob
}

@test "a layout and its archive: skopeo finds each image by its reference" {
    local image
    works exported three oci "$FILE/out"
    works exported three oci "$FILE/out.tar"
    for image in "${IMAGES[@]}"; do
        is_the_registrys "$image" "oci:$FILE/out:$image"
        is_the_registrys "$image" "oci-archive:$FILE/out.tar:$image"
    done
    equal "$(cd "$FILE/out" && find . -type f -printf '%P\n' | sort)" "$(tar -tf "$FILE/out.tar" | sort)"
}

@test "one image of a layout needs no name" {
    works exported three oci "$FILE/out" --image tiny
    is_the_registrys "${IMAGES[2]}" "oci:$FILE/out"
}

@test "docker load takes an archive: ids, layers and names are those of the registry" {
    local image
    site_reset images
    works exported three docker-archive "$FILE/out.tar"
    works on_engine load -i "$FILE/out.tar"
    for image in "${IMAGES[@]}"; do
        equal "$(on_engine image inspect --format '{{.Id}}' "$image")" "$(registry_id "$image")"
        equal "$(on_engine image inspect --format '{{join .RootFS.Layers "\n"}}' "$image")" "$(registry_layers "$image")"
    done
    equal "$(tar -tf "$FILE/out.tar" | sort | uniq -d)" ""
    equal "$(tar -tf "$FILE/out.tar" | grep -c '^blobs/')" "$(for image in "${IMAGES[@]}"; do registry_id "$image" && registry_layers "$image"; done | sort -u | wc -l)"
    is_the_registrys_archive
}

# skopeo reads each of several images too.
is_the_registrys_archive() {
    local image
    for image in "${IMAGES[@]}"; do
        equal "$(sko inspect --config --raw "docker-archive:$FILE/out.tar:$image" | sha256sum | cut -d ' ' -f 1)" "$(registry_id "$image" | cut -d : -f 2)" || return 1
    done
}

@test "podman load takes both kinds of archive" {
    local form
    for form in docker-archive oci; do
        rm -f "$FILE/out.tar"
        works exported three "$form" "$FILE/out.tar" --image tiny
        works pod load -q -i "$FILE/out.tar"
        equal "sha256:$(pod image inspect --format '{{.Id}}' "${IMAGES[2]}")" "$(registry_id "${IMAGES[2]}")"
        works pod rmi -f "${IMAGES[2]}"
    done
}

@test "skopeo's directory, of one image and of several" {
    works exported three dir "$FILE/out" --image "${IMAGES[2]}"
    is_the_registrys "${IMAGES[2]}" "dir:$FILE/out"
    rm -rf "$FILE/out"
    works exported three dir "$FILE/out" --json
    jq -r '.images[] | .reference + " " + .directory' "$FILE/stdout" >"$FILE/list"
    [ "$(wc -l <"$FILE/list")" -eq 3 ]
    while read -r image folder; do is_the_registrys "$image" "dir:$FILE/out/$folder"; done <"$FILE/list"
}

@test "a root file system is what docker export shows of a container" {
    local image=${IMAGES[1]} container
    site_reset images
    works exported three docker-archive "$FILE/out.tar" --image api
    works on_engine load -i "$FILE/out.tar"
    container=$(on_engine create --network none "$image" true)
    on_engine export -o "$FILE/container.tar" "$container"
    works exported three rootfs "$FILE/root.tar" --image api
    python3 "$BATS_TEST_DIRNAME/v_export.py" same "$FILE/root.tar" "$FILE/container.tar" dev proc sys .dockerenv etc/hostname etc/hosts etc/resolv.conf etc/mtab
    refused 2 "root file system is that of one image, the bundle has 3" exported three rootfs "$FILE/none.tar"
}

@test "whiteouts, opaque folders and hard links as an engine has them" {
    local container
    site_reset images
    works exported two docker-archive "$FILE/out.tar" --platform linux/amd64
    works on_engine load -i "$FILE/out.tar"
    container=$(on_engine create --network none site.example/team/two:1 true)
    on_engine export -o "$FILE/container.tar" "$container"
    works exported two rootfs "$FILE/root.tar" --platform linux/amd64
    python3 "$BATS_TEST_DIRNAME/v_export.py" same "$FILE/root.tar" "$FILE/container.tar" dev proc sys .dockerenv etc/hostname etc/hosts etc/resolv.conf etc/mtab
    equal "$(tar -tf "$FILE/root.tar" | grep -cE '^(etc/gone|bin/first|var/cache/old)$')" 0
}

@test "all platforms of an image, or one" {
    works exported two oci "$FILE/out"
    equal "$(sko inspect --raw "oci:$FILE/out:site.example/team/two:1" | jq -r '.manifests[].platform.architecture' | sort)" $'amd64\narm64'
    works sko copy -q --insecure-policy --all "oci:$FILE/out:site.example/team/two:1" "dir:$FILE/all"
    rm -rf "$FILE/out" "$FILE/all"
    works exported two oci "$FILE/out" --platform linux/arm64
    equal "$(sko inspect --raw "oci:$FILE/out" | jq -r .mediaType)" "application/vnd.oci.image.manifest.v1+json"
    equal "$(sko inspect --config --override-arch arm64 "oci:$FILE/out" | jq -r .architecture)" arm64
    refused 2 "is there for linux/amd64, linux/arm64: a docker-archive holds one platform" exported two docker-archive "$FILE/out.tar"
    refused 2 "has no linux/s390x, it has: linux/amd64, linux/arm64" exported two oci "$FILE/none" --platform linux/s390x
}

@test "there and back: a bundle of an export exports the same, and is the same release each time" {
    local release
    works exported three oci "$FILE/out" --image tiny
    works create again "${IMAGES[2]}=oci:$FILE/out" --json
    release=$(jq -r .release_sha256 "$FILE/stdout")
    works exported again oci "$FILE/out2"
    diff -r "$FILE/out" "$FILE/out2"
    works exported again docker-archive "$FILE/out.tar"
    works create again "${IMAGES[2]}=oci:$FILE/out2" --json
    equal "$(jq -r .release_sha256 "$FILE/stdout")" "$release"
    works create again "${IMAGES[2]}=docker-archive:$FILE/out.tar" --json
    equal "$(jq -r .release_sha256 "$FILE/stdout")" "$release"
    rm -rf "$FILE/out2"
}

@test "of an exact bundle everything is what the registry has, and the release stays the same" {
    local image release
    works create exact "${IMAGES[@]}" "$H/tools/tiny:1-oci" --layers=exact
    works exported exact oci "$FILE/out"
    works bundler cat "$FILE/exact.bundle.tar.zst" index.json
    cmp "$FILE/stdout" "$FILE/out/index.json"
    works bundler list "$FILE/exact.bundle.tar.zst" --json
    equal "$(cd "$FILE/out" && find blobs -type f | sort)" "$(jq -r '.members[].name | select(startswith("blobs/"))' "$FILE/stdout" | sort)"
    for image in "${IMAGES[@]}" "$H/tools/tiny:1-oci"; do
        rm -rf "$FILE/copied"
        works sko copy -q --insecure-policy "oci:$FILE/out:$image" "dir:$FILE/copied"
        sko inspect --raw --tls-verify=false "docker://$image" | cmp - "$FILE/copied/manifest.json"
    done
    works create exact2 "$H/tools/tiny:1-oci=oci:$FILE/out:$H/tools/tiny:1-oci" --layers=exact --json
    release=$(jq -r .release_sha256 "$FILE/stdout")
    works create exact3 "$H/tools/tiny:1-oci" --layers=exact --json
    equal "$(jq -r .release_sha256 "$FILE/stdout")" "$release"
    cmp "$FILE/exact2.bundle.tar.zst" "$FILE/exact3.bundle.tar.zst"
    works exported exact3 docker-archive "$FILE/out.tar"
    site_reset images
    works on_engine load -i "$FILE/out.tar"
    equal "$(on_engine image inspect --format '{{.Id}}' "$H/tools/tiny:1-oci")" "$(registry_id "$H/tools/tiny:1-oci")"
    works exported exact3 rootfs "$FILE/root.tar"
    works exported three rootfs "$FILE/same.tar" --image tiny
    python3 "$BATS_TEST_DIRNAME/v_export.py" same "$FILE/root.tar" "$FILE/same.tar"
}

@test "attestations travel with the manifest that they speak of, and with no other" {
    local blob
    blob=$(sha256sum <"$FILE/statement" | cut -d ' ' -f 1)
    works create whole site.example/team/two:1="oci:$FILE/two:1" --platform linux/amd64,linux/arm64 --layers=exact
    works exported whole oci "$FILE/out"
    cmp "$FILE/out/blobs/sha256/$blob" "$FILE/statement"
    diff -r "$FILE/two/blobs" "$FILE/out/blobs"
    rm -rf "$FILE/out"
    works exported two oci "$FILE/out"
    says "manifests were made anew"
    [ ! -e "$FILE/out/blobs/sha256/$blob" ]
    rm -rf "$FILE/out"
    works exported whole oci "$FILE/out" --platform linux/arm64
    [ ! -e "$FILE/out/blobs/sha256/$blob" ]
}

@test "a host exports with its own keys, and gets the same bytes" {
    works exported three oci "$FILE/out.tar"
    mv "$FILE/out.tar" "$FILE/first.tar"
    site_reset
    works loader export "$FILE/three.bundle.tar.zst" --root "$SITE" --format oci -o "$FILE/out.tar"
    says "manifests were made anew"
    cmp "$FILE/out.tar" "$FILE/first.tar"
    rm "$FILE/first.tar"
}

# with_little_room COMMAND ARG...: $FILE/small is a file system of 1 MB.
with_little_room() { unshare --mount --propagation private sh -c 'mount -t tmpfs -o size=1m none "$1" && shift && exec "$@"' sh "$FILE/small" "$@"; }

@test "what is not signed, damaged, in the way or too large leaves nothing" {
    local form
    mkdir -p "$FILE/small" "$FILE/place"
    bundler keygen "$FILE/stranger" >/dev/null
    refused 11 "" bundler export "$FILE/three.bundle.tar.zst" --trust "$FILE/stranger.pub" --format oci -o "$FILE/place/out"
    refused 2 "whose signature is to be trusted" bundler export "$FILE/three.bundle.tar.zst" --format oci -o "$FILE/place/out"
    cp "$FILE/three.bundle.tar.zst" "$FILE/bad.bundle.tar.zst"
    printf 'X' | dd of="$FILE/bad.bundle.tar.zst" bs=1 seek=$(($(stat -c %s "$FILE/bad.bundle.tar.zst") / 2)) conv=notrunc status=none
    for form in oci docker-archive dir rootfs; do
        refused 13 "chunk" exported bad "$form" "$FILE/place/out" --image tiny
        refused 31 "are needed, .* free" with_little_room "$BIN/archon-bundle" export "$FILE/three.bundle.tar.zst" --trust "$FILE/release.pub" --image api --format "$form" \
            -o "$FILE/small/out"
    done
    no_partial "$FILE/place"
    printf 'mine' >"$FILE/place/out"
    for form in oci docker-archive dir rootfs; do
        refused 60 "place/out: exists already" exported three "$form" "$FILE/place/out" --image tiny
    done
    equal "$(cat "$FILE/place/out")" mine
    refused 2 "not a pipe" exported three docker-archive -
    refused 2 "has no image wep" exported three oci "$FILE/none" --image wep
    grep -q 'did you mean web' "$FILE/stderr"
}
