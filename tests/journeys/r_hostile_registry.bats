#!/usr/bin/env bats
# What registries and images may answer and must not get away with: the rows R and I of the matrix of hostile inputs, one test each. The cases are
# in r_hostile_registry.py; all of them run once, in networks of their own where nothing is on loopback, and each test looks at its row's.
load helpers
# shellcheck source=/dev/null disable=SC2154
. "$here/../support/names.sh"
# shellcheck source=/dev/null
. "$here/../support/scenes.sh"

setup_file() {
    # They wait more than they work: six beside each other.
    scenes_play 6 "$CHECKOUT/tests/journeys/r_hostile_registry.py" registry.test=192.0.2.1 other.test=192.0.2.2 token.test=192.0.2.3 metadata.test=169.254.169.254
}

teardown_file() { scenes_end; }

@test "the table was run to its end" {
    scenes_complete
    echo "# $(grep -c '^ok' "$FILE/cases") cases" >&3
}

@test "R01 a token server on another host" { scenes_row R01; }
@test "R02 token servers that are no place to send a password to" { scenes_row R02; }
@test "R03 token servers inside" { scenes_row R03; }
@test "R04 what token servers answer" { scenes_row R04; }
@test "R05 redirects, and what is sent there" { scenes_row R05; }
@test "R06 redirects without an end or a place" { scenes_row R06; }
@test "R07 logins that fail, change or end" { scenes_row R07; }
@test "R08 foreign layers" { scenes_row R08; }
@test "R09 documents that are too large" { scenes_row R09; }
@test "R11 headers" { scenes_row R11; }
@test "R12 lengths that lie" { scenes_row R12; }
@test "R13 digests that lie" { scenes_row R13; }
@test "R15 documents of other types, and ambiguous ones" { scenes_row R15; }
@test "R16 indexes" { scenes_row R16; }
@test "R17 descriptors" { scenes_row R17; }
@test "R19 blobs of another digest" { scenes_row R19; }
@test "R20 compression" { scenes_row R20; }
@test "R21 contents of another digest" { scenes_row R21; }
@test "R23 lines that break" { scenes_row R23; }
@test "R24 servers that are busy" { scenes_row R24; }
@test "R25 TLS" { scenes_row R25; }
@test "R26 references" { scenes_row R26; }
@test "R27 tags that move" { scenes_row R27; }
@test "R28 what surrounds the run" { scenes_row R28; }
@test "R29 files with logins" { scenes_row R29; }
@test "R30 outputs" { scenes_row R30; }
@test "I01 platforms that differ" { scenes_row I01; }
@test "I03 configs" { scenes_row I03; }
@test "I08 volumes and users" { scenes_row I08; }
@test "I09 reserved labels" { scenes_row I09; }
@test "I10 shared layers" { scenes_row I10; }
