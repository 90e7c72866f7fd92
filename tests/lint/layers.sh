#!/bin/sh
# Include lines name the folder; each folder may include only those that tests/lint/layers.txt allows.
cd "$1" || exit 1
find common certs embed bundler loader -name '*.c' -o -name '*.h' | LC_ALL=C sort | xargs awk '
    FNR == NR { if ($0 !~ /^#/) { known[$1] = 1; for (i = 1; i <= NF; i++) may[$1, $i] = 1 } next }
    /^#include "/ {
        split($2, q, "\""); to = q[2]; n_files++
        if (to !~ /\//) { printf "%s:%d: include %s names no folder\n", FILENAME, FNR, to; bad = 1; next }
        sub("/[^/]*$", "", to); sub("^.*/", "", to)
        at = FILENAME; sub("/[^/]*$", "", at); sub("^.*/", "", at)
        if (!(at in known)) { printf "%s: folder %s is not in layers.txt\n", FILENAME, at; bad = 1 }
        if (!((at, to) in may)) { printf "%s:%d: %s may not include %s\n", FILENAME, FNR, at, to; bad = 1 }
    }
    END { if (n_files == 0) { print "no include line was read"; bad = 1 } exit bad }' tests/lint/layers.txt
