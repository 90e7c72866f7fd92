#!/usr/bin/env bats
# Making deltas: three changes as they happen, each less than a twentieth of the full bundle and the same release; what a base must be; what a host's inventory decides.
load helpers

setup_file() {
    journey_start key
    bundler keygen "$FILE/other" >/dev/null
    folders
    image old base deps app
    image file base deps app-2
    image package base deps-2@1000 app@1000
    image point base-2@1000 deps@1000 app@1000
    pack old 1.0.0
    pack exact-old 1.0.0 old --layers=exact
    for change in file package point; do
        pack full-$change 2.0.0 $change
        pack $change 2.0.0 $change --base "$(bundle old)"
    done
}

teardown_file() { journey_stop; }

# folders: a base with libraries and many small files, packages, and an application; and each of them after a change.
folders() {
    python3 - "$FILE" <<'END'
import pathlib, random, sys
top, numbers = pathlib.Path(sys.argv[1]), random.Random(11)
def put(folder, name, data):
    path = top / folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
def tree(folders, name, n_large, n_small):
    for i in range(n_large):
        data = numbers.randbytes(1000000)
        for k, folder in enumerate(folders):
            put(folder, '%s/large-%d' % (name, i), data if k == 0 or i != 1 else data[:500000] + b'a new line' + data[500100:])
    for i in range(n_small):
        data = numbers.randbytes(numbers.randrange(200, 4000))
        for k, folder in enumerate(folders):
            put(folder, '%s/small-%d' % (name, i), data if k == 0 or i % 60 != 7 else numbers.randbytes(2000))
tree(['base', 'base-2'], 'lib', 6, 300)
tree(['deps', 'deps-2'], 'packages', 5, 300)
for folder, version in (('app', b'1'), ('app-2', b'2')):
    put(folder, 'srv/main.py', b'VERSION = ' + version + b'\n' + b'# the same line\n' * 500)
END
}

# image NAME FOLDER[@TIME]...
image() { (cd "$FILE" && python3 "$CHECKOUT/tests/journeys/layers.py" "layout-$1" "${@:2}"); }

bundle() { printf '%s/%s.bundle.tar.zst\n' "$FILE" "$1"; }

# create OUT VERSION IMAGE ARG...: of one image.
create() { bundler create --key "$FILE/release.key" --cache "$FILE/blobs" --no-loader --version "$2" -o "$(bundle "$1")" "${@:4}" "site.example/app:1=oci:$FILE/layout-$3"; }

# pack OUT VERSION [IMAGE ARG...]
pack() { create "$1" "$2" "${3:-$1}" --json "${@:4}" >"$FILE/out/$1" 2>"$FILE/out/$1.err" || fail "$(cat "$FILE/out/$1.err")"; }

size() { stat -c %s "$(bundle "$1")"; }

# said OUT KEY: of the answer of create.
said() { jq -r "$2" "$FILE/out/$1"; }

reader() { python3 "$CHECKOUT/tests/reader/read_bundle.py" "$@" --trust "$FILE/release.pub"; }

# inventory FILE RELEASE-OF LAYERS: what a host with that release would write.
inventory() {
    jq -c --arg sha "$(said "$2" .release_sha256)" --argjson layers "$3" -n '{archon_inventory: 1, created: "2026-11-21T20:00:00Z", releases: [{name: "app", version: "1.0.0", sha256: $sha}], layers: ($layers | sort)}' >"$1"
}

diff_ids() { bundler cat "$(bundle "$1")" bundle.json 2>/dev/null | jq -c '[.layers[].diff_id]'; }

@test "a file of the application, an upgrade of packages and a new base: each travels in less than a twentieth of the full bundle" {
    local change
    for change in file package point; do
        [ $(($(size $change) * 20)) -lt "$(size full-$change)" ] || fail "$change: $(size $change) of $(size full-$change) bytes"
        equal "$(said $change .base.version)" 1.0.0
    done
    equal "$(said file .base.kept_layers)" 2
    equal "$(said point .base.kept_layers)" 0
}

@test "a delta is the same release as the full bundle, byte for byte" {
    local change
    for change in file package point; do
        equal "$(said $change .release_sha256)" "$(said full-$change .release_sha256)"
        bundler cat "$(bundle $change)" release.json 2>/dev/null | cmp - <(bundler cat "$(bundle full-$change)" release.json 2>/dev/null)
    done
}

@test "the independent reader makes the layers of the full bundle from the delta and its base, and nothing without it" {
    local change
    for change in file package point; do
        works bundler verify --trust "$FILE/release.pub" "$(bundle $change)"
        reader verify "$(bundle $change)"
        equal "$(reader layers "$(bundle $change)" --base "$(bundle old)")" "$(reader layers "$(bundle full-$change)")"
        refused 12 "release 1.0.0" bundler verify --deep --trust "$FILE/release.pub" "$(bundle $change)"
        run -12 reader verify --deep "$(bundle $change)"
    done
}

@test "the number of threads and the form of the base do not change a byte of a delta" {
    pack again 2.0.0 point --base "$(bundle old)" --jobs 1
    cmp "$(bundle again)" "$(bundle point)"
    pack again 2.0.0 point --base "$(bundle exact-old)" --jobs 3
    cmp "$(bundle again)" "$(bundle point)"
    pack again 2.0.0 file --base "$(bundle exact-old)"
    cmp "$(bundle again)" "$(bundle file)"
}

# in_both COMMAND ARG...: with both programs, the loader's on a host without a store.
in_both() { "$@" bundler --trust "$FILE/release.pub" && "$@" "$BIN/archon-load" --trust "$FILE/release.pub" --root "$FILE/nowhere"; }
# as_full FORM OUT CHANGE PROGRAM ARG...: what the full bundle gives.
as_full() {
    local form=$1 out=$2 change=$3 program=$4
    shift 4
    rm -rf "$FILE/exported" "$FILE/exported.tar"
    works "$program" export "$(bundle $change)" --base "$(bundle old)" --format "$form" -o "$FILE/$out" "$@"
    diff -r "$FILE/$out" "$FILE/full-$out"
}
not_without() {
    local program=$1
    shift
    refused 12 "what the base has is not in it" "$program" export "$(bundle point)" --format oci -o "$FILE/never.tar" "$@"
    refused 12 "a delta" "$program" export "$(bundle point)" --base "$(bundle full-package)" --format oci -o "$FILE/never.tar" "$@"
    refused 12 "release 1.0.0" "$program" verify --deep "$(bundle point)" "$@"
    works "$program" verify --deep "$(bundle point)" --base "$(bundle old)" "$@"
    [ ! -e "$FILE/never.tar" ]
}

@test "with the bundle of its base a delta is exported as the full bundle is, and verified down to its layers" {
    local change
    in_both not_without
    for change in file point; do
        rm -rf "$FILE"/full-exported*
        works bundler export "$(bundle full-$change)" --trust "$FILE/release.pub" --format oci -o "$FILE/full-exported"
        works bundler export "$(bundle full-$change)" --trust "$FILE/release.pub" --format rootfs -o "$FILE/full-exported.tar"
        in_both as_full oci exported $change
        in_both as_full rootfs exported.tar $change
    done
}

@test "a base is a full bundle of the same application and another release, signed by a key that is trusted" {
    refused 3 "is itself a delta" create never 3.0.0 point --base "$(bundle file)"
    refused 3 "this very release" create never 1.0.0 old --base "$(bundle old)"
    works create same 1.0.0 file --base "$(bundle old)"
    tells "warning: --base: is another release of the same version, 1.0.0"
    bundler create --key "$FILE/release.key" --cache "$FILE/blobs" --no-loader --version 1.0.0 -o "$(bundle foreign)" "site.example/foreign:1=oci:$FILE/layout-old" >/dev/null 2>&1
    refused 3 "is a bundle of foreign, this is app" create never 2.0.0 file --base "$(bundle foreign)"
    refused 11 "--base: " bundler create --key "$FILE/other.key" --cache "$FILE/blobs" --no-loader --version 2.0.0 -o "$(bundle never)" --base "$(bundle old)" "site.example/app:1=oci:$FILE/layout-file"
    refused 2 "whose signature is to be trusted" bundler create --cache "$FILE/blobs" --no-loader --version 2.0.0 -o "$(bundle never)" --base "$(bundle old)" "site.example/app:1=oci:$FILE/layout-file"
    tells "or --key with the key that signed it"
    refused 2 "only --inventory FILE tells" create never 2.0.0 file --base "$(bundle old)" --base "$(bundle exact-old)"
    refused 2 "there is no --base" create never 2.0.0 file --trust "$FILE/release.pub"
    refused 2 "nothing can be left out" create never 2.0.0 file --base "$(bundle old)" --layers exact
    refused 60 "" create never 2.0.0 file --base "$FILE/absent"
    cp "$(bundle old)" "$(bundle damaged)"
    printf 'other bytes' | dd of="$(bundle damaged)" bs=1 seek=$(($(size old) / 2)) conv=notrunc status=none
    refused 13 "--base: " create never 2.0.0 file --base "$(bundle damaged)"
    [ ! -e "$(bundle never)" ]
    works bundler create --key "$FILE/other.key" --cache "$FILE/blobs" --no-loader --version 2.0.0 -o "$(bundle by-other)" --base "$(bundle old)" --trust "$FILE/release.pub" \
        "site.example/app:1=oci:$FILE/layout-file"
}

@test "of several bases the one that the host has is taken, and of that only what is still there" {
    inventory "$FILE/host.json" old "$(diff_ids old)"
    pack chosen 3.0.0 point --base "$(bundle full-package)" --base "$(bundle old)" --inventory "$FILE/host.json"
    equal "$(said chosen .base.version)" 1.0.0
    inventory "$FILE/less.json" old "$(diff_ids old | jq -c '.[1:]')"
    pack less 3.0.0 file --base "$(bundle old)" --inventory "$FILE/less.json"
    equal "$(said less .base.kept_layers)" 1
    inventory "$FILE/foreign.json" full-point "$(diff_ids old)"
    refused 3 "the host has none of the releases that --base gives; it has app 1.0.0" create never 3.0.0 file --base "$(bundle old)" --inventory "$FILE/foreign.json"
    [ ! -e "$(bundle never)" ]
}

@test "base and delta may be in parts that lie in several folders, for whoever reads them" {
    mkdir -p "$FILE/a" "$FILE/b"
    works bundler split "$(bundle old)" --size 2MiB -o "$FILE/a/old"
    works bundler split "$(bundle package)" --size 1MiB -o "$FILE/a/delta" # one part is enough
    mv "$FILE/a/old.002" "$FILE/a/old.004" "$FILE/b"
    refused 13 "--base: old: parts 2 and 4 of [0-9]+ are missing" create never 2.0.0 package --base "$FILE/a/old"
    pack from-parts 2.0.0 package --base "$FILE/a/old" --parts-from "$FILE/b"
    cmp "$(bundle from-parts)" "$(bundle package)"
    works bundler diff --trust "$FILE/release.pub" --json "$FILE/b/old" "$(bundle full-package)" --parts-from "$FILE/a"
    [ "$(jq .delta.raw_size "$FILE/stdout")" -gt 0 ]
    works bundler verify --deep --trust "$FILE/release.pub" "$(bundle package)" --base "$FILE/a/old.001" --parts-from "$FILE/b"
    refused 2 "there is no --base" create never 2.0.0 package --parts-from "$FILE/b"
    mkdir -p "$FILE/site"
    works "${LIMIT[@]}" "$BIN/archon-load" consolidate --root "$FILE/site" --trust "$FILE/release.pub" --engine "$FILE/nowhere.sock" "$FILE/a/delta" --base "$FILE/a/old" --parts-from "$FILE/b" \
        --key "$FILE/other.key" -o "$FILE/full-again"
    works bundler verify --deep --trust "$FILE/other.pub" "$FILE/full-again"
}

@test "with an inventory alone whole layers are left out" {
    inventory "$FILE/host.json" old "$(diff_ids old)"
    pack whole 2.0.0 file --inventory "$FILE/host.json"
    equal "$(said whole .base.kept_layers)" 2
    equal "$(said whole .base.version)" null
    equal "$(said whole .release_sha256)" "$(said full-file .release_sha256)"
    [ $(($(size whole) * 20)) -lt "$(size full-file)" ]
    printf '{"archon_inventory":1}' >"$FILE/broken.json"
    refused 3 "broken.json" create never 2.0.0 file --inventory "$FILE/broken.json"
}

@test "a release whose images did not change carries none of them" {
    pack same 2.0.0 old --base "$(bundle old)"
    equal "$(said same '[.base.kept_layers, .fetched_size] | map(tostring) | join(" ")')" "3 0"
    [ "$(size same)" -lt 250000 ] || fail "$(size same) bytes"
    works bundler verify --deep --trust "$FILE/release.pub" "$(bundle same)" --base "$(bundle old)"
    reader verify --deep "$(bundle same)"
}

@test "what the base cannot help with becomes a full bundle, and that is said" {
    mkdir -p "$FILE/else" && head -c 300000 /dev/urandom >"$FILE/else/noise"
    image else else
    works create else 2.0.0 else --base "$(bundle old)"
    tells "is a full bundle: nothing in it could be left out"
    works bundler verify --deep --trust "$FILE/release.pub" "$(bundle else)"
}

@test "diff tells what changed and what a delta needs" {
    works bundler diff --json --trust "$FILE/release.pub" "$(bundle old)" "$(bundle full-point)"
    equal "$(jq -c '[.images.changed, .images.added, .layers.kept, .layers.added, .layers.removed]' "$FILE/stdout")" '[["site.example/app:1"],[],0,3,3]'
    [ "$(jq .delta.size "$FILE/stdout")" -lt $(($(size full-point) / 20)) ]
    [ "$(jq .delta.raw_size "$FILE/stdout")" -gt 1000 ]
    works bundler diff --trust "$FILE/release.pub" "$(bundle old)" "$(bundle full-file)"
    grep -q '^app 1.0.0 -> app 2.0.0$' "$FILE/stdout"
    grep -q '^layers      2 kept .* 1 added .* 1 removed' "$FILE/stdout"
    grep -q '^delta       about .* a host reads .* of old layers for it' "$FILE/stdout"
    works bundler diff --json "$(bundle exact-old)" "$(bundle exact-old)"
    [ "$(jq .layers.kept_raw_size "$FILE/stdout")" -gt 1000000 ]
    works bundler diff "$(bundle old)" "$(bundle file)"
    grep -q '^delta       less than .*--trust KEY.pub it is measured' "$FILE/stdout"
    refused 11 "" bundler diff --trust "$FILE/other.pub" "$(bundle old)" "$(bundle full-file)"
}

@test "a delta stands beside the full bundle of its release, and plan tells what need not travel" {
    mkdir "$FILE/shelf"
    works bundler create --key "$FILE/release.key" --cache "$FILE/blobs" --no-loader --version 2.0.0 -o "$FILE/shelf/" --base "$(bundle old)" "site.example/app:1=oci:$FILE/layout-file"
    [ -e "$FILE/shelf/app-2.0.0-from-1.0.0.bundle.tar.zst" ]
    works bundler plan --json --version 2.0.0 --cache "$FILE/blobs" --base "$(bundle old)" --trust "$FILE/release.pub" "site.example/app:1=oci:$FILE/layout-file"
    equal "$(jq -c '[.base.version, .base.kept_layers]' "$FILE/stdout")" '["1.0.0",2]'
    [ "$(jq .base.kept_size "$FILE/stdout")" -gt 1000000 ]
}
