#!/usr/bin/env bats
# The bundle format has two implementations: the programs, and the reader in tests/reader. Both take the golden bundle, and both
# refuse every damaged one with the status that is expected of it.

setup() {
    checkout=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
    golden=$checkout/tests/golden
    bundle=$golden/golden.bundle.tar.zst
    PATH=${ARCHON_BUILDS:-$checkout/build}/gcc/installed/bin:$PATH
}

@test "the golden bundle is accepted by archon-bundle, zstd and tar" {
    archon-bundle verify --deep "$bundle" --trust "$golden/golden.pub"
    zstd -tq "$bundle"
    tar --zstd -tf "$bundle" >/dev/null
}

@test "the golden bundle with blobs is accepted by archon-bundle, and its extracted folder by skopeo" {
    exact=$golden/golden-exact.bundle.tar.zst
    archon-bundle verify --deep "$exact" --trust "$golden/golden.pub"
    tar --zstd -C "$BATS_TEST_TMPDIR" -xf "$exact"
    for name in web api; do skopeo inspect "oci:$BATS_TEST_TMPDIR:golden.example/$name:1.0.0" | grep -q '"Architecture": "amd64"'; done
}

@test "archon-bundle names release and manifest of the golden bundle as the reader does" {
    run archon-bundle verify --deep "$bundle" --trust "$golden/golden.pub"
    [ "$status" -eq 0 ]
    mapfile -t digests < <(grep -o '[0-9a-f]\{64\}' "$golden/golden.verify")
    [ "${#digests[@]}" -eq 2 ]
    for digest in "${digests[@]}"; do
        [[ "$output" == *"$digest"* ]]
    done
}

@test "a member comes out as the reader gives it" {
    for member in release.json app/compose.yaml docs/empty.txt data/00001.bin layers.bin; do
        archon-bundle cat "$bundle" "$member" >"$BATS_TEST_TMPDIR/ours"
        python3 -B "$checkout/tests/reader/read_bundle.py" cat "$bundle" "$member" --trust "$golden/golden.pub" >"$BATS_TEST_TMPDIR/theirs"
        cmp "$BATS_TEST_TMPDIR/ours" "$BATS_TEST_TMPDIR/theirs"
    done
}

@test "archon-bundle and the reader agree on every damaged bundle" {
    run python3 -B "$checkout/tests/reader/compare.py" "$(command -v archon-bundle)"
    printf '%s\n' "$output"
    [ "$status" -eq 0 ]
    [[ "${lines[-1]}" == *" passed, 0 failed" ]]
}
