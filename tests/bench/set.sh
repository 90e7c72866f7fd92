# shellcheck shell=bash
# The benchmark's images, as a team would make them: Dockerfiles on one Debian base, each installing what it needs from Debian; built by the
# real `docker build`, pushed by the real `docker push`. About 3 GB of layers. What is kept is the registry's storage, in the cache, under a name
# that follows from the recipes. Needs common.sh, packages.sh, daemon.sh, registry.sh; groups tools, engine, registry, newer; root; apt's archive.
#
#   bench_set        prints the storage folder (made on first use, some minutes)
#   BENCH_IMAGES     the five images of a release; BENCH_UPGRADE is bench/server with another top layer

SET_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/set
BENCH_IMAGES=(bench/server:1 bench/service:1 bench/worker:1 bench/web:1 bench/db:1)
BENCH_UPGRADE=bench/server:2

# A Debian as its own official image is: minimal, with apt.
bench_base() {
    local work=$1 mirror
    mirror=$(debian_mirror) || return 1
    apt_proxy
    debootstrap --variant=minbase bookworm "$work/base" "$mirror" >"$work/debootstrap.log" 2>&1 || { tail -n 20 "$work/debootstrap.log" >&2; return 1; }
    rm -rf "$work"/base/var/cache/apt/archives/*.deb "$work"/base/var/lib/apt/lists/* "$work"/base/usr/share/doc/* "$work"/base/usr/share/man/*
    printf '#!/bin/sh\nexit 101\n' >"$work/base/usr/sbin/policy-rc.d"
    chmod 755 "$work/base/usr/sbin/policy-rc.d"
    tar -c --numeric-owner --sort=name -C "$work/base" . | daemon_docker "$work/engine" import - bench/base:1 >/dev/null
    rm -rf --one-file-system "$work/base"
}

bench_build() {
    local work=$1 name=$2 tag=$3
    # shellcheck disable=SC2154  # apt_proxy exports it
    DOCKER_BUILDKIT=0 daemon_docker "$work/engine" build -q --network host --build-arg "http_proxy=${http_proxy:-}" --build-arg "edition=$tag" \
        -t "bench/$name:$tag" "$SET_DIR/$name" >/dev/null
}

bench_push() {
    local work=$1 host=$2 image
    for image in "${BENCH_IMAGES[@]}" "$BENCH_UPGRADE"; do
        daemon_docker "$work/engine" tag "$image" "$host/$image"
        daemon_docker "$work/engine" push -q "$host/$image" >/dev/null || return 1
    done
}

bench_build_all() {
    local work=$1 name
    daemon_start "$work/engine" --host-network && registry_start "$work/registry" --storage "$work/storage" || return 1
    bench_base "$work" || return 1
    for name in server service worker web db; do
        bench_build "$work" "$name" 1 || return 1
        say "  bench/$name"
    done
    bench_build "$work" server 2 && bench_push "$work" "$(registry_host "$work/registry")"
}

bench_make() {
    local name=$1 work status=0
    cached "$name" >/dev/null && return 0
    say "making the benchmark's images from Debian packages: some minutes, some gigabytes"
    work=$(mktemp -d "$CACHE_DIR/bench.XXXXXX")
    chmod 755 "$work"
    bench_build_all "$work" || status=1
    registry_stop "$work/registry"
    daemon_stop "$work/engine"
    [ "$status" -ne 0 ] || cache_store "$work/storage" "$name"
    rm -rf --one-file-system -- "$work"
    return "$status"
}

bench_set() {
    local name
    name=bench-$(recipe_hash "$SET_DIR"/*/* "$SET_DIR/../set.sh")
    cached "$name" >/dev/null || cache_locked bench_make "$name" || return 1
    cached "$name"
}
