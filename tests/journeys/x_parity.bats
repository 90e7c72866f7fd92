#!/usr/bin/env bats
# A bundle that was damaged on its way is repaired from its parity file, bit for bit, and loads; what is too much is refused and told.
load helpers

setup_file() {
    journey_start registry engine key
    H=$(registry_host "$REGISTRY")
    bundler keygen "$FILE/second" >/dev/null
    works bundler create --key "$FILE/release.key" --cache "$FILE/blobs" --version 1.0.0 --parity 10% --json -o "$FILE/good.bundle.tar.zst" "$H/shop/api:1.0.0"
    cp "$FILE/stdout" "$FILE/created"
    SIZE=$(stat -c %s "$FILE/good.bundle.tar.zst")
    export SIZE
}

teardown_file() { journey_stop; }

# A fresh copy to damage: $FILE/d/x.bundle.tar.zst with its parity file.
setup() {
    rm -rf "$FILE/d"
    mkdir "$FILE/d"
    cp "$FILE/good.bundle.tar.zst" "$FILE/d/x.bundle.tar.zst"
    cp "$FILE/good.bundle.tar.zst.par" "$FILE/d/x.bundle.tar.zst.par"
    X=$FILE/d/x.bundle.tar.zst
}

# overwrite FILE OFFSET BYTES FROM: dd with any offset and length.
overwrite() { head -c "$3" "$4" | dd of="$1" bs=64K oflag=seek_bytes seek="$2" conv=notrunc iflag=fullblock status=none; }

# repaired PROGRAM ARG...: the result is the good one, verified, and the damaged one is as it was.
repaired() {
    local program=$1
    shift
    sha256sum "$FILE"/d/x.* >"$FILE/before"
    works "$program" repair "$X" -o "$FILE/d/new.bundle.tar.zst" "$@" || return 1
    sha256sum --quiet -c "$FILE/before" || return 1
    cmp "$FILE/d/new.bundle.tar.zst" "$FILE/good.bundle.tar.zst"
}

plain_loader() { "${LIMIT[@]}" "$BIN/archon-load" "$@"; }

@test "create tells of the parity file, and the same bundle gives the same one" {
    equal "$(jq -r .parity_size "$FILE/created")" "$(stat -c %s "$FILE/good.bundle.tar.zst.par")"
    works bundler create --key "$FILE/release.key" --cache "$FILE/blobs" --version 1.0.0 --parity 10 --jobs 1 -o "$FILE/d/again.bundle.tar.zst" \
        "$(registry_host "$REGISTRY")/shop/api:1.0.0"
    cmp "$FILE/d/again.bundle.tar.zst.par" "$FILE/good.bundle.tar.zst.par"
}

@test "a tenth of the bundle that is overwritten comes back, wherever it is" {
    local at
    for at in 0 $((SIZE / 3 + 1)) $((SIZE - SIZE / 10)); do
        overwrite "$X" "$at" $((SIZE / 10)) /dev/urandom
        repaired bundler --trust "$FILE/release.pub"
        says 'signed by +release/release'
        cp "$FILE/good.bundle.tar.zst" "$X"
        rm "$FILE/d/new.bundle.tar.zst"
    done
}

@test "a repaired bundle loads" {
    site_reset
    overwrite "$X" $((SIZE / 2)) $((SIZE / 10)) /dev/urandom
    gives 13 site load-images "$X"
    tells 'hint: .*archon-load repair'
    equal "$(on_engine images -q)" ""
    works loader repair "$X" --root "$SITE" -o "$FILE/d/new.bundle.tar.zst"
    says 'signed by +release/release'
    works site load-images "$FILE/d/new.bundle.tar.zst"
    equal "$(on_engine images -q | wc -l)" 1
}

@test "zeros, an end that is missing and bytes too many come back" {
    overwrite "$X" 1000000 $((SIZE / 11)) /dev/zero
    repaired plain_loader --root "$FILE/no-site" --trust "$FILE/release.pub"
    cp "$FILE/good.bundle.tar.zst" "$X"
    truncate -s $((SIZE - SIZE / 10)) "$X"
    repaired bundler
    cp "$FILE/good.bundle.tar.zst" "$X"
    head -c 100000 /dev/urandom >>"$X"
    repaired bundler
}

@test "many small places, and places in the parity file, come back" {
    local i
    for i in $(seq 40); do overwrite "$X" $((SIZE / 41 * i)) 512 /dev/zero; done
    for i in 1 2 3; do overwrite "$X.par" $((i * 700000)) 512 /dev/zero; done
    overwrite "$X.par" 0 4096 /dev/zero
    repaired bundler --trust "$FILE/release.pub" --json
    [ "$(jq .damaged "$FILE/stdout")" -ge 40 ]
    [ "$(jq .parity_damaged "$FILE/stdout")" -ge 1 ]
    equal "$(jq .verified "$FILE/stdout")" true
}

@test "verify and install of a damaged bundle point to repair" {
    overwrite "$X" $((SIZE / 2)) 5000 /dev/zero
    gives 13 bundler verify "$X" --trust "$FILE/release.pub"
    tells 'chunk [0-9]+ of [0-9]+'
    tells 'hint: .*archon-bundle repair'
    gives 13 plain_loader verify "$X" --root "$FILE/no-site" --trust "$FILE/release.pub"
    tells 'hint: .*archon-load repair'
}

@test "too much damage: counted, refused, nothing written" {
    overwrite "$X" 0 $((SIZE / 5)) /dev/urandom
    gives 13 bundler repair "$X" -o "$FILE/d/new.bundle.tar.zst"
    tells 'cannot be repaired'
    says 'damaged +[0-9]+ bytes at offset 0'
    [ ! -e "$FILE/d/new.bundle.tar.zst" ]
    gives 13 bundler repair "$X" -o "$FILE/d/new.bundle.tar.zst" --json
    [ "$(jq .beyond_repair "$FILE/stdout")" -gt 0 ]
    equal "$(jq .status "$FILE/stdout")" 13
}

@test "the parity file of another bundle repairs nothing" {
    works bundler create --key "$FILE/release.key" --cache "$FILE/blobs" --version 1.0.0 --no-loader --parity 10% -o "$FILE/d/other.bundle.tar.zst" \
        "$(registry_host "$REGISTRY")/tools/tiny:1"
    gives 13 bundler repair "$X" --parity-file "$FILE/d/other.bundle.tar.zst.par" -o "$FILE/d/new.bundle.tar.zst"
    tells 'of another bundle'
    refused 10 'is not a parity file' bundler repair "$X" --parity-file "$X" -o "$FILE/d/new.bundle.tar.zst"
    refused 60 'there is no parity file' bundler repair "$FILE/d/nothing" -o "$FILE/d/new.bundle.tar.zst"
}

@test "a bundle that is whole is left alone, and never written over" {
    works bundler repair "$X"
    says 'nothing: it is whole'
    equal "$(ls "$FILE/d")" $'x.bundle.tar.zst\nx.bundle.tar.zst.par'
    overwrite "$X" 5000000 512 /dev/zero
    refused 2 'left as it is' bundler repair "$X" -o "$X"
    works bundler repair "$X"
    cmp "$FILE/d/x.repaired.bundle.tar.zst" "$FILE/good.bundle.tar.zst"
    refused 60 'exists already' bundler repair "$X"
    refused 2 'not a pipe' bundler repair "$X" -o -
    refused 60 'there is no parity file' bundler repair "$X" --parity-file "$FILE/missing.par"
    tells 'hint: .*--parity-file'
}

@test "a result that no trusted key signed gets no name" {
    overwrite "$X" 5000000 512 /dev/zero
    gives 11 bundler repair "$X" --trust "$FILE/second.pub" -o "$FILE/d/new.bundle.tar.zst"
    [ ! -e "$FILE/d/new.bundle.tar.zst" ]
}

@test "signing renews the parity file: the header comes back with both signatures" {
    works bundler sign "$X" --key "$FILE/second.key"
    says 'parity file was renewed'
    cp "$X" "$FILE/d/signed"
    overwrite "$X" 0 200000 /dev/urandom
    works bundler repair "$X" -o "$FILE/d/new.bundle.tar.zst" --trust "$FILE/second.pub"
    cmp "$FILE/d/new.bundle.tar.zst" "$FILE/d/signed"
}

@test "parts: one that is missing and one that is damaged are written anew, or all as one file" {
    split -b $((SIZE / 12)) -a 3 --numeric-suffixes=1 "$X" "$X."
    rm "$X" "$X.004"
    overwrite "$X.007" 1000 2000 /dev/zero
    refused 2 'in parts' bundler repair "$X.001"
    mkdir "$FILE/d/out"
    works bundler repair "$X.001" -o "$FILE/d/out" --trust "$FILE/release.pub"
    says 'missing +part 4'
    equal "$(ls "$FILE/d/out")" $'x.bundle.tar.zst.004\nx.bundle.tar.zst.007'
    cp "$FILE"/d/out/* "$FILE/d/"
    cat "$X".0* | cmp - "$FILE/good.bundle.tar.zst"
    rm "$X.013"
    works bundler repair "$X" -o "$FILE/d/new.bundle.tar.zst"
    cmp "$FILE/d/new.bundle.tar.zst" "$FILE/good.bundle.tar.zst"
}

@test "parts in several folders: what is nowhere is made anew, and what there is to repair from is never written over" {
    local name
    split -b $((SIZE / 12)) -a 3 --numeric-suffixes=1 "$X" "$X."
    mkdir "$FILE/d/b" "$FILE/d/out"
    mv "$X.002" "$X.009" "$FILE/d/b"
    rm "$X" "$X.004"
    works bundler repair "$X" --parts-from "$FILE/d/b" -o "$FILE/d/out" --trust "$FILE/release.pub" --json
    equal "$(jq -c .missing_parts "$FILE/stdout")" '[4]'
    equal "$(ls "$FILE/d/out")" x.bundle.tar.zst.004
    sha256sum "$FILE"/d/x.* "$FILE"/d/b/* >"$FILE/before"
    ln "$FILE/d/b/x.bundle.tar.zst.009" "$FILE/d/b/another-name"
    for name in "$FILE/d/b/another-name" "$X.par"; do
        refused 2 'left as it is' bundler repair "$X" --parts-from "$FILE/d/b" -o "$name"
    done
    for name in "$X.003" "$X.004"; do
        refused 2 'is the name of a part' bundler repair "$X" --parts-from "$FILE/d/b" -o "$name"
    done
    ln -s /etc/shadow "$X.004"
    works bundler repair "$X" --parts-from "$FILE/d/b" -o "$FILE/d/new.bundle.tar.zst" --trust "$FILE/release.pub"
    tells 'x.bundle.tar.zst.004: is a symbolic link.*: left out'
    cmp "$FILE/d/new.bundle.tar.zst" "$FILE/good.bundle.tar.zst"
    sha256sum --quiet -c "$FILE/before"
    mv "$X.par" "$FILE/d/b"
    works bundler repair "$X" --parts-from "$FILE/d/b" -o "$FILE/d/second.bundle.tar.zst"
    cmp "$FILE/d/second.bundle.tar.zst" "$FILE/good.bundle.tar.zst"
}

@test "with --check-medium the parity file is read back as well, before it is said to be safe to remove" {
    local -a tiny=(create --key "$FILE/release.key" --cache "$FILE/blobs" --version 1.0.0 --no-loader --parity 10% --json=stream
        -o "$FILE/d/tiny.bundle.tar.zst" "$(registry_host "$REGISTRY")/tools/tiny:1")
    works bundler "${tiny[@]}"
    equal "$(grep -c 'check parity' "$FILE/stdout")" 0
    works bundler "${tiny[@]}" --check-medium
    [ "$(grep -c 'check parity' "$FILE/stdout")" -gt 0 ]
    tells 'safe to remove'
}

@test "create --split --parity: signed in parts, a part is lost, made anew, and the bundle is read in place" {
    local part
    works bundler create --key "$FILE/release.key" --cache "$FILE/blobs" --version 1.0.0 --split $((SIZE / 8 / 1048576 + 1))MiB --parity 20% \
        -o "$FILE/d/p.bundle.tar.zst" "$(registry_host "$REGISTRY")/shop/api:1.0.0"
    works bundler sign "$FILE/d/p.bundle.tar.zst" --key "$FILE/second.key"
    says 'parity file was renewed'
    for part in 001 003; do
        mv "$FILE/d/p.bundle.tar.zst.$part" "$FILE/d/lost"
        gives 13 bundler verify "$FILE/d/p.bundle.tar.zst" --trust "$FILE/second.pub"
        tells 'hint: .*archon-bundle repair'
        works bundler repair "$FILE/d/p.bundle.tar.zst" -o "$FILE/d" --trust "$FILE/second.pub"
        cmp "$FILE/d/p.bundle.tar.zst.$part" "$FILE/d/lost"
    done
    works bundler verify "$FILE/d/p.bundle.tar.zst" --trust "$FILE/release.pub"
}

@test "the independent reader makes and repairs with the same parity file" {
    bundler create --key "$FILE/release.key" --cache "$FILE/blobs" --version 1.0.0 --no-loader --parity 25% -o "$FILE/d/tiny.bundle.tar.zst" \
        "$(registry_host "$REGISTRY")/tools/tiny:1"
    cd "$FILE/d"
    python3 -B "$CHECKOUT/tests/reader/read_bundle.py" parity tiny.bundle.tar.zst tiny.bundle.tar.zst.par
    cp tiny.bundle.tar.zst tiny-good
    overwrite tiny.bundle.tar.zst 3000 $(($(stat -c %s tiny-good) / 4)) /dev/urandom
    python3 -B "$CHECKOUT/tests/reader/read_bundle.py" repair tiny.bundle.tar.zst tiny.bundle.tar.zst.par tiny-new
    cmp tiny-new tiny-good
}

@test "a parity file of an earlier bundle is neither replaced unasked nor passed over in silence" {
    works bundler create --key "$FILE/release.key" --cache "$FILE/blobs" --version 1.0.0 --no-loader -o "$X" "$(registry_host "$REGISTRY")/tools/tiny:1"
    tells 'x.bundle.tar.zst.par is the parity file of an earlier bundle'
    touch "$FILE/d/tiny-1.0.0.bundle.tar.zst.par"
    refused 60 'exists already' bundler create --cache "$FILE/blobs" --version 1.0.0 --parity 5% -o "$FILE/d" "$(registry_host "$REGISTRY")/tools/tiny:1"
}

@test "a share that cannot be is refused before anything is fetched" {
    local share
    for share in 0% 51% 10.5% ten %; do
        refused 2 'expected 1% to 50%' bundler create --parity "$share" --version 1.0.0 -o "$FILE/d/no.bundle.tar.zst" "$(registry_host "$REGISTRY")/tools/tiny:1"
    done
}
