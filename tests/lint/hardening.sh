#!/bin/sh
# hardening.sh PROGRAM...: released programs are what the flags promise. A program that is missing is a failure.
# Position independent; no writable and executable memory; relocations done at start and then read-only; stack protector and fortified
# functions in use; no search path for libraries and no relocation of code.
export LC_ALL=C
bad=0
[ $# -gt 0 ] || { echo "no program is named"; exit 1; }
command -v readelf >/dev/null || { echo "readelf is missing"; exit 1; }
for program; do
    complain() { echo "$program: $1"; bad=1; }
    [ -f "$program" ] || { complain "is missing"; continue; }
    header=$(readelf -hW "$program") && segments=$(readelf -lW "$program") && dynamic=$(readelf -dW "$program") &&
        symbols=$(readelf -W --dyn-syms "$program") || { complain "is no program"; continue; }
    has() { printf '%s\n' "$1" | grep -qE "$2"; }
    has "$header" 'Type: +DYN' && has "$dynamic" '\(FLAGS_1\).*\bPIE\b' || complain "is not position independent (-pie)"
    has "$segments" '^ *GNU_STACK .* RW +0x' || complain "its stack may be executed (-z noexecstack)"
    ! has "$segments" '^ *LOAD .* RWE ' || complain "has memory that is writable and executable"
    has "$segments" '^ *GNU_RELRO ' || complain "has no read-only relocations (-z relro)"
    has "$dynamic" '\(BIND_NOW\)|\(FLAGS\).*BIND_NOW' || complain "binds functions late (-z now)"
    has "$symbols" ' UND __stack_chk_fail(@|$)' || complain "has no stack protector"
    has "$symbols" ' UND __(memcpy|snprintf|vsnprintf|fprintf)_chk(@|$)' || complain "has no fortified function (_FORTIFY_SOURCE)"
    ! has "$dynamic" '\((RPATH|RUNPATH)\)' || complain "names a folder to load libraries from"
    ! has "$dynamic" '\(TEXTREL\)' || complain "relocates its code"
done
exit $bad
