# shellcheck shell=bash
# A small internet of the tests' own: a network namespace with no link to anywhere, whose loopback device has addresses of our choice and in
# which the names of a hosts file resolve to them. Registries get their real names (registry-1.docker.io) and their real port there, and
# nothing of it is a loopback address, for which programs make exceptions. Needs common.sh; group tools; root.
#
#   names_start DIR NAME=ADDRESS...
#   names_run DIR COMMAND...             a command in there
#   names_spawn DIR PIDFILE LOG COMMAND...
#   names_without DIR OTHER NAME...      the same network from OTHER, where these names mean nothing
#   names_stop DIR

names_netns() { cat "$1/netns"; }

names_start() {
    local dir=$1 id pair
    shift
    id=$(fresh_id)
    mkdir -p "$dir"
    ip netns add "$id" || return 1
    printf '%s\n' "$id" >"$dir/netns"
    ip -n "$id" link set lo up
    printf '127.0.0.1 localhost\n::1 localhost\n' >"$dir/hosts"
    printf 'nameserver 127.0.0.1\noptions attempts:1 timeout:1\n' >"$dir/resolv.conf"
    for pair in "$@"; do
        ip -n "$id" addr replace "${pair#*=}/32" dev lo
        printf '%s %s\n' "${pair#*=}" "${pair%%=*}" >>"$dir/hosts"
    done
}

# The command that enters: as words, so that spawn has the process id of the program itself.
names_words() {
    # shellcheck disable=SC2016  # the inner shell's own words
    names_entry=(nsenter "--net=/run/netns/$(names_netns "$1")" unshare --mount --propagation private
        sh -c 'mount --bind "$0/hosts" /etc/hosts && mount --bind "$0/resolv.conf" /etc/resolv.conf && exec "$@"' "$(realpath "$1")")
}

names_run() {
    local names_entry
    names_words "$1"
    shift
    "${names_entry[@]}" "$@"
}

names_spawn() {
    local names_entry pidfile=$2 log=$3
    names_words "$1"
    shift 3
    spawn "$pidfile" "$log" "${names_entry[@]}" "$@"
}

names_without() {
    local dir=$1 other=$2 name
    shift 2
    mkdir -p "$other"
    cp "$dir/netns" "$dir/hosts" "$dir/resolv.conf" "$other/"
    for name in "$@"; do sed -i "/ $name\$/d" "$other/hosts"; done
}

names_stop() {
    [ ! -e "$1/netns" ] || { ip netns delete "$(names_netns "$1")"; rm -f "$1/netns"; }
}
