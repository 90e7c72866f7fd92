# shellcheck shell=bash
# A newer Debian in a folder, for its newer container engine: made once by debootstrap from the archive this machine is set up for, kept in
# the cache. Needs common.sh, packages.sh; group newer; root.

# The engine with its compose plugin, and the libraries that archon-load is linked to: the loader runs inside this Debian.
DEBIAN_ROOT_PACKAGES=docker.io,docker-cli,docker-compose,iptables,iproute2,ca-certificates,openssl,libcurl4t64,libarchive13t64,libpq5,libzstd1,libisal2,libcjson1,libyaml-0-2,zlib1g

debian_root_make() {
    local suite=$1 name=$2 root mirror
    cached "$name" >/dev/null && return 0
    mirror=$(debian_mirror) || return 1
    apt_proxy
    say "making a Debian $suite root with its container engine"
    root=$(mktemp -d "$CACHE_DIR/root.XXXXXX")
    chmod 755 "$root"
    if ! debootstrap --variant=minbase --include="$DEBIAN_ROOT_PACKAGES" "$suite" "$root" "$mirror" >"$CACHE_DIR/$name.log" 2>&1; then
        tail -n 20 "$CACHE_DIR/$name.log" >&2
        rm -rf --one-file-system "$root"
        die "debootstrap could not make Debian $suite from $mirror, its last lines are above"
        return 1
    fi
    rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/usr/share/doc "$root"/usr/share/man "$root"/var/lib/apt/lists/*
    cache_store "$root" "$name"
}

# debian_root SUITE: prints the folder.
debian_root() {
    local name
    name=root-$1-$(printf '%s' "$DEBIAN_ROOT_PACKAGES" | sha256sum | cut -c1-12)
    cached "$name" >/dev/null || cache_locked debian_root_make "$1" "$name" || return 1
    cached "$name"
}
