# shellcheck shell=bash
# What every shell test shares: words on stderr, waiting, processes that are stopped by id, scratch and cache folders.
# Source it; it changes nothing but shell functions, PATH and the Docker client's environment.

# shellcheck disable=SC2034  # read by the files that source this one
SUPPORT_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034
CHECKOUT=$(cd "$SUPPORT_DIR/../.." && pwd)
CACHE_DIR=${ARCHON_TEST_CACHE:-/var/cache/archon-tests}
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
# A client that follows somebody's context would reach a daemon that is not ours.
unset DOCKER_HOST DOCKER_CONTEXT DOCKER_CONFIG DOCKER_TLS_VERIFY DOCKER_CERT_PATH COMPOSE_FILE COMPOSE_PROJECT_NAME

say() { printf '%s\n' "$*" >&2; }

die() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    return 1
}

# Re-executes the calling program as root; "$@" are its arguments.
become_root() {
    [ "$(id -u)" -eq 0 ] && return 0
    command -v sudo >/dev/null || { die "needs root: run it as root or install sudo"; exit 1; }
    exec sudo -- env "ARCHON_TEST_CACHE=$CACHE_DIR" "$0" "$@"
}

# Hands files that root wrote in somebody's checkout back to that somebody.
give_back() {
    [ -n "${SUDO_UID:-}" ] || return 0
    chown -R "$SUDO_UID:${SUDO_GID:-$SUDO_UID}" -- "$@"
}

# wait_for SECONDS COMMAND...: polls until the command succeeds.
wait_for() {
    local left=$(($1 * 10))
    shift
    until "$@" >/dev/null 2>&1; do
        left=$((left - 1))
        [ "$left" -gt 0 ] || return 1
        sleep 0.1
    done
}

# A process id alone may be somebody else's tomorrow: id and start time together are one process.
process_start_time() {
    local stat
    stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
    stat=${stat##*) }
    # shellcheck disable=SC2086
    set -- $stat
    [ "$1" != Z ] && printf '%s\n' "${20}"
}

# spawn PIDFILE LOG COMMAND...: starts a process of its own session that outlives the shell; bats' own descriptors are closed.
spawn() {
    local pidfile=$1 log=$2
    shift 2
    setsid "$@" >>"$log" 2>&1 </dev/null 3>&- 4>&- &
    printf '%s %s\n' "$!" "$(process_start_time "$!")" >"$pidfile"
    disown "$!" 2>/dev/null || true
}

# pid_alive PIDFILE: is the very process of this file still there?
pid_alive() {
    local pid start
    read -r pid start 2>/dev/null <"$1" || return 1
    [ "$(process_start_time "$pid")" = "$start" ]
}

pid_gone() { ! pid_alive "$1"; }

pid_of() { cut -d' ' -f1 "$1"; }

# stop_pid PIDFILE [SECONDS]: asks, waits, insists. Removes the file.
stop_pid() {
    local pidfile=$1
    if pid_alive "$pidfile"; then
        kill -TERM "$(pid_of "$pidfile")" 2>/dev/null || true
        wait_for "${2:-10}" pid_gone "$pidfile" || kill -KILL "$(pid_of "$pidfile")" 2>/dev/null || true
        wait_for 5 pid_gone "$pidfile" || die "process $(pid_of "$pidfile") does not end"
    fi
    rm -f "$pidfile"
}

# free_port FIRST: the first port from there on that nobody listens on.
free_port() {
    local port=$1
    while [ -n "$(ss -Hltn "sport = :$port")" ]; do port=$((port + 1)); done
    printf '%s\n' "$port"
}

# scratch_dir NAME: a new folder of our own. Not below /run: engines get a private /run.
scratch_dir() { mktemp -d --tmpdir "archon-$1.XXXXXX"; }

# A short name that nobody else uses: for namespaces, control groups and projects.
fresh_id() { printf 'archon%04x%04x\n' "$$" "$RANDOM"; }

# recipe_hash FILE...: one name for what these files say.
recipe_hash() { cat -- "$@" | sha256sum | cut -c1-16; }

# cached NAME: prints the folder of a finished cache entry, or fails.
cached() {
    [ -e "$CACHE_DIR/$1/.complete" ] && printf '%s\n' "$CACHE_DIR/$1"
}

# cache_store DIR NAME: moves a finished folder into the cache under that name.
cache_store() {
    touch "$1/.complete"
    rm -rf -- "${CACHE_DIR:?}/$2"
    mv -T -- "$1" "$CACHE_DIR/$2"
}

# cache_locked COMMAND...: one builder at a time; a second run waits and then finds the work done.
cache_locked() {
    mkdir -p "$CACHE_DIR"
    (
        flock 9
        "$@" 9>&-
    ) 9>"$CACHE_DIR/.lock"
}

# cache_hold: while this process or one that it started lives, nobody removes the cache.
cache_hold() {
    mkdir -p "$CACHE_DIR"
    exec {cache_holder}>"$CACHE_DIR/.users"
    flock --shared "$cache_holder"
}

# cache_remove: all of it, unless another run holds it.
cache_remove() {
    [ -d "$CACHE_DIR" ] || return 0
    (
        if flock --exclusive --nonblock 9; then rm -rf -- "${CACHE_DIR:?}"; else say "another run uses $CACHE_DIR: it stays"; fi
    ) 9>"$CACHE_DIR/.users"
}

milliseconds() { date +%s%3N; }

# seconds_since MILLISECONDS: prints "12.3".
seconds_since() {
    local spent=$(($(milliseconds) - $1))
    printf '%d.%d\n' $((spent / 1000)) $((spent % 1000 / 100))
}
