#!/bin/sh
# tidy.sh BUILD [FILE...]: clang-tidy (.clang-tidy) and cppcheck over the code; a finding is a failure. BUILD is a configured tree with compile_commands.json.
# Takes some minutes for all files. A finding that is wrong is answered where it stands, // NOLINT(check) or // cppcheck-suppress check, with the reason.
build=$(realpath "$1") && cd "$(dirname "$0")/../.." || exit 1
shift
[ -f "$build/compile_commands.json" ] || { echo "$build: holds no compile_commands.json"; exit 1; }
[ $# -gt 0 ] || set -- $(find common certs bundler loader embed -name '*.c' | LC_ALL=C sort)
bad=0
# err.c defines what analyzer.h redefines.
tidy() { clang-tidy -p "$build" --quiet "$@" 2>/dev/null || bad=1; }
for file; do
    case $file in
    */base/err.c) tidy "$file" ;;
    *) tidy --extra-arg=-include --extra-arg="$PWD/tests/lint/analyzer.h" "$file" ;;
    esac
done
# cppcheck takes the variable that TAKE() clears for the value that it gives, and printing into an array for reading it.
cppcheck --quiet --enable=warning,portability --std=c11 --inline-suppr --error-exitcode=1 -I common -I . \
    -D_GNU_SOURCE -D__x86_64__ -DARCHON_FAULTS=0 '-DARCHON_VERSION="0"' \
    --suppress=missingIncludeSystem --suppress=nullPointer --suppress=ctuuninitvar --suppress=unmatchedSuppression "$@" || bad=1
exit $bad
