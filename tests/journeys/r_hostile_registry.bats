#!/usr/bin/env bats
# What registries and images may answer and must not get away with: the rows R and I of the matrix of hostile inputs, one test each. The cases are
# in r_hostile_registry.py; all of them run once, in networks of their own where nothing is on loopback, and each test looks at its row's.
load helpers
# shellcheck source=/dev/null disable=SC2154
. "$here/../support/names.sh"

PARTS=6 # they wait more than they work

setup_file() {
    local part parts=()
    for part in $(seq "$PARTS"); do
        mkdir -p "$FILE/scenes$part"
        names_start "$FILE/names$part" registry.test=192.0.2.1 other.test=192.0.2.2 token.test=192.0.2.3 metadata.test=169.254.169.254
        names_run "$FILE/names$part" timeout 300 python3 "$CHECKOUT/tests/journeys/r_hostile_registry.py" "$FILE/scenes$part" "$BIN/archon-bundle" "$part/$PARTS" \
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

# row ID: it has cases, and all of them are good.
row() {
    local bad
    grep -q "^ok $1 " "$FILE/cases" || fail "$1 has no good case: $(tail -n 5 "$FILE/trouble")" || return 1
    bad=$(awk -v row="$1" '/^(not )?ok / { mine = /^not ok / && $3 == row } mine' "$FILE/cases")
    [ -z "$bad" ] || fail "$bad"
}

@test "the table was run to its end" {
    [ ! -s "$FILE/trouble" ] || fail "$(cat "$FILE/trouble")"
    equal "$(grep -c '^end: ' "$FILE/cases")" "$PARTS"
    echo "# $(grep -c '^ok' "$FILE/cases") cases" >&3
}

@test "R01 a token server on another host" { row R01; }
@test "R02 token servers that are no place to send a password to" { row R02; }
@test "R03 token servers inside" { row R03; }
@test "R04 what token servers answer" { row R04; }
@test "R05 redirects, and what is sent there" { row R05; }
@test "R06 redirects without an end or a place" { row R06; }
@test "R07 logins that fail, change or end" { row R07; }
@test "R08 foreign layers" { row R08; }
@test "R09 documents that are too large" { row R09; }
@test "R11 headers" { row R11; }
@test "R12 lengths that lie" { row R12; }
@test "R13 digests that lie" { row R13; }
@test "R15 documents of other types, and ambiguous ones" { row R15; }
@test "R16 indexes" { row R16; }
@test "R17 descriptors" { row R17; }
@test "R19 blobs of another digest" { row R19; }
@test "R20 compression" { row R20; }
@test "R21 contents of another digest" { row R21; }
@test "R23 lines that break" { row R23; }
@test "R24 servers that are busy" { row R24; }
@test "R25 TLS" { row R25; }
@test "R26 references" { row R26; }
@test "R27 tags that move" { row R27; }
@test "R28 what surrounds the run" { row R28; }
@test "R29 files with logins" { row R29; }
@test "R30 outputs" { row R30; }
@test "I01 platforms that differ" { row I01; }
@test "I03 configs" { row I03; }
@test "I08 volumes and users" { row I08; }
@test "I09 reserved labels" { row I09; }
@test "I10 shared layers" { row I10; }
