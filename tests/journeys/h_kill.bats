#!/usr/bin/env bats
# SIGKILL at every step of install, then the same command again: the same end as without it.
load helpers

setup_file() {
    journey_start registry engine key certs shop
    BIN=$FAULTY
    site_reset
}

teardown_file() { journey_stop; }

setup() { BIN=$FAULTY; }

bundle() { printf '%s/shop-1.0.0.bundle.tar.zst\n' "$FILE"; }

# The steps of install, as plan names them.
steps() {
    site plan "$(bundle)" --set SITE_NAME=Journey --ca "$FILE/ca/ca.pem" --ssl-cert "$FILE/site-tls.crt" --ssl-key "$FILE/site-tls.key" --json |
        jq -r '.steps[].name'
}

# end_state: what has to be the same whichever way was taken. Passwords and container ids differ from install to install.
end_state() {
    services shop
    on_engine images --no-trunc --format '{{.ID}} {{.Repository}}:{{.Tag}}' | sort
    shop_sql "SELECT name, state FROM archon_load.migrations ORDER BY name"
    shop_sql "SELECT id, name FROM items ORDER BY id"
    fetch https://shop.example:8443/items
    # "loaded" names the images that an installation brought in: they stay here from one test to the next
    (cd "$SITE" && find . ! -name loaded -printf '%p %y %m\n' | sort)
}

@test "install ends in one state" {
    works install_shop "$(bundle)"
    end_state >"$FILE/wanted"
}

# killed_at STEP MOMENT: an install that dies there, and the same command again.
killed_at() {
    # Only a step that has something to do is in the middle of it.
    if [ "$1" = images ]; then site_reset images; else site_reset; fi
    ARCHON_FAULT_STEP=$1:$2 gives 137 install_shop "$(bundle)" || return 1
    works install_shop "$(bundle)" || return 1
    end_state | diff -u "$FILE/wanted" - >&2 || fail "killed $2 $1: another end"
}

@test "killed before the first step, in the middle of each and after each, run again: the same state" {
    local step
    steps >"$FILE/steps"
    [ "$(wc -l <"$FILE/steps")" -ge 5 ]
    killed_at "$(head -n 1 "$FILE/steps")" before
    while read -r step; do
        killed_at "$step" between </dev/null
        killed_at "$step" after </dev/null
    done <"$FILE/steps"
}

@test "killed while images are loaded, and while the engine dies with it" {
    site_reset images
    (install_shop "$(bundle)" >/dev/null 2>&1) &
    sleep 1
    daemon_halt "$ENGINE"
    wait || true
    daemon_launch "$ENGINE"
    works install_shop "$(bundle)"
    end_state | diff -u "$FILE/wanted" - >&2
}

# stopped SIGNAL SECONDS STATUS: an install that gets a signal after so long, and the same command again.
stopped() {
    site_reset images
    local loader_status=0 options
    mapfile -t options < <(site_options)
    # In the foreground: otherwise timeout signals its whole group too, and the second signal of the same kind means "at once".
    daemon_net "$ENGINE" timeout --foreground --preserve-status -s "$1" "$2" "$BIN/archon-load" install "${options[@]}" "$(bundle)" --ca "$FILE/ca/ca.pem" \
        --ssl-cert "$FILE/site-tls.crt" --ssl-key "$FILE/site-tls.key" --set SITE_NAME=Journey --yes >"$FILE/stdout" 2>"$FILE/stderr" || loader_status=$?
    equal "$loader_status" "$3"
    works install_shop "$(bundle)"
    end_state | diff -u "$FILE/wanted" - >&2
}

@test "Ctrl-C: status 62, and the same command goes on" { stopped INT 1.5 62; }

@test "killed while images are sent: the same command goes on, and leaves no layers without a name" { stopped KILL 1 137; }
