#!/bin/bash
# tidy.sh BUILD [FILE...]: clang-tidy (.clang-tidy) and cppcheck over the code; a finding is a failure. BUILD is a configured tree with compile_commands.json.
# Takes some minutes for all files. A finding that is wrong is answered where it stands, // NOLINT(check) or // cppcheck-suppress check, with the reason.
build=$(realpath "$1") && cd "$(dirname "$0")/../.." || exit 1
shift
[ -f "$build/compile_commands.json" ] || { echo "$build: holds no compile_commands.json"; exit 1; }
if [ $# -eq 0 ]; then mapfile -t files < <(find common certs bundler loader embed -name '*.c' | LC_ALL=C sort); set -- "${files[@]}"; fi
bad=0
# err.c defines what analyzer.h redefines.
tidy() {
    case $1 in
    */base/err.c) clang-tidy -p "$build" --quiet "$1" 2>/dev/null ;;
    *) clang-tidy -p "$build" --quiet --extra-arg=-include --extra-arg="$PWD/tests/lint/analyzer.h" "$1" 2>/dev/null ;;
    esac
}
export -f tidy
export build
printf '%s\0' "$@" | xargs -0 -n 1 -P "$(nproc)" bash -c 'tidy "$1"' tidy || bad=1
# cppcheck takes the variable that TAKE() clears for the value that it gives, and printing into an array for reading it.
cppcheck --quiet -j "$(nproc)" --enable=warning,portability --std=c11 --inline-suppr --error-exitcode=1 -I common -I . \
    -D_GNU_SOURCE -D__x86_64__ -DARCHON_FAULTS=0 '-DARCHON_VERSION="0"' \
    --suppress=missingIncludeSystem --suppress=nullPointer --suppress=ctuuninitvar --suppress=unmatchedSuppression "$@" || bad=1
exit $bad
