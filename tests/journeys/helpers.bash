# shellcheck shell=bash
# Words of the journeys. Each file shares one registry and one engine; a test starts on a site without an installation (site_reset).
# shellcheck disable=SC2034  # some words are for one file only
# Folders: $FILE is the file's scratch, $SITE the host's root that archon-load is given.

bats_require_minimum_version 1.5.0
here=$(dirname "$(realpath "${BASH_SOURCE[0]}")")
for part in common packages certs daemon registry images app debian-root; do
    # shellcheck source=/dev/null
    . "$here/../support/$part.sh"
done

BIN=${ARCHON_BUILDS:-$CHECKOUT/build}/gcc/installed/bin
FAULTY=${ARCHON_BUILDS:-$CHECKOUT/build}/faults/installed/bin
FILE=${ARCHON_SCRATCH:-${TMPDIR:-/tmp}/archon-journey}
ENGINE=$FILE/engine
REGISTRY=$FILE/registry
SITE=$FILE/site
export DOCKER_CONFIG=$FILE/no-docker-config HOME=$FILE/home

# What archon-load is called with on every site of the tests.
site_options() { printf '%s\n' --root "$SITE" --engine "$(daemon_socket "$ENGINE")"; }

# --- a file's set-up -------------------------------------------------------------------------------------------------------------

# journey_start PART...: registry, engine, key, certs, app.
journey_start() {
    local part
    mkdir -p "$FILE/home" "$FILE/out"
    cache_hold
    for part in "$@"; do "start_$part"; done
}

start_registry() {
    registry_start "$REGISTRY" --storage "$(images_storage)" --read-only
}

start_engine() { daemon_start "$ENGINE"; }

start_key() { bundler keygen "$FILE/release" >/dev/null; }

start_certs() {
    make_ca "$FILE/ca" "Site CA"
    make_certificate "$FILE/ca" "$FILE/site-tls" "DNS:shop.example,DNS:web,DNS:localhost,DNS:$(hostname),IP:127.0.0.1"
}

# The shop, packed once per file: $FILE/shop-1.0.0.bundle.tar.zst.
start_shop() {
    app_copy "$FILE/shop"
    pack_shop shop-1.0.0
}

# pack_shop NAME: the folder $FILE/shop as it is now, as $FILE/NAME.bundle.tar.zst.
pack_shop() {
    (cd "$FILE/shop" && SHOP_REGISTRY=$(registry_host "$REGISTRY") bundler create --key "$FILE/release.key" --cache "$FILE/blobs" \
        -o "$FILE/$1.bundle.tar.zst") >"$FILE/out/pack-$1" 2>&1 || fail "$(cat "$FILE/out/pack-$1")"
}

# A compose application of one service on the smallest image: $FILE/tiny-1.0.0.bundle.tar.zst.
start_tiny() {
    tiny_folder 1.0.0 1
    pack_tiny tiny-1.0.0
}

# tiny_folder VERSION TAG.
tiny_folder() {
    mkdir -p "$FILE/tiny"
    cat >"$FILE/tiny/bundle.yaml" <<END
name: tiny
version: $1
compose: [compose.yaml]
variables:
  - { name: PORT, default: "8080", pattern: "[0-9]{2,5}" }
services:
  web: { timeout: 30s }
END
    cat >"$FILE/tiny/compose.yaml" <<END
version: "3.8"
services:
  web:
    image: $(registry_host "$REGISTRY")/tools/tiny:$2
    ports: ["\${PORT}:8080"]
END
}

pack_tiny() {
    (cd "$FILE/tiny" && bundler create --key "$FILE/release.key" --cache "$FILE/blobs" -o "$FILE/$1.bundle.tar.zst") >"$FILE/out/pack-$1" 2>&1 || fail "$(cat "$FILE/out/pack-$1")"
}

journey_stop() {
    daemon_stop "$ENGINE"
    registry_stop "$REGISTRY"
    rm -rf -- "$FILE"
}

# --- programs --------------------------------------------------------------------------------------------------------------------

# A program that does not end is a failed test, not a hung one (status 124).
LIMIT=(timeout --foreground --kill-after=10 300)

bundler() { "${LIMIT[@]}" "$BIN/archon-bundle" "$@"; }

# The loader where the engine is: in a network without a way out.
loader() { daemon_run "$ENGINE" "${LIMIT[@]}" "$BIN/archon-load" "$@"; }

# site COMMAND ARG...: the loader with this site's root and engine.
site() {
    local options
    mapfile -t options < <(site_options)
    loader "$@" "${options[@]}"
}

# install_shop BUNDLE ARG...
install_shop() {
    site install "$@" --ca "$FILE/ca/ca.pem" --ssl-cert "$FILE/site-tls.crt" --ssl-key "$FILE/site-tls.key" --set SITE_NAME="Journey" --yes
}

on_engine() { daemon_docker "$ENGINE" "$@"; }

# psql in the shop's database container, as the administrator through the socket.
shop_sql() {
    on_engine exec "$(on_engine ps -q --filter label=com.docker.compose.project=shop --filter label=com.docker.compose.service=db)" \
        psql -X -q -A -t -v ON_ERROR_STOP=1 -h /var/run/postgresql -U postgres -d shop -c "$1"
}

# fetch URL: as a browser of the site that trusts the site's CA and nothing else.
fetch() {
    mkdir -p "$FILE/empty"
    daemon_net "$ENGINE" curl -fsS --noproxy '*' --max-time 10 --cacert "$FILE/ca/ca.pem" --capath "$FILE/empty" \
        --resolve shop.example:8443:127.0.0.1 "$1"
}

# --- assertions ------------------------------------------------------------------------------------------------------------------

fail() {
    printf '%s\n' "$*" >&2
    return 1
}

show_answer() {
    printf -- '--- %s\nstatus %s\nstdout:\n' "$1" "$status" >&2
    head -c 4000 "$FILE/stdout" >&2
    printf 'stderr:\n' >&2
    head -c 4000 "$FILE/stderr" >&2
}

# complain COMMAND TEXT: what the last command said, and what is wrong with it.
complain() {
    show_answer "$1"
    fail "$2"
}

# gives STATUS COMMAND ARG...: exactly this exit status; what was said is in $FILE/stdout and $FILE/stderr.
gives() {
    local wanted=$1
    shift
    status=0
    "$@" >"$FILE/stdout" 2>"$FILE/stderr" || status=$?
    [ "$status" -eq "$wanted" ] || complain "$*" "status $status instead of $wanted"
}

# works COMMAND ARG...
works() { gives 0 "$@"; }

# refused STATUS TEXT COMMAND ARG...: the error is one line that says TEXT (an extended regular expression), at most a hint follows it,
# and there is no result.
refused() {
    local wanted=$1 text=$2 lines
    shift 2
    gives "$wanted" "$@" || return 1
    lines=$(grep -c '^archon-\(bundle\|load\): ' "$FILE/stderr") || true
    [ "$lines" -eq 1 ] || complain "$*" "$lines error lines instead of one" || return 1
    grep -E '^archon-(bundle|load): ' "$FILE/stderr" | grep -qE -- "$text" || complain "$*" "the error does not say: $text" || return 1
    [ ! -s "$FILE/stdout" ] || complain "$*" "a result in spite of the error"
}

# says TEXT: the last command's result.
says() { grep -qE -- "$1" "$FILE/stdout" || complain "the last command" "the result does not say: $1"; }

# tells TEXT: the last command's story.
tells() { grep -qE -- "$1" "$FILE/stderr" || complain "the last command" "the story does not say: $1"; }

equal() { [ "$1" = "$2" ] || fail "expected: $2"$'\n'"found:    $1"; }

# engine_world: everything the engine holds, in one text. Health and running time are left out: they change by themselves.
engine_world() {
    on_engine images --all --no-trunc --format 'image {{.ID}} {{.Repository}}:{{.Tag}}' | sort
    on_engine ps --all --no-trunc --format 'container {{.ID}} {{.Names}} {{.State}}' | sort
    on_engine volume ls --format 'volume {{.Name}}' | sort
    on_engine network ls --no-trunc --format 'network {{.ID}} {{.Name}}' | sort
}

# site_world: every file below the site's root with its mode and content; locks and logs may come and go.
site_world() {
    [ -d "$SITE" ] || return 0
    (cd "$SITE" && find . \( -name '*.lock' -o -name '*.log' \) -prune -o -printf '%p %y %m %l\n' | sort)
    (cd "$SITE" && find . -type f ! -name '*.lock' ! -name '*.log' -exec sha256sum {} + | sort -k 2)
}

# world: both.
world() {
    engine_world
    site_world
}

# unchanged COMMAND ARG...: whatever the command does, the machine is as before.
unchanged() {
    world >"$FILE/world-before"
    "$@" || return 1
    world >"$FILE/world-after"
    diff -u "$FILE/world-before" "$FILE/world-after" >&2 || fail "the machine was changed"
}

# no_partial DIR: nothing is left of an output that did not come to be.
no_partial() { [ -z "$(ls -A "$1")" ] || fail "$1 holds $(ls -A "$1")"; }

# --- a site ----------------------------------------------------------------------------------------------------------------------

# remove_all LIST REMOVE: what the docker client lists (a command line), another one removes.
remove_all() {
    local things
    # shellcheck disable=SC2086  # command lines are words
    mapfile -t things < <(on_engine $1 | sort -u)
    # shellcheck disable=SC2086
    [ "${#things[@]}" -eq 0 ] || on_engine $2 "${things[@]}" >/dev/null
}

# A host without an installation that trusts the release key; images stay unless "images" is given.
site_reset() {
    remove_all "ps -aq" "rm -f"
    remove_all "volume ls -q" "volume rm"
    remove_all "network ls -q --filter type=custom" "network rm"
    [ "${1:-}" != images ] || remove_all "images -aq" "rmi -f"
    rm -rf -- "$SITE"
    mkdir -p "$SITE"
    [ ! -e "$FILE/release.pub" ] || loader trust add --root "$SITE" "$FILE/release.pub" >/dev/null
}

# services PROJECT: "service state health" of its containers, sorted.
services() {
    local id
    for id in $(on_engine ps -aq --filter "label=com.docker.compose.project=$1"); do
        on_engine inspect --format '{{index .Config.Labels "com.docker.compose.service"}} {{.State.Status}} {{if .State.Health}}{{.State.Health.Status}}{{end}}' "$id"
    done | sort
}

SHOP_HEALTHY=$'api running healthy\ndb running healthy\nweb running healthy'

# registry_saw TEXT: how often the access log of the file's registry has this.
registry_saw() { grep -c -- "$1" "$REGISTRY/log" || true; }
