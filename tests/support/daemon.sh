# shellcheck shell=bash
# A container engine of the tests' own: one folder holds its data, socket, log and process id, and daemon_stop removes every trace of it.
# The engine lives in a private mount namespace (its mounts vanish with it, its /run and /opt are its own) and in a network namespace that
# has loopback and what the engine itself makes, and no link to anywhere else. With --host-network it shares this machine's network to reach
# a registry on its loopback, and makes neither bridges nor filter rules: enough to build and push. Needs common.sh, root.
#
#   daemon_start DIR [--root DEBIAN_ROOT] [--containerd-store] [--netns NAME | --host-network]
#   daemon_docker DIR ARG...      the docker client that belongs to it
#   daemon_run DIR COMMAND...     a command where the engine is: its network namespace and, with --root, its Debian
#   daemon_net DIR COMMAND...     a command of this machine in the engine's network namespace
#   daemon_stop DIR

netns_create() {
    ip netns add "$1" && ip -n "$1" link set lo up
}

netns_delete() {
    [ ! -e "/run/netns/$1" ] || ip netns delete "$1"
}

daemon_socket() { printf '%s/docker.sock\n' "$1"; }

daemon_answers() { curl -fsS --max-time 5 --unix-socket "$(daemon_socket "$1")" http://engine/_ping; }

# Written to disk and not passed as flags: older daemons know some of these only as configuration.
daemon_config() {
    local features=
    [ "$2" = yes ] && features=', "features": {"containerd-snapshotter": true}'
    printf '{"deprecated-key-path": "%s/key.json"%s}\n' "$1" "$features"
}

daemon_start() {
    local dir=$1 root='' store=no netns='' id
    shift
    while [ $# -gt 0 ]; do
        case $1 in
        --root) root=$2 && shift ;;
        --containerd-store) store=yes ;;
        --netns) netns=$2 && shift ;;
        --host-network) netns=host ;;
        *) die "daemon_start: unknown option $1" || return 1 ;;
        esac
        shift
    done
    id=$(fresh_id)
    mkdir -p "$dir/data" "$dir/exec" "$dir/client"
    printf '%s\n' "$id" >"$dir/id"
    printf '%s\n' "$root" >"$dir/root"
    daemon_config "$dir" "$store" >"$dir/daemon.json"
    if [ -z "$netns" ]; then
        netns=$id
        netns_create "$netns" || return 1
        printf '%s\n' "$netns" >"$dir/netns.made"
    fi
    printf '%s\n' "$netns" >"$dir/netns"
    daemon_launch "$dir"
}

# daemon_launch DIR: starts (again) the engine that daemon_start described.
daemon_launch() {
    local dir=$1 netns root id network=() flags=()
    netns=$(cat "$dir/netns") root=$(cat "$dir/root") id=$(cat "$dir/id")
    if [ "$netns" = host ]; then
        flags=(--bridge=none --iptables=false --ip6tables=false --ip-forward=false --ip-masq=false)
    else
        network=(nsenter "--net=/run/netns/$netns")
    fi
    spawn "$dir/pid" "$dir/log" "${network[@]}" unshare --mount --propagation private \
        "$SUPPORT_DIR/enter-root.sh" "$root" "$(dirname "$(realpath "$dir")")" "$CHECKOUT" \
        dockerd "${flags[@]}" --config-file "$dir/daemon.json" --data-root "$dir/data" --exec-root "$dir/exec" --pidfile "$dir/dockerd.pid" \
        -H "unix://$(daemon_socket "$dir")" --cgroup-parent "/$id" --exec-opt native.cgroupdriver=cgroupfs
    if ! wait_for 60 daemon_answers "$dir"; then
        tail -n 20 "$dir/log" >&2
        die "the container engine did not start, its last lines are above"
    fi
}

daemon_run() {
    local dir=$1 pid
    shift
    pid=$(pid_of "$dir/pid")
    if [ -n "$(cat "$dir/root")" ]; then
        nsenter --target "$pid" --mount --net --wd="$PWD" -- "$@"
    else
        nsenter --target "$pid" --net -- "$@"
    fi
}

daemon_net() {
    local dir=$1
    shift
    nsenter --target "$(pid_of "$dir/pid")" --net -- "$@"
}

daemon_docker() {
    local dir=$1
    shift
    DOCKER_CONFIG=$dir/client daemon_run "$dir" /usr/bin/docker -H "unix://$(daemon_socket "$dir")" "$@"
}

# Every process in the control groups of the engine's containers, on v1 and v2.
daemon_container_pids() {
    find /sys/fs/cgroup -path "*/$1/*" -name cgroup.procs -exec cat {} + 2>/dev/null | sort -u
}

daemon_kill_containers() {
    local pid
    for pid in $(daemon_container_pids "$1"); do kill -KILL "$pid" 2>/dev/null || true; done
    [ -z "$(daemon_container_pids "$1")" ]
}

# What the engine started and left: whoever shares its mount namespace.
daemon_helper_pids() {
    local link
    for link in /proc/[0-9]*/ns/mnt; do
        [ "$(readlink "$link" 2>/dev/null)" != "$1" ] || { link=${link#/proc/} && printf '%s\n' "${link%%/*}"; }
    done
}

daemon_remove_cgroups() {
    local group
    find /sys/fs/cgroup -depth -type d -path "*/$1*" 2>/dev/null | while read -r group; do rmdir "$group" 2>/dev/null || true; done
}

daemon_halt() {
    local dir=$1 id namespace held pid
    id=$(cat "$dir/id")
    if pid_alive "$dir/pid"; then
        # Held until the end: a namespace that is gone lends its number to the next one, which may be that of another engine's container.
        exec {held}<"/proc/$(pid_of "$dir/pid")/ns/mnt"
        namespace=$(readlink "/proc/$(pid_of "$dir/pid")/ns/mnt")
        kill -TERM "$(pid_of "$dir/pid")"
        wait_for 10 daemon_kill_containers "$id" || true
        stop_pid "$dir/pid" 20
        for pid in $(daemon_helper_pids "$namespace"); do kill -KILL "$pid" 2>/dev/null || true; done
        exec {held}<&-
    fi
    wait_for 10 daemon_kill_containers "$id" || die "containers of $id do not end"
}

daemon_stop() {
    local dir=$1
    [ -e "$dir/id" ] || return 0
    daemon_halt "$dir"
    daemon_remove_cgroups "$(cat "$dir/id")"
    [ ! -e "$dir/netns.made" ] || netns_delete "$(cat "$dir/netns.made")"
    wait_for 10 rm -rf -- "$dir"
}
