#!/usr/bin/env bats
# Images from files that real programs made: skopeo, docker save, podman save. Whatever way an image takes, its layers are those of the registry.
load helpers

setup_file() {
    packages podman
    journey_start registry engine key
    H=$(registry_host "$REGISTRY")
    cd "$FILE" || return 1
    local tag
    for tag in 1 1-oci; do
        copy "docker://$H/tools/tiny:$tag" "oci:$FILE/layout:$tag"
    done
    copy "docker://$H/tools/tiny:1" "oci-archive:$FILE/oci.tar:$H/tools/tiny:1"
    copy "docker://$H/shop/web:1.0.0" "oci-archive:$FILE/web.tar:$H/shop/web:1.0.0"
    skopeo copy -q --src-tls-verify=false "docker://$H/tools/tiny:1" "docker-archive:$FILE/docker.tar:$H/tools/tiny:1"
    works create "$FILE/from-registry" "$H/tools/tiny:1"
}

teardown_file() { journey_stop; }

# copy FROM TO: every byte as it is, every platform.
copy() { skopeo copy -q --all --preserve-digests --src-tls-verify=false "$@"; }

# create OUT ARG...: each with a cache of its own, so that nothing is there already.
create() {
    rm -rf "$FILE/blobs"
    bundler create --key "$FILE/release.key" --cache "$FILE/blobs" --engine "$(daemon_socket "$ENGINE")" --version 1.0.0 --no-loader -o "$1.bundle.tar.zst" "${@:2}"
}

layers() { python3 "$CHECKOUT/tests/reader/read_bundle.py" layers "$1.bundle.tar.zst" --trust "$FILE/release.pub" | cut -d ' ' -f 1; }

# same_layers SOURCE: a bundle from there has the registry's layers, and says so the same way twice.
same_layers() {
    works create "$FILE/this" "$(registry_host "$REGISTRY")/tools/tiny:1=$1" || return 1
    equal "$(layers "$FILE/this")" "$(layers "$FILE/from-registry")" || return 1
    mv "$FILE/this.bundle.tar.zst" "$FILE/first.bundle.tar.zst"
    works create "$FILE/this" "$(registry_host "$REGISTRY")/tools/tiny:1=$1" || return 1
    cmp "$FILE/this.bundle.tar.zst" "$FILE/first.bundle.tar.zst" || return 1
    works bundler verify --deep "$FILE/this.bundle.tar.zst" --trust "$FILE/release.pub"
}

pod() { env -u DOCKER_CONFIG podman --root "$FILE/podman" --runroot "$FILE/podman-run" --storage-driver vfs "$@"; }

@test "a bundle from a layout, from its archive and from the registry is the same, byte by byte" {
    local H source
    H=$(registry_host "$REGISTRY")
    for source in "oci:$FILE/layout:1" "oci-archive:$FILE/oci.tar" "docker://$H/tools/tiny:1"; do
        works create "$FILE/this" "$H/tools/tiny:1=$source"
        cmp "$FILE/this.bundle.tar.zst" "$FILE/from-registry.bundle.tar.zst"
    done
    works create "$FILE/web" "$H/shop/web:1.0.0"
    works create "$FILE/this" "oci-archive:$FILE/web.tar"
    cmp "$FILE/this.bundle.tar.zst" "$FILE/web.bundle.tar.zst"
}

@test "compressed archives are read as they are" {
    local H
    H=$(registry_host "$REGISTRY")
    gzip -k "$FILE/oci.tar"
    zstd -q -k "$FILE/oci.tar"
    for source in "$FILE/oci.tar.gz" "$FILE/oci.tar.zst"; do
        works create "$FILE/this" "oci-archive:$source"
        cmp "$FILE/this.bundle.tar.zst" "$FILE/from-registry.bundle.tar.zst"
    done
}

@test "what skopeo, docker save and podman save wrote has the registry's layers" {
    local H
    H=$(registry_host "$REGISTRY")
    same_layers "docker-archive:$FILE/docker.tar"
    on_engine load -q -i "$FILE/docker.tar"
    on_engine save -o "$FILE/saved.tar" "$H/tools/tiny:1"
    same_layers "docker-archive:$FILE/saved.tar"
    same_layers "docker-daemon:$H/tools/tiny:1"
    pod pull -q --tls-verify=false "$H/tools/tiny:1"
    pod save -q --format oci-archive -o "$FILE/podman-oci.tar" "$H/tools/tiny:1"
    pod save -q --format docker-archive -o "$FILE/podman-docker.tar" "$H/tools/tiny:1"
    same_layers "oci-archive:$FILE/podman-oci.tar"
    same_layers "docker-archive:$FILE/podman-docker.tar"
}

@test "a running Podman is asked through its socket" {
    local H source="$FILE/run/podman/podman.sock"
    mkdir -p "${source%/*}"
    H=$(registry_host "$REGISTRY")
    pod pull -q --tls-verify=false "$H/tools/tiny:1"
    spawn "$FILE/podman.pid" "$FILE/podman.log" env -u DOCKER_CONFIG podman --root "$FILE/podman" --runroot "$FILE/podman-run" --storage-driver vfs system service --time 0 "unix://$source"
    wait_for 20 test -S "$source"
    works bundler create --key "$FILE/release.key" --cache "$FILE/podman-blobs" --engine "$source" --version 1.0.0 --no-loader -o "$FILE/podman.bundle.tar.zst" \
        "docker-daemon:$H/tools/tiny:1"
    equal "$(layers "$FILE/podman")" "$(layers "$FILE/from-registry")"
    rm -rf "$FILE/podman-blobs" "$FILE/podman.bundle.tar.zst"
    DOCKER_HOST=unix://$source works bundler create --key "$FILE/release.key" --cache "$FILE/podman-blobs" --version 1.0.0 --no-loader -o "$FILE/podman.bundle.tar.zst" \
        "docker-daemon:$H/tools/tiny:1"
    rm -rf "$FILE/podman-blobs" "$FILE/podman.bundle.tar.zst"
    # Where nobody else listens in the usual places.
    XDG_RUNTIME_DIR=$FILE/run works unshare --mount --propagation private sh -c 'mount -t tmpfs none /run && exec "$@"' sh "$BIN/archon-bundle" create \
        --cache "$FILE/podman-blobs" --version 1.0.0 --no-loader -o "$FILE/podman.bundle.tar.zst" --key "$FILE/release.key" "docker-daemon:$H/tools/tiny:1"
    stop_pid "$FILE/podman.pid"
    equal "$(layers "$FILE/podman")" "$(layers "$FILE/from-registry")"
}

@test "an archive with several images: each by its name, and all are listed when none is named" {
    local H
    H=$(registry_host "$REGISTRY")
    on_engine load -q -i "$FILE/docker.tar"
    on_engine tag "$H/tools/tiny:1" shop/other:1
    skopeo copy -q --src-tls-verify=false "docker://$H/tools/tiny:2" "docker-archive:$FILE/two.tar:shop/two:2"
    on_engine load -q -i "$FILE/two.tar"
    on_engine save -o "$FILE/several.tar" shop/other:1 shop/two:2
    works create "$FILE/this" "docker-archive:$FILE/several.tar:shop/other:1"
    equal "$(layers "$FILE/this")" "$(layers "$FILE/from-registry")"
    refused 22 "several.tar: has 2 images.*shop/" create "$FILE/none" "docker-archive:$FILE/several.tar"
    refused 22 "layout: has 2 images.*1, 1-oci" create "$FILE/none" "shop/x:1=oci:$FILE/layout"
    [ ! -e "$FILE/none.bundle.tar.zst" ]
}

@test "a definition says where the image of a service comes from, and the registry is not asked" {
    local H
    H=$(registry_host "$REGISTRY")
    mkdir -p "$FILE/own/images"
    cp -r "$FILE/layout" "$FILE/own/images/tiny"
    printf 'services:\n  web: { image: "nowhere.example/tiny:7" }\n' >"$FILE/own/compose.yaml"
    printf 'name: own\nversion: 1.0.0\ncompose: [compose.yaml]\nimages:\n  - reference: nowhere.example/tiny:7\n    from: oci:images/tiny:1\n' >"$FILE/own/bundle.yaml"
    works bundler lint -f "$FILE/own/bundle.yaml"
    works bundler plan --cache "$FILE/plan-blobs" -f "$FILE/own/bundle.yaml" --json
    equal "$(jq -r '.images[0].from' "$FILE/stdout")" "oci:images/tiny:1"
    [ -z "$(find "$FILE/plan-blobs" -type f -size +100k)" ] # no layer was copied
    works bundler create --key "$FILE/release.key" --cache "$FILE/own-blobs" -f "$FILE/own/bundle.yaml" -o "$FILE/own.bundle.tar.zst"
    equal "$(layers "$FILE/own")" "$(layers "$FILE/from-registry")"
    site_reset images
    works site install "$FILE/own.bundle.tar.zst" --yes
    equal "$(services own)" "web running healthy"
}

@test "a damaged file is refused by name, and leaves nothing" {
    local H blob
    H=$(registry_host "$REGISTRY")
    cp -r "$FILE/layout" "$FILE/damaged"
    blob=$(find "$FILE/damaged/blobs" -type f -size +100k -printf '%f\n' | head -n 1)
    printf 'X' | dd of="$FILE/damaged/blobs/sha256/$blob" bs=1 seek=5000 conv=notrunc status=none
    refused 13 "damaged: blobs/sha256/$blob" create "$FILE/none" "$H/tools/tiny:1=oci:$FILE/damaged:1"
    rm "$FILE/damaged/blobs/sha256/$blob"
    refused 22 "has no file blobs/sha256/$blob" create "$FILE/none" "$H/tools/tiny:1=oci:$FILE/damaged:1"
    head -c 100000 "$FILE/docker.tar" >"$FILE/cut.tar"
    refused 22 "cut.tar" create "$FILE/none" "$H/tools/tiny:1=docker-archive:$FILE/cut.tar"
    refused 60 "absent" create "$FILE/none" "$H/tools/tiny:1=oci:$FILE/absent"
    [ ! -e "$FILE/none.bundle.tar.zst" ]
}

# with_little_room COMMAND ARG...: $FILE/small is a file system of 100 MB.
with_little_room() { unshare --mount --propagation private sh -c 'mount -t tmpfs -o size=100m none "$1" && shift && exec "$@"' sh "$FILE/small" "$@"; }

@test "an archive that unpacks to more than there is room for is stopped before the disk is full" {
    mkdir -p "$FILE/small"
    head -c 300M /dev/zero | gzip -1 >"$FILE/bomb.tar.gz"
    refused 31 "bomb.tar.gz: unpacks to more than" with_little_room "$BIN/archon-bundle" create --cache "$FILE/small/blobs" --version 1.0.0 \
        -o "$FILE/none.bundle.tar.zst" "shop/x:1=oci-archive:$FILE/bomb.tar.gz"
}
