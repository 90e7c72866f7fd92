#!/bin/sh
# Each foreign library has few, named doors: tests/lint/doors.txt names each foreign header and exactly the files that include it. A name that ends in / stands
# for every header below that folder. What belongs to C, POSIX and the kernel is everybody's.
cd "$1" || exit 1
found=$(mktemp) || exit 1
trap 'rm -f "$found"' EXIT
# "header file" of every include line; a space before the name, or before the sign, changes nothing.
grep -rE '^[[:space:]]*#[[:space:]]*include[[:space:]]*<' common certs embed bundler loader --include='*.c' --include='*.h' |
    sed -E 's/^([^:]*):[^<]*<([^>]*)>.*/\2 \1/' | LC_ALL=C sort -u >"$found"
awk '
    BEGIN {
        n = split("arpa linux net netinet sys", part, " ")
        for (i = 1; i <= n; i++) everybody[part[i] "/"] = 1
        n = split("assert ctype dirent errno fcntl fnmatch glob inttypes limits locale math netdb poll pwd grp regex sched signal " \
                  "stdalign stdarg stdatomic stdbool stddef stdint stdio stdlib stdnoreturn string strings termios time unistd", part, " ")
        for (i = 1; i <= n; i++) everybody[part[i] ".h"] = 1
    }
    function said(text) { print text; bad = 1 }
    FNR == NR {
        if ($0 ~ /^#/ || NF == 0) next
        if (NF == 1) said("doors.txt: " $1 " has no door")
        listed[$1] = 1
        for (i = 2; i <= NF; i++) door[$1, $i] = 1
        next
    }
    {
        n_includes++
        header = $1; file = $2
        folder = header; if (!sub("/.*", "/", folder)) folder = ""
        if (header in everybody || (folder in everybody)) next
        row = (header in listed) ? header : folder
        if (!(row in listed)) said(file ": <" header "> is not in doors.txt")
        else if (!((row, file) in door)) said(file ": may not include <" header ">")
        else used[row, file] = 1
    }
    END {
        for (pair in door) if (!(pair in used)) { split(pair, q, SUBSEP); said("doors.txt: " q[2] " does not include <" q[1] ">") }
        if (n_includes < 100) said("no include lines were read")
        exit bad
    }' tests/lint/doors.txt "$found"
