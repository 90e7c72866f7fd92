#!/usr/bin/env bats
# Files that are not what was signed: refused with the right status, in one line, and nothing has changed.
load helpers

setup_file() {
    journey_start registry engine key tiny
    bundler keygen "$FILE/stranger" >/dev/null
    site_reset
}

teardown_file() { journey_stop; }

good() { printf '%s/tiny-1.0.0.bundle.tar.zst\n' "$FILE"; }

# changed NAME: a copy of the good bundle to spoil.
changed() {
    cp "$(good)" "$FILE/$1.bundle.tar.zst"
    printf '%s\n' "$FILE/$1.bundle.tar.zst"
}

# stays_out STATUS TEXT BUNDLE: neither verify nor install accepts it.
stays_out() {
    refused "$1" "$2" loader verify --root "$SITE" "$3"
    unchanged refused "$1" "$2" site install "$3" --yes
}

# unsigned OUT
unsigned() { (cd "$FILE/tiny" && bundler create --cache "$FILE/blobs" -o "$1") >/dev/null 2>&1; }

# All of it, every bit of the header: tests/run sweep.
@test "one flipped bit, or cut off, in the header and hundreds of places after it: refused with chunk and offset, and nothing has changed" {
    unchanged python3 "$CHECKOUT/tests/journeys/sweep.py" "$(good)" short -- "$BIN/archon-load" verify --root "$SITE" {}
}

@test "a few of them through install" {
    local bundle size position
    bundle=$(changed flipped)
    size=$(stat -c %s "$bundle")
    for position in 20 600 $((size / 3)) $((size / 2)) $((size - 300)); do
        printf '\377' | dd of="$bundle" bs=1 seek="$position" conv=notrunc status=none
        unchanged gives_refusal site install "$bundle" --yes
        cp "$(good)" "$bundle"
    done
}

# gives_refusal COMMAND...: one of the three statuses for spoiled bundles.
gives_refusal() {
    status=0
    "$@" >"$FILE/stdout" 2>"$FILE/stderr" || status=$?
    case $status in
    10 | 11 | 13) ;;
    *) complain "$*" "status $status" ;;
    esac
}

@test "unsigned" {
    unsigned "$FILE/unsigned.bundle.tar.zst"
    stays_out 11 "not signed" "$FILE/unsigned.bundle.tar.zst"
}

@test "signed by somebody this site does not know" {
    local bundle=$FILE/by-stranger.bundle.tar.zst
    unsigned "$bundle"
    works bundler sign "$bundle" --key "$FILE/stranger.key"
    stays_out 11 "signature|key" "$bundle"
}

@test "a known key, another manifest" {
    tiny_folder 1.0.1 2
    pack_tiny tiny-1.0.1
    python3 - "$(good)" "$FILE/tiny-1.0.1.bundle.tar.zst" "$FILE/moved.bundle.tar.zst" <<'PYTHON'
import sys
first, second = (open(name, 'rb').read() for name in sys.argv[1:3])
mark = b'signatures/'
a, b = first.index(mark), second.index(mark)
open(sys.argv[3], 'wb').write(second[:b + 512] + first[a + 512:a + 576] + second[b + 576:])
PYTHON
    stays_out 11 "signature" "$FILE/moved.bundle.tar.zst"
}

@test "cut off, anywhere" {
    local bundle size length
    size=$(stat -c %s "$(good)")
    for length in 0 1 13 600 65536 $((size / 2)) $((size - 1)); do
        bundle=$(changed short)
        truncate -s "$length" "$bundle"
        unchanged gives_refusal loader verify --root "$SITE" "$bundle"
    done
    unchanged gives_refusal site install "$bundle" --yes
}

# looks_at COMMAND...: works, and reads no more than 16 MiB.
looks_at() {
    # shellcheck disable=SC2016  # the inner shell's own words
    works bash -c '"$@" && awk "/^rchar/ { print \$2 }" "/proc/$$/io" >&2' bash "$@" || return 1
    [ "$(tail -n 1 "$FILE/stderr")" -le $((16 << 20)) ] || complain "$*" "$(tail -n 1 "$FILE/stderr") bytes were read"
}

# large LENGTH: a sparse bundle of the golden key, so long; members are reached without reading the rest; its last byte is wrong, and verify says so.
large() {
    local bundle=$FILE/large.bundle.tar.zst golden=$CHECKOUT/tests/golden
    python3 -B "$CHECKOUT/tests/reader/make_large.py" "$bundle" "$1"
    looks_at "$BIN/archon-bundle" list "$bundle" --trust "$golden/golden.pub"
    looks_at "$BIN/archon-bundle" cat "$bundle" release.json --trust "$golden/golden.pub"
    says '"name":"large"'
    looks_at "$BIN/archon-bundle" cat "$bundle" layers.bin --trust "$golden/golden.pub"
    printf '\377' | dd of="$bundle" bs=1 seek=$(($1 - 1)) conv=notrunc status=none
    refused 13 "chunk [0-9]+ of [0-9]+ at offset $(($1 / 10000))[0-9]{4}" /usr/bin/time -q -f %M -o "$FILE/memory" "$BIN/archon-bundle" verify "$bundle" --trust "$golden/golden.pub"
    [ "$(cat "$FILE/memory")" -le $((96 * 1024)) ] || complain "verify of $1 bytes" "$(cat "$FILE/memory") KiB of memory"
    rm "$bundle"
}

@test "more than 4 GiB, and its last byte is wrong" { large $(((1 << 32) + 1)); }
@test "5 GiB, and its last byte is wrong" { large $((5 << 30)); }

@test "longer than it says" {
    local bundle
    bundle=$(changed long)
    printf 'x' >>"$bundle"
    unchanged gives_refusal loader verify --root "$SITE" "$bundle"
    unchanged gives_refusal site install "$bundle" --yes
}

@test "a release that names an image which is not there" {
    local bundle=$FILE/without.bundle.tar.zst
    PYTHONPATH=$CHECKOUT/tests/reader python3 -B - "$bundle" <<'PYTHON'
import sys
from bundle.writer import Key, build, golden_spec
from make_bundle import GOLDEN_KEY
open(sys.argv[1], 'wb').write(build(golden_spec(), [Key(*GOLDEN_KEY)], members=lambda ms: [m for m in ms if m[0] != 'images/1/config.json']))
PYTHON
    mkdir "$FILE/host"
    unchanged refused 10 "golden.example/api:1.0.0.*not in the bundle" loader load-images "$bundle" --root "$FILE/host" --trust "$CHECKOUT/tests/golden/golden.pub" \
        --engine "$(daemon_socket "$ENGINE")"
}

@test "something else altogether" {
    head -c 100000 /dev/urandom >"$FILE/noise.bundle.tar.zst"
    stays_out 10 "noise.bundle.tar.zst" "$FILE/noise.bundle.tar.zst"
    tar -C "$FILE" -c release.pub | zstd -q >"$FILE/tar.bundle.tar.zst"
    stays_out 10 "tar.bundle.tar.zst" "$FILE/tar.bundle.tar.zst"
    refused 60 "absent" loader verify --root "$SITE" "$FILE/absent.bundle.tar.zst"
    refused 60 "$FILE: is a directory" loader verify --root "$SITE" "$FILE"
}

@test "a known key, a release that names a layer which is not there" {
    loader trust add --root "$SITE" "$CHECKOUT/tests/golden/golden.pub" --name golden >/dev/null
    (cd "$CHECKOUT/tests/reader" && python3 -B - "$FILE/forgotten.bundle.tar.zst") <<'PYTHON'
import sys
from bundle.writer import Key, build, golden_spec
from damage.changes import at_index
from make_bundle import GOLDEN_KEY
spec = golden_spec()
def forget(member):
    name, data, x = member
    at = data.rindex(b'"sha256:', 0, data.index(b']}]}],"services"')) + 8
    return [name, data[:at] + b'0' * 64 + data[at + 64:], x]
open(sys.argv[1], 'wb').write(build(spec, [Key(*GOLDEN_KEY)], members=at_index(0, forget)))
PYTHON
    stays_out 10 "release.json: image golden.example/api:1.0.0: layer sha256:0+ is not in the bundle" "$FILE/forgotten.bundle.tar.zst"
    find "$SITE/etc/archon/trust.d" -name 'golden*' -delete
}

@test "a host that trusts nobody refuses and says how to add a key" {
    rm -rf "$FILE/bare"
    mkdir "$FILE/bare"
    refused 11 "key" loader verify --root "$FILE/bare" "$(good)"
    tells "trust add"
}

@test "--trust is refused when the host has a store of its own" {
    refused 12 "trust" loader verify --root "$SITE" --trust "$FILE/stranger.pub" "$(good)"
}

@test "a store that others may write to, or a link in it, is an error" {
    local store
    store=$(find "$SITE/etc/archon/trust.d" -name '*.pub')
    chmod 666 "$store"
    refused 3 "trust.d" loader verify --root "$SITE" "$(good)"
    rm "$store"
    ln -s "$FILE/release.pub" "$store"
    refused 3 "trust.d" loader verify --root "$SITE" "$(good)"
    rm "$store"
    loader trust add --root "$SITE" "$FILE/release.pub"
    works loader verify --root "$SITE" "$(good)"
}
