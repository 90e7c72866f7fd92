#!/usr/bin/env bats
# Upgrades that carry only what changed, on real engines (Docker with both stores, Podman): the base comes out of the engine or out of a kept bundle, and what is there afterwards is what a full bundle gives.
load helpers

setup_file() {
    packages podman
    debian_root trixie >/dev/null
    journey_start engine key
    mkdir "$FILE/bin"
    cp "$BIN"/archon-* "$FILE/bin/"
    folders
    images 1 base app-1
    images 2 base app-2 more
    pack full 1
    pack full 2
    pack delta 2 --base "$(bundle full 1)"
    BIN=$FILE/bin
    site_reset
    load_full 2
    shown >"$FILE/by-full"
}

teardown_file() {
    local process
    for process in stall podman; do [ ! -e "$FILE/$process.pid" ] || stop_pid "$FILE/$process.pid" 5; done
    journey_stop
}

setup() {
    # The newer Debian sees the file's scratch folder only: the programs are carried there.
    BIN=$FILE/bin
    site_reset images
}

bundle() { printf '%s/%s-%s.bundle.tar.zst\n' "$FILE" "$1" "$2"; }

# folders: what layers hold. The application's second version has another main file, a change in the middle of a large one, and one file more.
folders() {
    python3 - "$FILE" <<'END'
import pathlib, random, sys
top, numbers = pathlib.Path(sys.argv[1]), random.Random(7)
def put(folder, name, data):
    (top / folder).mkdir(exist_ok=True)
    (top / folder / name).write_bytes(data)
for i in range(4):
    put('base', 'system-%d' % i, numbers.randbytes(700000))
large = [numbers.randbytes(400000) for _ in range(6)]
for version in 1, 2:
    for i, data in enumerate(large):
        put('app-%d' % version, 'lib-%d' % i, data if version == 1 or i != 3 else data[:200000] + b'patched' + data[200000:])
    put('app-%d' % version, 'main', b'version %d\n' % version)
put('tool', 'tool', numbers.randbytes(300000))
put('more', 'more', b'more\n')
END
}

# images VERSION FOLDER...: the application's image of that version, and a tool that never changes.
images() {
    local version=$1
    shift
    python3 "$CHECKOUT/tests/journeys/layers.py" "$FILE/layout-app-$version" "${@/#/$FILE/}"
    python3 "$CHECKOUT/tests/journeys/layers.py" "$FILE/layout-tool-$version" "$FILE/base" "$FILE/tool"
}

# pack KIND VERSION ARG...
pack() {
    bundler create --key "$FILE/release.key" --cache "$FILE/blobs" --no-loader --version "$2.0.0" -o "$(bundle "$1" "$2")" "${@:3}" \
        "site.example/app:$2=oci:$FILE/layout-app-$2" "site.example/tool:$2=oci:$FILE/layout-tool-$2" >"$FILE/out/pack-$1-$2" 2>&1 || fail "$(cat "$FILE/out/pack-$1-$2")"
}

# shown: ids and layers of the second release's images.
shown() { on_engine image inspect --format '{{.Id}} {{.RootFS.Layers}}' site.example/app:2 site.example/tool:2; }

load_full() { works site load-images "$(bundle full "$1")"; }

# is_as_full COMMAND...: what the command makes of the engine is what the full bundle makes of an empty one.
is_as_full() {
    works "$@"
    shown | diff -u "$FILE/by-full" - >&2
}

has_file() {
    local id
    id=$(on_engine create "$1" /x)
    on_engine cp "$id:/$2" - | tar -xO
    on_engine rm "$id" >/dev/null
}

# Whatever happens, nothing stays where layers of the base are put.
var_tmp() { daemon_run "$ENGINE" find /var/tmp -newer "$FILE/release.pub" -size +100k; }

@test "a delta is small" {
    local full delta
    full=$(stat -c %s "$(bundle full 2)") delta=$(stat -c %s "$(bundle delta 2)")
    [ $((delta * 10)) -lt "$full" ] || fail "the delta has $delta bytes, the full bundle $full"
}

@test "a delta makes of the base in the engine what the full bundle makes of nothing" {
    load_full 1
    is_as_full site load-images "$(bundle delta 2)"
    equal "$(has_file site.example/app:2 main)" "version 2"
}

@test "what the engine has unpacked is neither read nor sent" {
    load_full 1
    works site load-images -v "$(bundle delta 2)"
    tells "base: 1 layer, "
    works site load-images -v "$(bundle delta 2)"
    run ! grep -q "base: " "$FILE/stderr"
}

@test "a base whose images lost their names is found by its layers" {
    load_full 1
    on_engine tag site.example/app:1 other.example/renamed:7
    on_engine tag site.example/tool:1 other.example/renamed:8
    on_engine rmi site.example/app:1 site.example/tool:1 >/dev/null
    is_as_full site load-images "$(bundle delta 2)"
}

@test "a base that is not there is said, with the layers and the way out, and nothing is changed" {
    unchanged refused 12 "is a delta, and its base is not on this host: release 1.0.0 .*; [0-9]+ of the [0-9]+ layers" site load-images "$(bundle delta 2)"
    tells "use the full bundle of .* 2.0.0, or the bundle of .* 1.0.0 as well: --base BUNDLE"
    unchanged refused 12 "its base is not on this host" site plan "$(bundle delta 2)"
    unchanged refused 12 "its base is not on this host" site install "$(bundle delta 2)" --yes
}

@test "a base that was removed between plan and load is missed before anything changes" {
    load_full 1
    works site plan "$(bundle delta 2)"
    says "^base: release 1.0.0 .*; 1 layer of it is put into files for a while"
    says "^space in /var/tmp: .* needed, .* free"
    works site plan --json "$(bundle delta 2)"
    equal "$(jq -r '.base | "\(.version) \(.layers)"' "$FILE/stdout")" "1.0.0 1"
    equal "$(jq -r '.space[1].path' "$FILE/stdout")" /var/tmp
    [ "$(jq -r .space[1].needed "$FILE/stdout")" = "$(jq -r .base.bytes "$FILE/stdout")" ]
    on_engine rmi site.example/app:1 site.example/tool:1 >/dev/null
    unchanged refused 12 "its base is not on this host" site load-images "$(bundle delta 2)"
}

@test "a kept bundle is the base where the engine has nothing" {
    unchanged refused 60 "--base: " site load-images "$(bundle delta 2)" --base "$FILE/absent"
    head -c 1000000 "$(bundle full 1)" >"$FILE/short.bundle.tar.zst"
    unchanged refused 13 "--base: .*short.bundle.tar.zst" site load-images "$(bundle delta 2)" --base "$FILE/short.bundle.tar.zst"
    is_as_full site load-images "$(bundle delta 2)" --base "$(bundle full 1)"
}

@test "a base signed by nobody who is trusted is refused" {
    site_reset images
    bundler keygen "$FILE/stranger" >/dev/null
    bundler create --key "$FILE/stranger.key" --cache "$FILE/blobs" --no-loader --version 1.0.0 -o "$FILE/foreign.bundle.tar.zst" "site.example/app:1=oci:$FILE/layout-app-1" >/dev/null 2>&1
    unchanged refused 11 "--base: " site load-images "$(bundle delta 2)" --base "$FILE/foreign.bundle.tar.zst"
}

@test "room for layers of the base is asked for first" {
    load_full 1
    # shellcheck disable=SC2016  # the inner shell's own words
    little_room() {
        local options
        mapfile -t options < <(site_options)
        daemon_run "$ENGINE" unshare --mount --propagation private sh -c 'mount -t tmpfs -o size=1m tmpfs /var/tmp && exec "$@"' sh "$BIN/archon-load" "$@" "${options[@]}"
    }
    unchanged refused 31 "/var/tmp: 1 layers of the base need 2.[0-9]+ MB there while images are loaded, 1.[0-9]+ MB are free" little_room load-images "$(bundle delta 2)"
    tells "the full bundle needs none there"
}

@test "killed while the base is read: nothing stays, and the next run goes through" {
    load_full 1
    local loader
    spawn "$FILE/stall.pid" "$FILE/stall.log" python3 "$CHECKOUT/tests/support/stalling_engine.py" "$FILE/stall.sock" "$(daemon_socket "$ENGINE")" "$FILE/stalled" 5000000
    wait_for 10 test -S "$FILE/stall.sock"
    "$BIN/archon-load" load-images --root "$SITE" --engine "$FILE/stall.sock" "$(bundle delta 2)" >/dev/null 2>&1 3>&- &
    loader=$!
    wait_for 30 test -e "$FILE/stalled"
    find "/proc/$loader/fd" -lname '/var/tmp/* (deleted)' >"$FILE/spools"
    kill -KILL "$loader"
    wait "$loader" || true
    stop_pid "$FILE/stall.pid" 5
    equal "$(wc -l <"$FILE/spools")" 1
    equal "$(var_tmp)" ""
    equal "$(on_engine images -q site.example/app:2)" ""
    is_as_full site load-images "$(bundle delta 2)"
}

@test "verify looks at all of a delta but what needs the base" {
    works site_verify "$(bundle delta 2)"
    refused 12 "base" site_verify --deep "$(bundle delta 2)"
    works site_verify --deep "$(bundle delta 2)" --base "$(bundle full 1)"
    says "put together again"
}
site_verify() { loader verify --root "$SITE" "$@"; }

@test "base and delta become a full bundle again, which another host loads that trusts the first one's key" {
    rm -f "$FILE/again.bundle.tar.zst"
    load_full 1
    works site consolidate "$(bundle delta 2)" -o "$FILE/again.bundle.tar.zst"
    says "trust add host.pub"
    local digest
    digest=$(bundler inspect --json "$(bundle full 2)" | jq -r .release_sha256)
    equal "$(bundler inspect --json "$FILE/again.bundle.tar.zst" | jq -r .release_sha256)" "$digest"
    equal "$(stat -c '%a' "$SITE/etc/archon/host.key")" 600
    cp "$SITE/etc/archon/host.pub" "$FILE/host.pub"
    site_reset images
    refused 11 "" site load-images "$FILE/again.bundle.tar.zst"
    loader trust add --root "$SITE" "$FILE/host.pub" >/dev/null
    works loader verify --deep --root "$SITE" "$FILE/again.bundle.tar.zst"
    is_as_full site load-images "$FILE/again.bundle.tar.zst"
    works python3 "$CHECKOUT/tests/reader/read_bundle.py" verify "$FILE/again.bundle.tar.zst" --trust "$FILE/host.pub" --deep
}

@test "a full bundle is made with a kept base and a given key as well" {
    bundler keygen "$FILE/shelf" >/dev/null
    works loader consolidate --root "$SITE" --engine "$FILE/nowhere.sock" "$(bundle delta 2)" --base "$(bundle full 1)" --key "$FILE/shelf.key" -o "$FILE/shelf.bundle.tar.zst"
    works bundler verify --deep "$FILE/shelf.bundle.tar.zst" --trust "$FILE/shelf.pub"
    [ ! -e "$SITE/etc/archon/host.key" ]
    refused 60 "exists already" loader consolidate --root "$SITE" "$(bundle delta 2)" --base "$(bundle full 1)" -o "$FILE/shelf.bundle.tar.zst"
    refused 60 "missing: is not an existing directory" loader consolidate --root "$SITE" "$(bundle delta 2)" --base /no/base -o "$FILE/missing/x.bundle.tar.zst"
    refused 2 "is a full bundle already" loader consolidate --root "$SITE" "$(bundle full 2)" -o "$FILE/never.bundle.tar.zst"
    refused 12 "its base is not on this host" site consolidate "$(bundle delta 2)" -o "$FILE/never.bundle.tar.zst"
    [ ! -e "$FILE/never.bundle.tar.zst" ]
}

@test "what a host tells in its inventory is left out of a bundle made for it" {
    works site install "$(bundle full 1)" --yes
    mkdir "$SITE/var/lib/archon/lost+found" && : >"$SITE/var/lib/archon/notes"
    works site inventory -o "$FILE/site.json"
    says "site.json: 3 layers of the engine \(classic "
    equal "$(jq -r '.releases[0].version' "$FILE/site.json")" 1.0.0
    on_engine image inspect --format '{{json .RootFS.Layers}}' site.example/app:1 site.example/tool:1 | jq -s 'add | unique' >"$FILE/layers"
    jq .layers "$FILE/site.json" | diff -u "$FILE/layers" - >&2
    pack inventory 2 --inventory "$FILE/site.json"
    local full made
    full=$(stat -c %s "$(bundle full 2)") made=$(stat -c %s "$(bundle inventory 2)")
    [ "$made" -lt $((full * 2 / 3)) ] || fail "$made of $full bytes"
    is_as_full site install "$(bundle inventory 2)" --yes
}

@test "a release whose images are gone is not in the inventory" {
    works site install "$(bundle full 1)" --yes
    on_engine rmi site.example/app:1 >/dev/null
    works site inventory -o "$FILE/site.json"
    equal "$(jq '.releases | length' "$FILE/site.json")" 0
    tells "release 1.0.0 is left out"
}

# --- other engines ---------------------------------------------------------------------------------------------------------------

@test "Podman gives layers back as well" {
    local socket=$FILE/podman.sock pod
    pod=(env -u DOCKER_CONFIG podman --root "$FILE/podman" --runroot "$FILE/podman-run" --storage-driver vfs)
    spawn "$FILE/podman.pid" "$FILE/podman.log" "${pod[@]}" system service --time 0 "unix://$socket"
    wait_for 30 test -S "$socket"
    works "$BIN/archon-load" load-images --root "$SITE" --engine "$socket" "$(bundle full 1)"
    works "$BIN/archon-load" load-images --root "$SITE" --engine "$socket" "$(bundle delta 2)"
    "${pod[@]}" image inspect --format 'sha256:{{.Id}} {{.RootFS.Layers}}' site.example/app:2 site.example/tool:2 | diff -u "$FILE/by-full" - >&2
    stop_pid "$FILE/podman.pid"
}

@test "containerd's store: a base that it keeps compressed, and an upgrade of what was installed" {
    local name
    daemon_stop "$ENGINE"
    daemon_start "$ENGINE" --root "$(debian_root trixie)" --containerd-store
    load_full 2
    shown >"$FILE/by-full"
    site_reset images
    for name in app tool; do
        tar -C "$FILE/layout-$name-1" -cf "$FILE/$name.tar" .
        on_engine load -q -i "$FILE/$name.tar" >/dev/null
    done
    is_as_full site load-images "$(bundle delta 2)"
    site_reset images
    works site install "$(bundle full 1)" --yes
    is_as_full site install -v "$(bundle delta 2)" --yes
    tells "base: 1 layer, "
}
