# shellcheck shell=bash disable=SC2034  # read by the files that source this one
# What both benchmarks share: programs, a measured command, an engine that has nothing, a registry of made-up images. Sourced by run and growth.
# They set out (where results go) and work (scratch), and count in round.

BENCH_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
for part in common packages build daemon registry debian-root images; do
    # shellcheck source=/dev/null
    . "$BENCH_DIR/../support/$part.sh"
done
BUILDS=${ARCHON_BUILDS:-$BUILDS}
PROGRAMS=$BUILDS/gcc/installed/bin
out=$BUILDS/bench
work=
round=0
version=1.0.0
ours=()    # a command line of ours
generated= # HOST:PORT of the registry of made-up images

# bench_begin: packages, programs, folders. A journey has built already.
bench_begin() {
    packages tools engine registry newer bench
    [ -n "${ARCHON_BUILDS:-}" ] || build_programs gcc
    cache_hold
    mkdir -p "$out"
    work=$(scratch_dir bench)
    "$PROGRAMS/archon-bundle" keygen "$work/k" >/dev/null
}

# bench_end: engines and registries that run, scratch.
bench_end() {
    [ -n "$work" ] || return 0
    daemon_stop "$work/engine"
    registry_stop "$work/registry"
    [ ! -e "$work/generated/pid" ] || stop_pid "$work/generated/pid"
    rm -rf --one-file-system -- "$work"
}

# measure RESULTS CASE TOOL [OPTION]... -- COMMAND...: see measure.py. What the command said is shown when it fails.
measure() {
    local results=$out/$1 case=$2 tool=$3
    shift 3
    "$BENCH_DIR/measure.py" "$results" "$case" "$tool" "$round" "$@" >"$work/said" 2>&1 || { cat "$work/said" >&2; return 1; }
    say "  round $round: $case, $tool: $(tail -n 1 "$results" | sed 's/.*"wall_s": \([0-9.e-]*\).*/\1 s/')"
}

# --- programs under test ---

# ours_create OUTPUT WORD...
ours_create() {
    ours=("$PROGRAMS/archon-bundle" create --no-progress --version "$version" --key "$work/k.key" --no-loader -o "$@")
}

# ours_load BUNDLE
ours_load() {
    ours=("$PROGRAMS/archon-load" load-images "$1" --trust "$work/k.pub" --root "$work/root" --engine "$(daemon_socket "$work/engine")" --no-progress)
}

# --- an engine that has nothing yet ---

engine_fresh() {
    daemon_stop "$work/engine"
    daemon_start "$work/engine" --host-network
}

engine_pid() { pid_of "$work/engine/pid"; }

# docker_line LINE: a shell line in which `docker` is the client of that engine.
docker_line() { printf 'set -e -o pipefail; docker() { /usr/bin/docker -H unix://%s "$@"; }; %s' "$(daemon_socket "$work/engine")" "$1"; }

# --- images that are made while they are read ---

# generated_start IMAGE=SIZES...: see generated_registry.py
generated_start() {
    mkdir -p "$work/generated"
    rm -f "$work/generated/port"
    spawn "$work/generated/pid" "$work/generated/log" "$BENCH_DIR/generated_registry.py" "$work/generated" "$@"
    wait_for 600 test -s "$work/generated/port" || { cat "$work/generated/log" >&2; die "the registry of made-up images did not start"; }
    generated=127.0.0.1:$(cat "$work/generated/port")
}

generated_stop() { stop_pid "$work/generated/pid"; }
