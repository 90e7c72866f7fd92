# shellcheck shell=bash
# Three real changes of bench/server:1, each built by the real `docker build` from the image before: an application file, an upgrade of Python, a point release of the Debian
# that all images stand on. Kept beside the benchmark's set, in a registry storage of their own. Needs what set.sh needs, and Debian's security archive.
#
#   bench_changes        prints the storage folder (made on first use, many minutes)
#   BENCH_CHANGES        the three images

CHANGES_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/changes
BENCH_CHANGES=(bench/server:file bench/server:package bench/server:point)

changes_docker() { daemon_docker "$work/engine" "$@"; }

# changes_build TAG FOLDER OPTION...
changes_build() {
    local tag=$1 folder=$2
    shift 2
    DOCKER_BUILDKIT=0 changes_docker build -q --network host --build-arg "http_proxy=${http_proxy:-}" --build-arg edition=1 "$@" -t "bench/server:$tag" "$folder" >/dev/null
}

# bench/base:1 and bench/server:1 as the set has them, so that the engine knows their steps.
changes_pull() {
    local host
    host=$(registry_host "$work/set")
    changes_docker pull -q "$host/bench/server:1" >/dev/null && changes_docker tag "$host/bench/server:1" bench/server:1 || return 1
    "$CHANGES_DIR/first_layer.py" "$host" bench/server 1 bench/base:1 | changes_docker load -q >/dev/null
}

changes_file() {
    cp -r "$SET_DIR/server" "$work/file"
    printf '\nPORT = 8081\n' >>"$work/file/server.py"
    changes_build file "$work/file" --cache-from bench/server:1
}

changes_package() {
    cp -r "$CHANGES_DIR/package" "$work/package"
    cp "$SET_DIR/server/server.py" "$work/package/"
    changes_build package "$work/package" --build-arg "archive=$1"
}

# The base with what Debian has corrected since, as one layer again; what stands on it is made anew, step by step.
changes_point() {
    changes_docker build -q --network host --build-arg "http_proxy=${http_proxy:-}" -t bench/base:2 - >/dev/null <<EOF || return 1
FROM bench/base:1
RUN echo "deb [trusted=yes] $1 bookworm-security main" > /etc/apt/sources.list.d/security.list && apt-get update -qq && apt-get upgrade -qq -y && \
    rm -rf /etc/apt/sources.list.d/security.list /var/lib/apt/lists/* /var/cache/apt/* /usr/share/doc/* /usr/share/man/*
EOF
    changes_docker create --name point bench/base:2 /bin/sh >/dev/null && changes_docker export point | changes_docker import - bench/base:2 >/dev/null || return 1
    cp -r "$SET_DIR/server" "$work/point"
    sed -i 's,bench/base:1,bench/base:2,' "$work/point/Dockerfile"
    changes_build point "$work/point"
}

changes_push() {
    local image host
    host=$(registry_host "$work/registry")
    for image in "${BENCH_CHANGES[@]}"; do
        changes_docker tag "$image" "$host/$image" && changes_docker push -q "$host/$image" >/dev/null || return 1
    done
}

changes_build_all() {
    local archive
    apt_proxy
    archive=$(debian_mirror)
    archive=${archive%/}-security
    registry_start "$work/set" --storage "$(bench_set)" --read-only && registry_start "$work/registry" --storage "$work/storage" &&
        daemon_start "$work/engine" --host-network && changes_pull && changes_file && say "  an application file" &&
        changes_package "$archive" && say "  a Python package" && changes_point "$archive" && say "  a point release of the base" && changes_push
}

changes_make() {
    local name=$1 work status=0
    cached "$name" >/dev/null && return 0
    say "making three changes of the benchmark's server from Debian packages: many minutes, some gigabytes"
    work=$(mktemp -d "$CACHE_DIR/changes.XXXXXX")
    chmod 755 "$work"
    changes_build_all || status=1
    registry_stop "$work/registry"
    registry_stop "$work/set"
    daemon_stop "$work/engine"
    [ "$status" -ne 0 ] || cache_store "$work/storage" "$name"
    rm -rf --one-file-system -- "$work"
    return "$status"
}

bench_changes() {
    local name
    bench_set >/dev/null || return 1
    name=bench-changes-$(recipe_hash "$CHANGES_DIR"/*/* "$CHANGES_DIR/first_layer.py" "$SET_DIR"/server/* "$CHANGES_DIR/../changes.sh")
    cached "$name" >/dev/null || cache_locked changes_make "$name" || return 1
    cached "$name"
}
