#!/bin/sh
# Functions fit on a screen and files have one subject. Tells functions of more than 70 lines and files of more than 400;
# fails on a function of more than 80. A function's lines are those from its name to its closing brace.
cd "$1" || exit 1
find common certs bundler loader embed tests -name '*.[ch]' | LC_ALL=C sort | xargs awk '
    function end_file() { if (n_lines > 400) printf "%s: %d lines, 400 are many\n", file, n_lines }
    FNR == 1 { end_file(); file = FILENAME; inside = 0; begin = 1 }
    { n_lines = FNR }
    /^[a-z].*\(/ && !inside { begin = FNR; name = $0; sub(/\(.*/, "", name); sub(/.*[ *]/, "", name) }
    /^\{/ { inside = 1 }
    /^\}/ && inside {
        inside = 0; n_functions++
        n = FNR - begin + 1
        if (n > 80) { printf "%s:%d: %s has %d lines, at most 80\n", FILENAME, begin, name, n; bad = 1 }
        else if (n > 70) printf "%s:%d: %s has %d lines, 70 are many\n", FILENAME, begin, name, n
    }
    END { end_file(); if (n_functions < 100) { print "no functions were found"; bad = 1 } exit bad }'
