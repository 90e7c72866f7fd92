# shellcheck shell=bash
# Tables of cases that a program plays in networks of its own, where nothing is on loopback: all of them run once, in parts beside each other, and
# each test of the file looks at its rows. The program prints "ok ROW ..." or "not ok ROW ..." for each case, and "end: ..." when it was through.
# Needs common.sh, names.sh and the journeys' words ($FILE, $BIN, fail, equal).
#
#   scenes_play PARTS PROGRAM ADDRESS...   PROGRAM FOLDER ARCHON-BUNDLE PART/PARTS, with these names and addresses
#   scenes_end
#   scenes_row ROW                         it has cases, and all of them are good
#   scenes_complete                        every part was run to its end

scenes_play() {
    local part parts=() program=$2
    printf '%s\n' "$1" >"$FILE/parts"
    shift 2
    for part in $(seq "$(cat "$FILE/parts")"); do
        mkdir -p "$FILE/scenes$part"
        names_start "$FILE/names$part" "$@"
        names_run "$FILE/names$part" timeout 300 python3 "$program" "$FILE/scenes$part" "$BIN/archon-bundle" "$part/$(cat "$FILE/parts")" \
            >"$FILE/cases$part" 2>"$FILE/trouble$part" 3>&- 4>&- &
        parts+=($!)
    done
    for part in "${parts[@]}"; do wait "$part" || true; done
    cat "$FILE"/cases[0-9]* >"$FILE/cases"
    cat "$FILE"/trouble[0-9]* >"$FILE/trouble"
}

scenes_end() {
    local part
    for part in $(seq "$(cat "$FILE/parts")"); do names_stop "$FILE/names$part"; done
    rm -rf -- "$FILE"
}

scenes_row() {
    local bad
    grep -q "^ok $1 " "$FILE/cases" || fail "$1 has no good case: $(tail -n 5 "$FILE/trouble")" || return 1
    bad=$(awk -v row="$1" '/^(not )?ok / { mine = /^not ok / && $3 == row } mine' "$FILE/cases")
    [ -z "$bad" ] || fail "$bad"
}

scenes_complete() {
    [ ! -s "$FILE/trouble" ] || fail "$(cat "$FILE/trouble")"
    equal "$(grep -c '^end: ' "$FILE/cases")" "$(cat "$FILE/parts")"
}
