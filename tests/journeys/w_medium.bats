#!/usr/bin/env bats
# Media that are not what they seem: one that has other bytes than were written, or loses them, is found before the bundle gets its name, and FAT32 is told of before anything is
# fetched.
load helpers

setup_file() {
    packages build
    journey_start registry key
    gcc -D_GNU_SOURCE -shared -fPIC -o "$FILE/odd_medium.so" "$CHECKOUT/tests/support/odd_medium.c"
    works bundler create "${HOW[@]}" --key "$FILE/release.key" -o "$FILE/whole.bundle.tar.zst" "$(image)"
}

teardown_file() { journey_stop; }

setup() {
    rm -rf "$FILE/d"
    mkdir "$FILE/d"
}

HOW=(--cache "$FILE/blobs" --version 1.0.0 --no-loader)
image() { printf '%s/shop/web:1.0.0\n' "$(registry_host "$REGISTRY")"; }

# odd SETTING: what stands before a program whose media are of that kind (odd_medium.c).
odd() { ODD=(env "$1" "LD_PRELOAD=$FILE/odd_medium.so"); }

# on_stick COMMAND...: with a file system of its own in $FILE/d/mnt, whose content is the file $FILE/d/stick; what was there in the end is in $FILE/d/left.
on_stick() {
    truncate -s 256M "$FILE/d/stick"
    mkfs.ext4 -q -O ^has_journal "$FILE/d/stick"
    mkdir "$FILE/d/mnt"
    # shellcheck disable=SC2016  # the inner shell's own words
    unshare --mount --propagation private sh -c 'cd "$1" && shift && mount -o loop stick mnt || exit 1; "$@"; status=$?; ls mnt/*bundle* >left 2>/dev/null; umount mnt; exit $status' sh "$FILE/d" "$@"
}

# losing: the medium forgets a block in the middle of what was written, which is what $FILE/whole.bundle.tar.zst has there.
losing() {
    cat >"$FILE/d/lose.py" <<'END'
import sys
stick, whole = sys.argv[1:]
with open(whole, 'rb') as f:
    data = f.read()
at = len(data) // 8192 * 4096
with open(stick, 'r+b') as f:
    place = f.read().index(data[at:at + 4096])
    f.seek(place)
    f.write(bytes(4096))
END
    odd "ODD_LOSES=python3 $FILE/d/lose.py $FILE/d/stick $FILE/whole.bundle.tar.zst"
}

@test "a byte that was written wrongly is found by reading back, before the bundle has a name" {
    local mode
    odd "ODD_BYTE=$(($(stat -c %s "$FILE/whole.bundle.tar.zst") / 2))"
    mkdir "$FILE/d/none"
    for mode in dedup exact; do
        refused 13 'reading back: ' "${ODD[@]}" "$BIN/archon-bundle" create "${HOW[@]}" --layers "$mode" -o "$FILE/d/none/" "$(image)"
        no_partial "$FILE/d/none"
    done
}

@test "what a medium lost is found by create before the bundle has a name, and nobody is told that it is safe to remove" {
    losing
    refused 13 'reading back from the medium: .*chunk [0-9]+ of [0-9]+ at offset [0-9]+' on_stick "${ODD[@]}" \
        "$BIN/archon-bundle" create "${HOW[@]}" --key "$FILE/release.key" --check-medium -o "$FILE/d/mnt/x.bundle.tar.zst" "$(image)"
    run ! grep -q 'safe to remove' "$FILE/stderr"
    equal "$(cat "$FILE/d/left")" ""
}

@test "and by split" {
    losing
    refused 13 'reading back from the medium: .*chunk [0-9]+ of [0-9]+ at offset [0-9]+' on_stick "${ODD[@]}" \
        "$BIN/archon-bundle" split "$FILE/whole.bundle.tar.zst" --size 100MiB --check-medium -o "$FILE/d/mnt/x.bundle.tar.zst"
    run ! grep -q 'safe to remove' "$FILE/stderr"
    equal "$(cat "$FILE/d/left")" ""
}

@test "a medium that keeps everything: safe to remove" {
    odd ODD_LOSES=true
    works on_stick "${ODD[@]}" "$BIN/archon-bundle" create "${HOW[@]}" --key "$FILE/release.key" --check-medium -o "$FILE/d/mnt/x.bundle.tar.zst" "$(image)"
    tells 'safe to remove'
    equal "$(cat "$FILE/d/left")" mnt/x.bundle.tar.zst
}

# A layout whose only layer has 7 GiB, all of them holes.
large_layout() {
    python3 - "$FILE/d/large" <<'END'
import hashlib, json, os, sys
blobs = os.path.join(sys.argv[1], 'blobs/sha256')
os.makedirs(blobs)
def put(value):
    data = json.dumps(value).encode()
    digest = hashlib.sha256(data).hexdigest()
    with open(os.path.join(blobs, digest), 'wb') as f:
        f.write(data)
    return {'digest': 'sha256:' + digest, 'size': len(data)}
kind, size, layer = 'application/vnd.oci.image.', 7 << 30, 'ab' * 32
with open(os.path.join(blobs, layer), 'wb') as f:
    f.truncate(size)
config = put({'os': 'linux', 'architecture': 'amd64', 'rootfs': {'type': 'layers', 'diff_ids': ['sha256:' + layer]}})
manifest = put({'schemaVersion': 2, 'mediaType': kind + 'manifest.v1+json', 'config': dict(config, mediaType=kind + 'config.v1+json'),
                'layers': [{'mediaType': kind + 'layer.v1.tar', 'digest': 'sha256:' + layer, 'size': size}]})
for name, value in (('oci-layout', {'imageLayoutVersion': '1.0.0'}), ('index.json', {'schemaVersion': 2, 'manifests': [dict(manifest, mediaType=kind + 'manifest.v1+json')]})):
    with open(os.path.join(sys.argv[1], name), 'w') as f:
        json.dump(value, f)
END
}

@test "what FAT32 cannot hold is refused before a layer is read, with the advice to split" {
    large_layout
    mkdir "$FILE/d/none"
    odd ODD_FAT=1
    refused 31 'about 5.6 GB are expected, and a file there can have 4.3 GB at most' "${ODD[@]}" \
        "$BIN/archon-bundle" create "${HOW[@]}" -o "$FILE/d/none/" "large=oci:$FILE/d/large"
    tells 'hint: .*--split 4095MiB'
    no_partial "$FILE/d/none"
    refused 2 'a file there can have 4294967295 bytes at most' "${ODD[@]}" "$BIN/archon-bundle" create "${HOW[@]}" --split 5GiB -o "$FILE/d/none/" "large=oci:$FILE/d/large"
    no_partial "$FILE/d/none"
}
