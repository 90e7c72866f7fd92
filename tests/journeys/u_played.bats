#!/usr/bin/env bats
# Registries that cannot be reached from here, under their own names, in a network of their own: u_played.py plays them in the shapes that their makers
# document, and archon-bundle is run as anybody would run it. No test here has seen the real ones.
load helpers
# shellcheck source=/dev/null disable=SC2154
. "$here/../support/names.sh"

PARTS=3

setup_file() {
    local part parts=() addresses
    mapfile -t addresses < <(python3 "$CHECKOUT/tests/journeys/u_played.py" --addresses)
    for part in $(seq "$PARTS"); do
        mkdir -p "$FILE/scenes$part"
        names_start "$FILE/names$part" "${addresses[@]}"
        names_run "$FILE/names$part" timeout 300 python3 "$CHECKOUT/tests/journeys/u_played.py" "$FILE/scenes$part" "$BIN/archon-bundle" "$part/$PARTS" \
            >"$FILE/cases$part" 2>"$FILE/trouble$part" 3>&- 4>&- &
        parts+=($!)
    done
    for part in "${parts[@]}"; do wait "$part" || true; done
    cat "$FILE"/cases[0-9]* >"$FILE/cases"
    cat "$FILE"/trouble[0-9]* >"$FILE/trouble"
}

teardown_file() {
    local part
    for part in $(seq "$PARTS"); do names_stop "$FILE/names$part"; done
    rm -rf -- "$FILE"
}

# played NAME: it has cases, and all of them are good.
played() {
    local bad
    grep -q "^ok $1 " "$FILE/cases" || fail "$1 has no good case: $(tail -n 5 "$FILE/trouble")" || return 1
    bad=$(awk -v row="$1" '/^(not )?ok / { mine = /^not ok / && $3 == row } mine' "$FILE/cases")
    [ -z "$bad" ] || fail "$bad"
}

@test "the table was run to its end" {
    [ ! -s "$FILE/trouble" ] || fail "$(cat "$FILE/trouble")"
    equal "$(grep -c '^end: ' "$FILE/cases")" "$PARTS"
}

@test "Docker Hub: names, logins, limits, blobs elsewhere" { played hub; }
@test "GHCR" { played ghcr; }
@test "ECR: basic alone, blobs in S3" { played ecr; }
@test "ECR Public: a scope of its own" { played ecr-public; }
@test "Artifact Registry and gcr.io: a key in JSON for a password" { played gar; }
@test "ACR: identity tokens" { played acr; }
@test "Quay: robots" { played quay; }
@test "GitLab: a token server on another host, known or named" { played gitlab; }
@test "Harbor: robots" { played harbor; }
@test "JFrog" { played jfrog; }
@test "Zot, Nexus: basic alone" { played nexus; }
@test "several in one bundle, each with its own login" { played all; }
