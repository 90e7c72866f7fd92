#!/bin/sh
# Every .c file ends its includes with base/banned.h, no file has a goto, and no state is kept outside functions' callers: the variables that are neither
# const nor local are the three named below.
cd "$1" || exit 1
bad=0
complain() { echo "$1"; bad=1; }
for file in $(find common certs bundler loader embed -name '*.c'); do
    last=$(grep -E '^[[:space:]]*#[[:space:]]*include' "$file" | tail -n 1)
    [ "$last" = '#include "base/banned.h"' ] || complain "$file: base/banned.h is not its last include"
done
grep -rnE '\bgoto\b[^"]*;' common certs bundler loader embed --include='*.c' --include='*.h' && complain "goto"
# log.c: the one writer. start.c: what a signal handler may touch. digest.c: an algorithm that is looked up once.
state=$(grep -rnE '^[[:space:]]*(static|_Thread_local|__thread)[[:space:]]' common certs bundler loader embed --include='*.c' --include='*.h' |
    grep -vE '\(|\bconst\b|^common/base/log\.c:[0-9]+:static struct \{|stop_signal;')
[ -z "$state" ] || complain "state: $state"
exit $bad
