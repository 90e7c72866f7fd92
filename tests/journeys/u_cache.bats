#!/usr/bin/env bats
# The cache of blobs and doing without it: the same bundle, its limit, damage in it, many runs at once, memory and disk.
# shellcheck disable=SC2016,SC2154  # programs for sh are not expanded here; $here comes from the helpers
load helpers

setup_file() {
    mkdir -p "$FILE/home" "$FILE/served"
    python3 "$here/../support/big_image.py" "$FILE/served" noise 1 30 12 14
    python3 "$here/../support/big_image.py" "$FILE/served" noise 2 8
    spawn "$FILE/server.pid" "$FILE/server.log" python3 "$here/../support/static_registry.py" "$FILE/served"
    wait_for 30 test -s "$FILE/served/port"
    place >"$FILE/place"
    create a --cache "$FILE/cache" >/dev/null 2>&1
}

teardown_file() {
    stop_pid "$FILE/server.pid"
    rm -rf -- "$FILE"
}

place() { printf '127.0.0.1:%s/noise\n' "$(cat "$FILE/served/port")"; }

# create NAME ARG...: noise:1 as $FILE/NAME.bundle.tar.zst.
create() {
    local name=$1
    shift
    bundler create "$(cat "$FILE/place"):1" --version 1.0.0 --no-loader -o "$FILE/$name.bundle.tar.zst" "$@"
}

same() { cmp "$FILE/a.bundle.tar.zst" "$FILE/$1.bundle.tar.zst" || fail "$1 is another bundle"; }

size_in() { find "$1/sha256" -type f -printf '%s\n' | awk '{ n += $1 } END { print n + 0 }'; }

blobs_in() { find "$1/sha256" -type f | wc -l; }

# temporary: what lies in the place for temporary directories.
temporary() { find /var/tmp -maxdepth 1 -name 'archon-bundle-*' | sort; }

@test "without a cache: the same bytes, and nothing is left" {
    local before
    before=$(temporary)
    works create b --no-cache
    same b
    equal "$(temporary)" "$before"
    equal "$(find "$FILE/home" -type f | wc -l)" 0
}

@test "without a cache the disk holds the bundle and no layer" {
    local size
    size=$(stat -c %s "$FILE/a.bundle.tar.zst")
    mkdir -p "$FILE/room"
    # the blobs alone are larger than what the bundle leaves free here
    works unshare --mount --propagation private sh -c 'mount -t tmpfs -o size='$((size + (8 << 20)))' none "$1" && mount --bind -o ro /var/tmp /var/tmp && mount -o remount,ro,bind /var/tmp &&
        "$2" create "$3:1" --version 1.0.0 --no-loader --no-cache -o "$1/b.bundle.tar.zst" && cmp "$1/b.bundle.tar.zst" "$4"' sh "$FILE/room" "$BIN/archon-bundle" "$(cat "$FILE/place")" "$FILE/a.bundle.tar.zst"
}

# as_layout: the served image as an OCI layout, $FILE/layout.
as_layout() {
    local from=$FILE/served/v2/noise manifest
    mkdir -p "$FILE/layout/blobs/sha256"
    for blob in "$from"/blobs/sha256:*; do cp "$blob" "$FILE/layout/blobs/sha256/${blob##*:}"; done
    manifest=$(readlink "$from/manifests/1")
    cp "$from/manifests/$manifest" "$FILE/layout/blobs/sha256/${manifest#sha256:}"
    printf '{"imageLayoutVersion":"1.0.0"}' >"$FILE/layout/oci-layout"
    jq -n --arg digest "$manifest" --argjson size "$(stat -c %s "$from/manifests/$manifest")" \
        '{schemaVersion: 2, manifests: [{mediaType: "application/vnd.oci.image.manifest.v1+json", digest: $digest, size: $size}]}' >"$FILE/layout/index.json"
}

@test "images in a layout, without a cache: the layers are the same, and nothing is left" {
    local before
    as_layout
    before=$(temporary)
    works bundler create "$(cat "$FILE/place")=oci:$FILE/layout" --version 1.0.0 --no-loader --no-cache -o "$FILE/l.bundle.tar.zst"
    equal "$(temporary)" "$before"
    equal "$(bundler cat "$FILE/l.bundle.tar.zst" bundle.json 2>/dev/null | jq -c .layers)" "$(bundler cat "$FILE/a.bundle.tar.zst" bundle.json 2>/dev/null | jq -c .layers)"
}

@test "memory: within what docs/FORMAT.md says, with and without a cache" {
    local keep
    python3 "$here/../support/big_image.py" "$FILE/served" noise large 220 20 70
    for keep in "--cache $FILE/cache2" --no-cache; do
        # shellcheck disable=SC2086  # options are words
        works python3 "$here/../support/peak_rss.py" "$FILE/rss" "$BIN/archon-bundle" create "$(cat "$FILE/place"):large" --version 1.0.0 --no-loader --jobs 2 $keep -o "$FILE/m.bundle.tar.zst"
        # Reading back: 128 + 48 MiB, and 64 for the program; writing takes less with 2 jobs. The layers alone are 310 MiB.
        [ "$(cat "$FILE/rss")" -lt $((240 * 1024)) ] || fail "$keep: $(cat "$FILE/rss") KiB"
        echo "# $keep: $(cat "$FILE/rss") KiB" >&3
    done
    rm -rf "$FILE/cache2" "$FILE/m.bundle.tar.zst"
}

@test "a full disk: status 31, and nothing is left" {
    mkdir -p "$FILE/small"
    status=0
    unshare --mount --propagation private sh -c 'mount -t tmpfs -o size=30m none "$1" && { "$2" create "$3:1" --version 1.0.0 --no-loader --cache "$4" -o "$1/"; s=$?; ls -A "$1" >"$5"; exit $s; }' \
        sh "$FILE/small" "$BIN/archon-bundle" "$(cat "$FILE/place")" "$FILE/cache" "$FILE/left" >"$FILE/stdout" 2>"$FILE/stderr" || status=$?
    equal "$status" 31
    equal "$(cat "$FILE/left")" ""
    tells "are needed"
}

@test "list tells what is there" {
    works bundler cache list --cache "$FILE/cache" --json
    equal "$(jq '.blobs | length' "$FILE/stdout")" 4
    equal "$(jq '[.blobs[] | select(.complete and (.in_use | not))] | length' "$FILE/stdout")" 4
    equal "$(jq .size "$FILE/stdout")" "$(size_in "$FILE/cache")"
    works bundler cache list --cache "$FILE/cache"
    says "^sha256:[0-9a-f]{64} .* [0-9-]+T[0-9:]+Z$"
    says "^4 blobs, "
}

@test "a limit: what was used longest ago goes, the run works, and the next one has what it needs" {
    works bundler create "$(cat "$FILE/place"):2" --version 2.0.0 --no-loader --cache "$FILE/limited" -o "$FILE/other.bundle.tar.zst"
    find "$FILE/limited/sha256" -type f -exec touch -d '2 days ago' {} +
    works create b --cache "$FILE/limited" --cache-limit 60MiB
    same b
    tells "removed from the cache"
    [ "$(size_in "$FILE/limited")" -le $((60 << 20)) ] || fail "more is there than the limit"
    # everything of this run is there but what did not fit; a run that needs more than its limit works, and is trimmed
    works create b --cache "$FILE/limited" --cache-limit 1MiB
    same b
    [ "$(size_in "$FILE/limited")" -le $((1 << 20)) ] || fail "more is there than the limit"
}

@test "damage is found by verify, removed, and fetched again" {
    cp -r "$FILE/cache" "$FILE/damaged"
    printf 'x' | dd of="$(find "$FILE/damaged/sha256" -type f -size +1M | head -n 1)" bs=1 seek=500000 conv=notrunc status=none
    refused 13 "1 of 4 blobs damaged, 1 removed" bundler cache verify --cache "$FILE/damaged"
    tells "sha256:[0-9a-f]{64}: content: digest is"
    equal "$(blobs_in "$FILE/damaged")" 3
    works create b --cache "$FILE/damaged"
    same b
    works bundler cache verify --cache "$FILE/damaged"
    says "4 blobs, .* all intact"
}

@test "many runs and one who removes all the time: every run ends well, with the same bundle" {
    local i pids=()
    mkdir "$FILE/shared"
    for i in 1 2 3; do
        create "p$i" --cache "$FILE/shared" >"$FILE/p$i.log" 2>&1 &
        pids+=($!)
    done
    while jobs -r | grep -q create; do bundler cache prune --cache "$FILE/shared" >/dev/null 2>>"$FILE/prune.log" || touch "$FILE/prune-failed"; done
    for i in 1 2 3; do
        wait "${pids[i - 1]}" || fail "$(cat "$FILE/p$i.log")"
        same "p$i"
    done
    [ ! -e "$FILE/prune-failed" ] || fail "$(cat "$FILE/prune.log")"
    works bundler cache prune --cache "$FILE/shared"
    says "0 left"
}

@test "a run that was killed leaves its parts, and prune removes them" {
    "$BIN/archon-bundle" create "$(cat "$FILE/place"):1" --version 1.0.0 --no-loader -o "$FILE/k.bundle.tar.zst" --cache "$FILE/killed" >/dev/null 2>&1 &
    wait_for 10 find_part "$FILE/killed"
    kill -KILL "$!" || true
    wait "$!" || true
    works bundler cache prune --cache "$FILE/killed" --limit 0
    equal "$(blobs_in "$FILE/killed")" 0
}

find_part() { find "$1/sha256" -type f 2>/dev/null | grep -q .; }

@test "hostile things in the cache neither hang nor are followed" {
    local name
    cp -r "$FILE/cache" "$FILE/hostile"
    name=$(printf 'a%.0s' {1..63})
    echo mine >"$FILE/victim"
    ln -s "$FILE/victim" "$FILE/hostile/sha256/${name}1"
    mkfifo "$FILE/hostile/sha256/${name}2"
    mkdir "$FILE/hostile/sha256/${name}3"
    ln -s /dev/zero "$FILE/hostile/sha256/${name}4"
    echo x >"$FILE/hostile/sha256/../rubbish"
    echo x >"$FILE/hostile/sha256/rubbish"
    works bundler cache verify --cache "$FILE/hostile"
    works bundler cache list --cache "$FILE/hostile" --json
    equal "$(jq .unknown "$FILE/stdout")" 5
    works bundler cache prune --cache "$FILE/hostile"
    equal "$(cat "$FILE/victim")" mine
    [ -p "$FILE/hostile/sha256/${name}2" ] || fail "the pipe is gone"
    # where the image's own layer has been replaced by such things, a run says so or fetches it
    for thing in fifo link folder; do
        rm -rf "$FILE/hostile/sha256"
        mkdir "$FILE/hostile/sha256"
        name=$(find "$FILE/cache/sha256" -type f -size +1M -printf '%f\n' | head -n 1)
        case $thing in
        fifo) mkfifo "$FILE/hostile/sha256/$name" ;;
        link) ln -s "$FILE/victim" "$FILE/hostile/sha256/$name" ;;
        folder) mkdir "$FILE/hostile/sha256/$name" ;;
        esac
        case $thing in
        folder) refused 60 "$name" create b --cache "$FILE/hostile" ;;
        *) works create b --cache "$FILE/hostile" && same b ;;
        esac
        equal "$(cat "$FILE/victim")" mine
    done
}
