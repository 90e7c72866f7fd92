#!/usr/bin/env bats
# The engine layer alone against real engines: Docker of this Debian, and the newer one with its classic and with containerd's image store. Images are
# folders with a configuration and layers as tar files, made here; engine_probe loads them and says how many bytes it sent.
load helpers

PROBE=${ARCHON_BUILDS:-$CHECKOUT/build}/gcc/tests/unit/engine/engine_probe

setup_file() {
    debian_root trixie >/dev/null
    mkdir -p "$FILE/home"
    image_folder one amd64 base middle top-one
    image_folder two amd64 base middle top-two
    image_folder twice amd64 base other middle base
    image_folder arm arm64 base middle top-arm
}

teardown_file() { rm -rf -- "$FILE"; }

teardown() { daemon_stop "$ENGINE"; }

# image_folder NAME ARCHITECTURE LAYER...: each layer is a tar of one file of 300 000 bytes.
image_folder() {
    local dir=$FILE/$1 name=$1 architecture=$2 layer n=0 tree diff_ids=''
    shift 2
    mkdir -p "$dir"
    for layer in "$@"; do
        tree=$(mktemp -d "$FILE/tree.XXXXXX")
        mkdir "$tree/data"
        awk -v text="$layer" 'BEGIN { for (n = 0; n < 300000; n += length(text) + 1) print text }' >"$tree/data/$layer"
        tar -C "$tree" --sort=name --owner=0 --group=0 --mtime=@0 -cf "$dir/$n.tar" data
        rm -rf -- "$tree"
        diff_ids+="${diff_ids:+,}\"sha256:$(sha256sum <"$dir/$n.tar" | cut -d' ' -f1)\""
        n=$((n + 1))
    done
    printf '{"architecture":"%s","os":"linux","config":{"Cmd":["/%s"]},"rootfs":{"type":"layers","diff_ids":[%s]}}' \
        "$architecture" "$name" "$diff_ids" >"$dir/config.json"
}

layer_digest() { printf 'sha256:%s\n' "$(sha256sum <"$FILE/$1/$2.tar" | cut -d' ' -f1)"; }

probe() { (cd "$FILE" && "$PROBE" "$(daemon_socket "$ENGINE")" "$@"); }

# sent COMMAND ARG...: how many bytes a load sent that works.
sent() {
    works probe "$@" || return 1
    sed -n 's/^sent //p' "$FILE/stdout"
}

# A layer and the documents of an image.
is_about_layers() {
    local wanted=$(($1 * 310000))
    if [ "$2" -lt $((wanted - 10000)) ] || [ "$2" -gt $((wanted + 10000)) ]; then fail "$2 bytes are not about $1 layers"; fi
}

# holds NAME FILE: a container of the image has the file with its whole content.
holds() {
    local id
    id=$(on_engine create "$1")
    on_engine cp "$id:/data/$2" - | tar -xO | cmp - <(awk -v text="$2" 'BEGIN { for (n = 0; n < 300000; n += length(text) + 1) print text }')
    on_engine rm "$id" >/dev/null
}

id_of() { probe inspect "$1" | cut -d' ' -f1; }

image_ids() { on_engine images --all --quiet --no-trunc | sort -u; }

# What every engine must do.
story() {
    local before old

    # nothing is there, so everything is sent; then nothing
    equal "$(probe inspect site.example/app:1)" none
    is_about_layers 3 "$(sent load site.example/app:1 one)"
    works probe there site.example/app:1 one && says '^yes$'
    equal "$(probe inspect site.example/app:1 | cut -d' ' -f2,3)" "linux/amd64 3"
    holds site.example/app:1 top-one
    equal "$(sent load site.example/app:1 one)" 0
    equal "$(sent load site.example/app:also one)" 0
    equal "$(id_of site.example/app:1)" "$(id_of site.example/app:also)"

    # only what is missing is sent
    is_about_layers 1 "$(sent load site.example/app:2 two earlier one)"
    holds site.example/app:2 base
    holds site.example/app:2 middle
    holds site.example/app:2 top-two

    # the same layer twice in one image
    works probe load site.example/twice:1 twice
    works probe there site.example/twice:1 twice && says '^yes$'
    holds site.example/twice:1 other

    # a name moves, and the image that had it stays
    on_engine rmi site.example/app:also >/dev/null
    old=$(id_of site.example/app:1)
    equal "$(sent load site.example/app:1 two)" 0
    equal "$(id_of site.example/app:1)" "$(id_of site.example/app:2)"
    equal "$(id_of "$old")" "$old"

    # another processor
    before=$(image_ids)
    gives 12 probe load site.example/arm:1 arm
    tells 'is for linux/arm64, the engine runs linux/amd64'
    equal "$(image_ids)" "$before"
}

# A load that fails leaves no image and no name; then it works.
failures() {
    local before id
    for id in $(image_ids); do on_engine rmi --force "$id" >/dev/null; done
    image_folder three amd64 third-base third-middle third-top
    before=$(image_ids)
    gives 13 probe load site.example/app:3 three fails 2
    equal "$(probe inspect site.example/app:3)" none
    equal "$(image_ids)" "$before"
    image_folder four amd64 fourth-base fourth-middle fourth-top
    gives 30 probe load site.example/app:4 four changed 1
    equal "$(probe inspect site.example/app:4)" none
    equal "$(image_ids)" "$before"
    is_about_layers 3 "$(sent load site.example/app:4 four)"
    holds site.example/app:4 fourth-middle
    gives 13 probe load site.example/app:4 three fails 2
    holds site.example/app:4 fourth-top
}

content() { daemon_run "$ENGINE" ctr --address "$ENGINE/exec/containerd/containerd.sock" --namespace moby content "$@"; }

@test "the engine of this Debian" {
    daemon_start "$ENGINE"
    works probe facts && says '^docker [0-9.]+.*, API 1\.41, classic store, linux/amd64, '
    story
    failures
}

@test "a newer engine with its classic store" {
    daemon_start "$ENGINE" --root "$(debian_root trixie)"
    works probe facts && says '^docker 2[6-9]\..*, API 1\.41, classic store, linux/amd64, '
    story
    failures
}

@test "a newer engine with containerd's store" {
    daemon_start "$ENGINE" --root "$(debian_root trixie)" --containerd-store
    works probe facts && says '^docker 2[6-9]\..*, API 1\.41, containerd store, linux/amd64, '
    story
    failures
}

@test "containerd's store has lost a layer" {
    daemon_start "$ENGINE" --root "$(debian_root trixie)" --containerd-store
    works probe load site.example/app:1 one
    content rm "$(layer_digest one 1)"
    works probe there site.example/app:1 one && says '^no$'
    is_about_layers 3 "$(sent load site.example/app:2 two earlier one)"
    holds site.example/app:2 middle
    works probe there site.example/app:1 one && says '^yes$'
}

@test "containerd's store knows layers only under a name, or in another form" {
    daemon_start "$ENGINE" --root "$(debian_root trixie)" --containerd-store
    works probe load site.example/one:1 one
    is_about_layers 1 "$(sent load site.example/app:2 two named one)"
    holds site.example/app:2 middle
    # an image that was not loaded by us has the same layer, compressed
    image_folder five amd64 fifth-base
    image_folder six amd64 fifth-base sixth-top
    on_engine import - site.example/five:1 <"$FILE/five/0.tar"
    works probe load site.example/app:6 six named five
    tells 'sending all of its layers'
    works probe there site.example/app:6 six && says '^yes$'
    holds site.example/app:6 fifth-base
}

@test "nothing was told about earlier images, so containerd's store gets everything" {
    daemon_start "$ENGINE" --root "$(debian_root trixie)" --containerd-store
    works probe load site.example/app:1 one
    is_about_layers 3 "$(sent load site.example/app:2 two)"
    holds site.example/app:2 top-two
}
