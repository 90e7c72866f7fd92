#!/usr/bin/env bats
# A compose application of one service: rendered, started, watched, stopped.
load helpers

setup_file() { journey_start registry engine key tiny; }
teardown_file() { journey_stop; }
setup() { site_reset; }

bundle() { printf '%s/tiny-%s.bundle.tar.zst\n' "$FILE" "${1:-1.0.0}"; }

@test "install starts the service and waits until it is healthy" {
    works site install "$(bundle)" --yes
    equal "$(services tiny)" "web running healthy"
    daemon_net "$ENGINE" curl -fsS http://127.0.0.1:8080/ | grep -q tiny
}

@test "plain archon-load BUNDLE installs too" {
    local options
    mapfile -t options < <(site_options)
    works loader "$(bundle)" "${options[@]}" --yes
    equal "$(services tiny)" "web running healthy"
}

@test "installing again restarts nothing" {
    works site install "$(bundle)" --yes
    engine_world >"$FILE/first"
    works site install "$(bundle)" --yes
    engine_world | diff -u "$FILE/first" - >&2
}

@test "a setting reaches the service" {
    works site install "$(bundle)" --yes --set PORT=18080
    daemon_net "$ENGINE" curl -fsS http://127.0.0.1:18080/ | grep -q tiny
}

@test "a setting that breaks its pattern, and one that nobody declared, are refused before anything changes" {
    unchanged refused 3 PORT site install "$(bundle)" --yes --set PORT=http
    unchanged refused 3 COLOUR site install "$(bundle)" --yes --set COLOUR=blue
}

@test "without a terminal and without --yes nothing is done" {
    unchanged refused 2 "[-]-yes" site install "$(bundle)"
}

@test "status, logs, stop, start" {
    works site install "$(bundle)" --yes
    works site status
    says tiny
    says '1\.0\.0'
    works site logs web
    works site stop
    equal "$(on_engine ps -q)" ""
    works site start
    equal "$(services tiny)" "web running healthy"
}

@test "a service that does not get healthy: status 50 and its last words" {
    tiny_folder 1.0.1 1
    printf '    command: ["/bin/busybox", "sh", "-c", "echo the shelf is empty; sleep 300"]\n' >>"$FILE/tiny/compose.yaml"
    pack_tiny tiny-1.0.1
    gives 50 site install "$(bundle 1.0.1)" --yes --wait-timeout 8
    tells "the shelf is empty"
    tells web
}

@test "rendered files are for their owner only, and nothing in them can be pulled or built" {
    works site install "$(bundle)" --yes
    run find "$SITE/var/lib/archon" -type f \( -name '*.env' -o -name '.env' \) -perm /077
    equal "$output" ""
    works loader render "$(bundle)" --root "$SITE" --target compose -o "$FILE/rendered"
    run ! grep -rE '^ *build:' "$FILE/rendered"
}

@test "uninstall leaves the engine as it was" {
    site_reset images
    engine_world >"$FILE/first"
    works site install "$(bundle)" --yes
    works site uninstall --yes
    equal "$(services tiny)" ""
    engine_world | grep -v '^image' | diff -u <(grep -v '^image' "$FILE/first") - >&2
}

@test "what somebody else runs on the same engine is not touched" {
    works site load-images "$(bundle)"
    on_engine run -d --name foreign "$(registry_host "$REGISTRY")/tools/tiny:1" >/dev/null
    works site install "$(bundle)" --yes
    works site uninstall --yes
    equal "$(on_engine inspect --format '{{.State.Status}}' foreign)" running
}
