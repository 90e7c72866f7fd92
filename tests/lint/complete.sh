#!/bin/sh
# complete.sh SOURCE BUILD: every unit test and fuzz target on disk is a test of the build, and every target has something to replay.
cd "$1" || exit 1
bad=0
tests=$(ctest --test-dir "$2" -N) || exit 1
check() { # NAME FILE
    printf '%s\n' "$tests" | grep -qE ": $1\$" || { echo "$2: no CMakeLists.txt names it ($1)"; bad=1; }
}
for file in tests/unit/*/test_*.c; do
    name=${file##*/test_}
    check "unit.${name%.c}" "$file"
done
for file in tests/fuzz/fuzz_*.c; do
    name=${file##*/fuzz_}; name=${name%.c}
    check "fuzz.$name" "$file"
    [ -n "$(ls "tests/fuzz/corpus/$name" 2>/dev/null)" ] || { echo "tests/fuzz/corpus/$name: is empty"; bad=1; }
done
exit $bad
