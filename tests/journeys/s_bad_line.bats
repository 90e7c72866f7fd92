#!/usr/bin/env bats
# Lines that drop, registries that are killed, runs that are killed: the bundle is right in the end, and what is fetched twice is counted and little.
load helpers

MIB=1048576
# What each connection may lose when a run is killed, and how many there are (docs/REGISTRIES.md).
UNIT=$MIB
CONNECTIONS=6
# Answers beside the layers: manifest, config, headers of some hundred answers.
TALK=$((MIB / 4))

# One layer that is fetched over several connections, and three that are not.
setup_file() {
    local host
    mkdir -p "$FILE/home"
    cache_hold
    registry_start "$REGISTRY"
    host=$(registry_host "$REGISTRY")
    python3 "$SUPPORT_DIR/registry_api.py" "http://$host" noise:1 66 5 5 5 >"$FILE/size"
    journey_start key
}

teardown_file() {
    line_stop
    journey_stop
}

setup() { rm -rf "$FILE/cache" "$FILE/noise.bundle.tar.zst"; }

teardown() { line_stop; }

# line_start OPTION...: a line to the registry; its counts begin at nothing.
line_start() {
    rm -rf "$FILE/line"
    mkdir "$FILE/line"
    cp "$REGISTRY/host" "$FILE/line/target"
    spawn "$FILE/line.pid" "$FILE/line/log" python3 "$SUPPORT_DIR/dropping_proxy.py" "$FILE/line" "$@"
    wait_for 10 test -e "$FILE/line/counts"
}

line_stop() { [ ! -e "$FILE/line.pid" ] || stop_pid "$FILE/line.pid"; }

image() { printf '127.0.0.1:%s/noise:1\n' "$(cat "$FILE/line/port")"; }

passed() { cut -d' ' -f1 "$FILE/line/counts"; }

drops() { cut -d' ' -f4 "$FILE/line/counts"; }

create() {
    "${LIMIT[@]}" "$BIN/archon-bundle" create --key "$FILE/release.key" --version 1.0.0 --no-loader --level 1 --cache "$FILE/cache" -o "$FILE/noise.bundle.tar.zst" "$(image)"
}

# fetched_twice: bytes that passed beyond what the layers have, once the counts stand still.
fetched_twice() {
    local before
    before=-1
    until [ "$before" = "$(passed)" ]; do before=$(passed) && sleep 0.1; done
    printf '%s\n' $((before - $(cat "$FILE/size")))
}

# at_most BYTES: and says what it was.
at_most() {
    local twice
    twice=$(fetched_twice)
    printf '# %s bytes were fetched twice, at most %s may be\n' "$twice" "$1" >&3
    [ "$twice" -le "$1" ] || fail "$twice bytes were fetched twice, at most $1 may be"
}

right() {
    works bundler verify --deep "$FILE/noise.bundle.tar.zst" --trust "$FILE/release.pub"
    [ -z "$(find "$FILE/cache" -name '*.part')" ] || fail "parts are left"
}

# The line's process id of a create in the background; killed with KILL once so many bytes have passed.
killed_at() {
    local pid
    "$BIN/archon-bundle" create --key "$FILE/release.key" --version 1.0.0 --no-loader --level 1 --cache "$FILE/cache" -o "$FILE/noise.bundle.tar.zst" "$(image)" >/dev/null 2>&1 3>&- &
    pid=$!
    while [ "$(passed)" -lt "$1" ] && kill -0 "$pid" 2>/dev/null; do sleep 0.01; done
    kill -KILL "$pid" 2>/dev/null || fail "it had ended before $1 bytes" || return 1
    wait "$pid" 2>/dev/null || true
    [ ! -e "$FILE/noise.bundle.tar.zst" ]
}

@test "a line that drops every 12 MiB" {
    line_start --drop $((12 * MIB))
    works create
    [ "$(drops)" -ge 6 ]
    at_most $(($(drops) * UNIT / 4 + TALK))
    right
}

@test "a second run over the same line asks for no layer" {
    line_start
    works create
    line_stop
    rm "$FILE/noise.bundle.tar.zst"
    line_start
    works create
    [ "$(passed)" -le 65536 ] || fail "$(passed) bytes"
}

@test "runs that are killed at random moments" {
    local at=0 kills
    line_start --rate $((60 * MIB))
    for kills in 1 2 3 4; do
        at=$((at + 6 * MIB + RANDOM * 8 * 32))
        killed_at "$at"
    done
    works create
    at_most $((kills * CONNECTIONS * UNIT + TALK))
    right
}

@test "a registry that is killed at random moments and comes back elsewhere" {
    local pid at=0 kills
    line_start --rate $((60 * MIB))
    "${LIMIT[@]}" "$BIN/archon-bundle" create --key "$FILE/release.key" --version 1.0.0 --no-loader --level 1 --cache "$FILE/cache" -o "$FILE/noise.bundle.tar.zst" "$(image)" >"$FILE/stdout" 2>"$FILE/stderr" 3>&- &
    pid=$!
    for kills in 1 2 3; do
        at=$((at + 8 * MIB + RANDOM * 8 * 32))
        while [ "$(passed)" -lt "$at" ]; do kill -0 "$pid" && sleep 0.01; done
        kill -KILL "$(pid_of "$REGISTRY/pid")"
        registry_start "$REGISTRY"
        cp "$REGISTRY/host" "$FILE/line/target"
    done
    wait "$pid" || fail "$(cat "$FILE/stderr")"
    at_most $((kills * CONNECTIONS * UNIT + TALK))
    right
}

@test "parts that were changed between two runs are found by their hash" {
    local part
    line_start --rate $((60 * MIB))
    killed_at $((30 * MIB))
    for part in "$FILE"/cache/sha256/*.part; do
        printf 'tampered' | dd of="$part" bs=1 seek=$((MIB / 2)) conv=notrunc status=none
    done
    works create
    right
    at_most $(($(find "$FILE/cache" -size +4M | wc -l) * 5 * MIB + CONNECTIONS * UNIT + TALK))
}
