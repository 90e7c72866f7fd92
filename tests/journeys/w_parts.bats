#!/usr/bin/env bats
# A bundle in parts: made, split, carried in read-only folders and on discs, checked on its medium; what is wrong with parts is named by number.
load helpers

setup_file() {
    journey_start registry key
    H=$(registry_host "$REGISTRY")
    works bundler create --key "$FILE/release.key" --cache "$FILE/blobs" --version 1.0.0 -o "$FILE/whole.bundle.tar.zst" "$H/shop/api:1.0.0"
    SIZE=$(stat -c %s "$FILE/whole.bundle.tar.zst")
    PART=$((SIZE / 5 / 1048576 + 1))
    export SIZE PART
}

teardown_file() { journey_stop; }

# Fresh parts: $FILE/d/x.bundle.tar.zst.001 and so on.
setup() {
    rm -rf "$FILE/d"
    mkdir "$FILE/d"
    X=$FILE/d/x.bundle.tar.zst
    works bundler split "$FILE/whole.bundle.tar.zst" --size "${PART}MiB" -o "$X"
    N=$(find "$FILE/d" -name 'x.*' | wc -l)
}

plain_loader() { "${LIMIT[@]}" "$BIN/archon-load" "$@"; }
verify() { plain_loader verify --root "$FILE/d/site" --trust "$FILE/release.pub" "$@"; }
nth() { printf '%s.%03d' "$X" "$1"; }

@test "parts together are the bundle, whoever made them" {
    cat "$X".* | cmp - "$FILE/whole.bundle.tar.zst"
    works bundler create --key "$FILE/release.key" --cache "$FILE/blobs" --version 1.0.0 --split "${PART}MiB" --check-medium -o "$FILE/d/y.bundle.tar.zst" \
        "$(registry_host "$REGISTRY")/shop/api:1.0.0"
    tells 'safe to remove'
    says 'y.bundle.tar.zst.001 and so on'
    says "parts +$N"
    cat "$FILE/d/y.bundle.tar.zst".* | cmp - "$FILE/whole.bundle.tar.zst"
    [ ! -e "$FILE/d/y.bundle.tar.zst" ]
}

@test "a place where no parts can lie is told before anything is read; parts are no pipe" {
    refused 2 'not a pipe' bundler split "$FILE/whole.bundle.tar.zst" -o -
    refused 60 'missing: is not an existing directory' bundler split "$FILE/whole.bundle.tar.zst" -o "$FILE/missing/x"
}

@test "every reader takes parts as they lie, by any of their names; the independent reader too" {
    local name
    for name in "$X" "$(nth 1)" "$(nth 3)"; do
        works verify --deep "$name"
        works bundler list "$name" --trust "$FILE/release.pub"
        works bundler cat "$name" release.json --trust "$FILE/release.pub"
        works bundler inspect "$name"
    done
    mkdir "$FILE/d/out"
    works bundler extract "$X" release.json -C "$FILE/d/out" --trust "$FILE/release.pub"
    python3 "$CHECKOUT/tests/reader/read_bundle.py" verify "$X" --trust "$FILE/release.pub" --deep
}

@test "parts in two read-only folders are read in place" {
    mkdir "$FILE/d/a" "$FILE/d/b"
    mv "$(nth 1)" "$(nth 2)" "$FILE/d/a"
    mv "$FILE"/d/x.* "$FILE/d/b"
    # shellcheck disable=SC2016
    works unshare --mount --propagation private sh -c 'mount --bind "$1/a" "$1/a" && mount -o remount,bind,ro "$1/a" && mount --bind "$1/b" "$1/b" &&
        mount -o remount,bind,ro "$1/b" && ! touch "$1/b/file" 2>"$1/refused" && exec "$2/archon-load" verify --root "$1/site" --trust "$3" --parts-from "$1/b" "$1/a/x.bundle.tar.zst.001"' \
        sh "$FILE/d" "$BIN" "$FILE/release.pub"
    refused 13 'parts 3.* are missing' verify "$FILE/d/a/x.bundle.tar.zst.001"
}

@test "missing, short, swapped and foreign parts and one too many are named" {
    mv "$(nth 2)" "$FILE/d/away"
    refused 13 "part 2 of $N is missing" verify "$X"
    mv "$FILE/d/away" "$(nth 2)"
    cp "$(nth 3)" "$FILE/d/kept"
    truncate -s -1 "$(nth 3)"
    refused 13 "part 3 of $N ends at [0-9]+, expected [0-9]+" verify "$X"
    cp "$(nth 2)" "$(nth 3)"
    cp "$FILE/d/kept" "$(nth 2)"
    refused 13 "part 2 of $N holds part 3 of this bundle" verify "$X"
    cp "$(nth 3)" "$(nth 2)"
    head -c "$(stat -c %s "$FILE/d/kept")" /dev/urandom >"$(nth 3)"
    refused 13 "part 3 of $N is damaged at its beginning, or of another bundle" verify "$X"
    cp "$FILE/d/kept" "$(nth 3)"
    works verify "$X"
    echo x >"$(nth $((N + 1)))"
    refused 13 "part $((N + 1)) is one too many: the bundle has $N" verify "$X"
}

@test "parts that a killed run left are told before the work, not after it" {
    touch "$FILE/d/whole.bundle.tar.zst.003" "$FILE/d/tiny-1.0.0.bundle.tar.zst.009"
    refused 60 'whole.bundle.tar.zst.003: exists already' bundler split "$FILE/whole.bundle.tar.zst" --size 2MiB -o "$FILE/d"
    refused 60 'tiny-1.0.0.bundle.tar.zst.009: exists already' bundler create --key "$FILE/release.key" --cache "$FILE/no-blobs" --version 1.0.0 --no-loader --split 2MiB -o "$FILE/d" \
        "$(registry_host "$REGISTRY")/tools/tiny:1"
    equal "$(ls "$FILE/no-blobs/sha256" 2>/dev/null)" ""
}

@test "a bundle in one piece that would be read in place of the parts is told" {
    echo old >"$FILE/d/y"
    works bundler create --key "$FILE/release.key" --cache "$FILE/blobs" --version 1.0.0 --no-loader --split 2MiB -o "$FILE/d/y" "$(registry_host "$REGISTRY")/tools/tiny:1"
    tells 'd/y is there, too: it is read under this name'
}

@test "damage names chunk, offset and part" {
    printf '\xff\xfe\xfd' | dd of="$(nth 2)" bs=1 seek=$((PART * 1048576 - 100)) conv=notrunc status=none
    refused 13 'chunk [0-9]+ of [0-9]+ at offset [0-9]+, parts? 2( to 3)? is damaged' verify "$X"
    works bundler split "$FILE/whole.bundle.tar.zst" --size "${PART}MiB" -o "$FILE/d/y.bundle.tar.zst"
    local last
    last=$(printf '%s.%03d' "$FILE/d/y.bundle.tar.zst" "$N")
    printf '\xff\xfe\xfd' | dd of="$last" bs=1 seek=$(($(stat -c %s "$last") - 100)) conv=notrunc status=none
    refused 13 "chunk [0-9]+ of [0-9]+ at offset [0-9]+, part $N is damaged" verify "$FILE/d/y.bundle.tar.zst"
}

@test "a part that is on no disc is asked for on a terminal" {
    mkdir "$FILE/d/disc"
    mv "$(nth 2)" "$FILE/d/disc"
    # The answer to the question puts the disc in.
    works timeout 60 python3 "$CHECKOUT/tests/support/asked.py" 'insert the disc with part 2 of [0-9]+, then press Enter; q gives up' \
        "mv $FILE/d/disc/* $FILE/d/" "$BIN/archon-bundle" verify --trust "$FILE/release.pub" "$X"
    mv "$(nth 2)" "$FILE/d/disc"
    gives 13 timeout 60 python3 "$CHECKOUT/tests/support/asked.py" --answer q 'insert the disc with part 2' true "$BIN/archon-bundle" verify --trust "$FILE/release.pub" "$X"
}

@test "a medium that lost what was written is found by reading it, not by reading memory" {
    truncate -s $((SIZE * 2 + 67108864)) "$FILE/d/stick"
    mkfs.ext4 -q -O ^has_journal "$FILE/d/stick"
    mkdir "$FILE/d/mnt"
    cat >"$FILE/d/story" <<'END'
set -e
mount -o loop "$1/stick" "$1/mnt"
trap 'umount "$1/mnt"' EXIT
cp "$2" "$1/mnt/x.bundle.tar.zst"
sync -f "$1/mnt"
at=$(filefrag -v -b4096 "$1/mnt/x.bundle.tar.zst" | awk '$1 == "0:" { sub(/\.\..*/, "", $4); print $4 }')
head -c 8192 /dev/urandom | dd of="$1/stick" bs=4096 seek=$((at + 300)) conv=notrunc status=none
"$3/archon-bundle" verify --trust "$4" "$1/mnt/x.bundle.tar.zst" >"$1/cached"
exec_status=0
"$3/archon-bundle" verify --check-medium --trust "$4" "$1/mnt/x.bundle.tar.zst" || exec_status=$?
exit $exec_status
END
    gives 13 unshare --mount --propagation private bash "$FILE/d/story" "$FILE/d" "$FILE/whole.bundle.tar.zst" "$BIN" "$FILE/release.pub"
    tells 'at offset [0-9]+'
    [ -s "$FILE/d/cached" ]
}

@test "a file system that ends files early is told with the advice to split" {
    # shellcheck disable=SC2016
    gives 31 bash -c 'ulimit -f 1024; exec "$@"' sh "$BIN/archon-bundle" split "$FILE/whole.bundle.tar.zst" --size 64MiB -o "$FILE/d/z"
    [ -z "$(find "$FILE/d" -name 'z*')" ]
    refused 2 'at least 1 MiB' bundler split "$FILE/whole.bundle.tar.zst" --size 1KiB -o "$FILE/d/z"
}
