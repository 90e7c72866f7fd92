#!/usr/bin/env bats
# What upgrades leave alone and what they give back: services that did not change, names of images, settings; and what a first installation
# that failed has left.
load helpers

setup_file() {
    mkdir -p "$FILE/registry"
    cp -r "$(images_storage)" "$FILE/registry/storage"
    registry_start "$REGISTRY"
    journey_start engine key
    pack_one 1.0.0 1 A ''
    pack_one 1.1.0 2 B ''
    pack_one 1.2.0 2 B ''
    pack_one 1.3.0 1 C nothing-there
}

teardown_file() { journey_stop; }

bundle() { printf '%s/one-%s.bundle.tar.zst\n' "$FILE" "$1"; }

# moving_tag TAG: the tag `stable` of tools/tiny is another image from now on.
moving_tag() {
    local tags=$REGISTRY/storage/docker/registry/v2/repositories/tools/tiny/_manifests/tags
    rm -rf "$tags/stable"
    cp -r "$tags/$1" "$tags/stable"
}

# pack_one VERSION TAG LETTER HEALTH: two services on an image with a moving tag, one of them with a secret of its own, and one that never changes.
pack_one() {
    local tiny
    tiny=$(registry_host "$REGISTRY")/tools/tiny
    moving_tag "$2"
    mkdir -p "$FILE/one"
    cat >"$FILE/one/bundle.yaml" <<END
name: one
version: $1
compose: [compose.yaml]
variables:
  - { name: PORT, default: "8090", pattern: "[0-9]{2,5}" }
  - { name: KEY_$3, secret: true, generate: 16 }
services:
  web: { timeout: 20s, health: "http://127.0.0.1:\${PORT}/$4" }
requires: { ports: ["\${PORT}"], memory: 16MiB, disk: 1MiB }
END
    cat >"$FILE/one/compose.yaml" <<END
version: "3.8"
services:
  web: { image: "$tiny:stable", ports: ["\${PORT}:8080"] }
  other: { image: "$tiny:stable", environment: ["KEY=\${KEY_$3}"] }
  same: { image: "$tiny:1-oci" }
END
    (cd "$FILE/one" && bundler create --key "$FILE/release.key" --cache "$FILE/blobs" -o "$(bundle "$1")") >"$FILE/out/pack-one" 2>&1 || fail "$(cat "$FILE/out/pack-one")"
}

install_one() { site install "$(bundle "$1")" --yes "${@:2}"; }

# id_of SERVICE: its container; image_of SERVICE: what that runs; named TAG: the image that has this name.
id_of() { on_engine ps -q --no-trunc --filter label=com.docker.compose.project=one --filter "label=com.docker.compose.service=$1"; }
image_of() { on_engine inspect --format '{{.Image}}' "$(id_of "$1")"; }
named() { on_engine inspect --format '{{.Id}}' "$(registry_host "$REGISTRY")/tools/tiny:$1"; }

@test "a service that did not change keeps its container" {
    site_reset
    works install_one 1.0.0
    local same web first
    same=$(id_of same) web=$(id_of web) first=$(image_of web)
    works install_one 1.1.0
    equal "$(id_of same)" "$same"
    [ "$(id_of web)" != "$web" ]
    [ "$(image_of web)" != "$first" ]
    works site status
    says '^one 1\.1\.0'
}

@test "a release that changes nothing but its version restarts nothing" {
    local before
    before=$(id_of web; id_of other; id_of same)
    works install_one 1.2.0
    equal "$(id_of web; id_of other; id_of same)" "$before"
    works site status
    says '^one 1\.2\.0'
}

@test "going back gives names of images and settings back" {
    local image same
    image=$(image_of web) same=$(id_of same)
    gives 50 install_one 1.3.0 --wait-timeout 5
    tells 'nothing-there'
    equal "$(image_of web)" "$image"
    equal "$(named stable)" "$image"
    equal "$(id_of same)" "$same"
    works site status
    says '^one 1\.2\.0'
    world >"$FILE/before"
    works install_one 1.2.0
    world | diff -u "$FILE/before" - >&2
}

@test "a secret that a later release does not know is kept" {
    grep -q "^KEY_A='[A-Za-z0-9]\{16\}'$" "$SITE/var/lib/archon/default/values.env"
}

@test "what a first installation left that failed can be looked at and removed" {
    site_reset
    gives 50 install_one 1.3.0 --wait-timeout 5
    tells 'archon-load uninstall'
    refused 12 'nothing is installed' site status
    works site logs other
    works site uninstall --purge --yes
    equal "$(on_engine ps -aq)" ""
    [ ! -e "$SITE/var/lib/archon/default" ]
}

@test "somebody else's project of that name is left alone" {
    site_reset
    works install_one 1.0.0
    local image
    image=$(image_of web)
    site_reset
    on_engine run -d --name mine --label com.docker.compose.project=one --label com.docker.compose.service=web --label com.docker.compose.oneoff=False "$image" >/dev/null
    unchanged refused 12 'compose project one exists' install_one 1.0.0
    on_engine rm -f mine >/dev/null
}

# hold NAME COMMAND...: a process in the engine's network until release NAME.
hold() { spawn "$FILE/$1.pid" "$FILE/$1.log" nsenter --target "$(pid_of "$ENGINE/pid")" --net -- "${@:2}"; }
release() { stop_pid "$FILE/$1.pid"; }

teardown() {
    release port
    release lock
}

@test "a port that is taken is said before anything changes" {
    site_reset
    hold port python3 -c 'import socket, time
s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); s.bind(("127.0.0.1", 8090)); s.listen(); time.sleep(300)'
    wait_for 10 daemon_net "$ENGINE" sh -c 'ss -Hltn sport = :8090 | grep -q .'
    unchanged refused 12 'port 8090 is taken' install_one 1.0.0
    release port
    works install_one 1.0.0
}

@test "a second run while one is under way is told by whom" {
    site_reset
    works install_one 1.0.0
    local lock=$SITE/var/lib/archon/default/run.lock
    hold lock python3 -c 'import fcntl, struct, sys, time
f = open(sys.argv[1], "r+"); fcntl.fcntl(f, 37, struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, 0, 0, 0)); f.write("pid 1 (a test) since now\n"); f.flush(); time.sleep(300)' "$lock"
    wait_for 10 grep -q 'a test' "$lock"
    refused 61 'held by pid 1 \(a test\)' install_one 1.1.0
    refused 61 'held by pid 1 \(a test\)' site stop
    release lock
    works site stop
}
