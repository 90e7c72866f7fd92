#!/usr/bin/env bash
# A private PostgreSQL server for tests: own data, own port on 127.0.0.1, own socket, TLS with a CA of its own.
#
#   postgres.sh start DIR [setting=value ...]   makes and starts a server in DIR (new); prints its port
#   postgres.sh up DIR                          starts it again
#   postgres.sh kill DIR                        kill -9 of the server with everything that belongs to it, as a power cut would
#   postgres.sh stop DIR                        stops it and removes DIR
#
# With OWNER_PID set, start also leaves a watcher that stops the server when that process is gone, however it ended.
#
# Role postgres, password "admin secret", over TCP with SCRAM; DIR/ca.pem verifies the name localhost and 127.0.0.1.
set -euo pipefail
. "$(dirname "$0")/common.sh"
. "$(dirname "$0")/certs.sh"

bin=$(find /usr/lib/postgresql -path '*/bin/postgres' 2>/dev/null | sort -V | tail -n 1)
[ -n "$bin" ] || { die "PostgreSQL is not installed: apt-get install postgresql"; exit 1; }
bin=${bin%/postgres}

# The server refuses to run as root.
as_server() {
    if [ "$(id -u)" -eq 0 ]; then
        (cd / && runuser -u postgres -- "$@")
    else
        "$@"
    fi
}

make_cluster() {
    local dir=$1
    shift
    printf 'admin secret' >"$dir/password"
    make_ca "$dir/ca" "Database CA"
    make_certificate "$dir/ca" "$dir/server" DNS:localhost,IP:127.0.0.1
    cp "$dir/ca/ca.pem" "$dir/ca.pem"
    mkdir "$dir/small"
    if [ "$(id -u)" -eq 0 ]; then chown -R postgres: "$dir"; fi
    chmod 711 "$dir" && chmod 644 "$dir/ca.pem"
    as_server "$bin/initdb" -D "$dir/data" -U postgres --pwfile="$dir/password" --auth-local=trust --auth-host=scram-sha-256 \
        -E UTF8 --locale=C -N >"$dir/log" 2>&1 || { cat "$dir/log" >&2; return 1; }
    {
        printf '%s\n' "listen_addresses = '127.0.0.1'" "unix_socket_directories = '$dir'" "ssl = on" "ssl_cert_file = '$dir/server.crt'" \
            "ssl_key_file = '$dir/server.key'" "fsync = off" "max_connections = 30" "shared_buffers = 16MB" "log_statement = all" \
            "restart_after_crash = on" "autovacuum = off" "max_wal_size = 64MB"
        for setting; do printf '%s = %s\n' "${setting%%=*}" "${setting#*=}"; done
    } | as_server tee -a "$dir/data/postgresql.conf" >/dev/null
}

# As root the server lives in a mount namespace of its own, in which DIR/small is a file system of 16 MB: a disk that fills up.
bring_up() {
    if [ "$(id -u)" -eq 0 ]; then
        # shellcheck disable=SC2016
        unshare --mount --propagation private sh -c 'mount -t tmpfs -o size=16m,mode=711 archon-small "$1/small" && chown postgres: "$1/small" &&
            cd / && exec runuser -u postgres -- "$2/pg_ctl" -D "$1/data" -l "$1/server.log" -o "-p $3" -w -t 60 start' sh "$1" "$bin" "$2" >>"$1/log" 2>&1 3>&- 4>&-
    else
        "$bin/pg_ctl" -D "$1/data" -l "$1/server.log" -o "-p $2" -w -t 60 start >>"$1/log" 2>&1 3>&- 4>&-
    fi
}

# Nobody reserves a port for us: try until one is free.
find_port() {
    local attempt port
    for attempt in 1 2 3 4 5 6 7 8; do
        port=$((20000 + (RANDOM * 7 + $$ + attempt) % 12000))
        if bring_up "$1" "$port"; then
            printf '%s\n' "$port" >"$1/port"
            cat "$1/port"
            return 0
        fi
    done
    tail -n 20 "$1/log" "$1/server.log" >&2
    return 1
}

postmaster_pid() { head -n 1 "$1/data/postmaster.pid"; }

kill_all() {
    local pid children
    pid=$(postmaster_pid "$1")
    children=$(pgrep -P "$pid" || true)
    # shellcheck disable=SC2086
    kill -KILL "$pid" $children 2>/dev/null || true
    for pid in $pid $children; do
        wait_for 20 test ! -e "/proc/$pid" || true
    done
}

remove_cluster() {
    [ -d "$1" ] || return 0
    [ -e "$1/data/postmaster.pid" ] && as_server "$bin/pg_ctl" -D "$1/data" -m immediate -w stop >/dev/null 2>&1 || true
    rm -rf -- "$1"
}

watch_owner() {
    [ -n "${OWNER_PID:-}" ] || return 0
    (
        while [ -d "$1" ] && [ -e "/proc/$OWNER_PID" ]; do sleep 1; done
        remove_cluster "$1"
    ) >/dev/null 2>&1 </dev/null 3>&- 4>&- &
    disown
}

case "${1:-}:${2:-}" in
    start:?*) dir=$2; shift 2; mkdir -p "$dir"; make_cluster "$dir" "$@" && watch_owner "$dir" && find_port "$dir" ;;
    up:?*) rm -f "$2/data/postmaster.pid"; bring_up "$2" "$(cat "$2/port")" ;;
    kill:?*) kill_all "$2" ;;
    stop:?*) remove_cluster "$2" ;;
    *) die "use: postgres.sh start|up|kill|stop DIR"; exit 2 ;;
esac
