#!/usr/bin/env bats
# The benchmarks run from end to end, on images that take a moment. What they measure is not judged here: the machine is busy.
load helpers

BENCH=$CHECKOUT/tests/bench
RESULTS=$FILE/bench

setup_file() {
    mkdir -p "$RESULTS"
    export TMPDIR=$FILE # their engines end with this journey
    "$BENCH/run" --tiny --rounds 1 --out "$RESULTS" >"$RESULTS/told" 2>&1 || fail "$(tail -n 30 "$RESULTS/told")"
    "$BENCH/growth" --tiny --out "$RESULTS" >"$RESULTS/told" 2>&1 || fail "$(tail -n 30 "$RESULTS/told")"
}

# has CASE TOOL: measured, with a time.
has() {
    jq -e --arg case "$1" --arg tool "$2" '[.results[] | select(.case == $case and .tool == $tool and .wall_s > 0)] | length == 1' "$RESULTS/bench.json" >/dev/null ||
        complain "no result for $1, $2"
}

@test "every way to make, load and read a bundle is measured, ours and the others" {
    local tool
    for tool in archon "archon, exact" "archon, exact, no cache" "skopeo, tar, zstd -3" "skopeo to one layout, tar, zstd -3" "docker pull, save, zstd -3"; do has create "$tool"; done
    for tool in "archon, level 1" archon "archon, exact" "archon, level 6" "archon, level 9"; do has "create, warm cache" "$tool"; done
    for tool in archon "archon, delta"; do has "create, next release" "$tool"; done
    for tool in archon "docker load, as it is" "zstd -dc, docker load"; do has load "$tool"; done
    for tool in archon "docker load, as it is"; do has "load again" "$tool"; done
    for tool in archon "archon, delta" "zstd -dc, docker load"; do has upgrade "$tool"; done
    for tool in archon sha256sum; do has "verify, one core" "$tool"; done
    for tool in "verify, all cores" list "list, 10 GB" "cat of a small member" "cat of a small member, 10 GB" "cat of the last member, 10 GB"; do has "$tool" archon; done
}

@test "sizes, memory, disk and the engine's part are among the results" {
    jq -e '[.results[] | select(.case == "create") | .bytes > 0 and .peak_rss_bytes > 0 and .disk_temporary_bytes >= 0] | length >= 3 and all' "$RESULTS/bench.json"
    jq -e '[.results[] | select(.case == "load") | .engine_peak_bytes > 0] | length == 3 and all' "$RESULTS/bench.json"
    jq -e '.images.compressed_bytes > 0 and .images.raw_bytes > .images.compressed_bytes and .machine.cores > 0' "$RESULTS/bench.json"
}

@test "growth is measured in bytes and in images" {
    local case
    for case in create verify load "load again"; do
        jq -e --arg case "$case" '[.growth[] | select(.case == $case) | [.tool, .amount]] == [["bytes", 1048576], ["bytes", 2097152], ["images", 1], ["images", 3]]' "$RESULTS/bench.json"
    done
}

@test "the document gets the tables and the plots; what has no results stays" {
    mkdir "$FILE/docs"
    cp "$CHECKOUT/docs/BENCHMARKS.md" "$FILE/docs/"
    "$BENCH/report.py" "$RESULTS" --document "$FILE/docs/BENCHMARKS.md" >/dev/null
    grep -q '^| load again, seconds | ' "$FILE/docs/BENCHMARKS.md"
    grep -q '^| create | archon | 1 | ' "$FILE/docs/BENCHMARKS.md"
    grep -q '^| load | 3 images | ' "$FILE/docs/BENCHMARKS.md"
    cp "$FILE/docs/BENCHMARKS.md" "$FILE/docs/again.md"
    "$BENCH/report.py" "$RESULTS" --document "$FILE/docs/again.md" >/dev/null
    cmp "$FILE/docs/BENCHMARKS.md" "$FILE/docs/again.md"
    python3 -c 'import sys, xml.etree.ElementTree as tree; [tree.parse(path) for path in sys.argv[1:]]' "$FILE"/docs/benchmarks/{create,load,growth}.svg
}
