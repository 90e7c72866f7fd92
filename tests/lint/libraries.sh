#!/bin/sh
# libraries.sh PROGRAM README: the packages that README wants on a host without a network have every library that the released loader is linked with. Debian's
# names; those of Debian 13 that end in t64 count as those of 12.
export LC_ALL=C
program=$1 readme=$2 bad=0 n=0
[ -f "$program" ] && [ -f "$readme" ] || { echo "usage: libraries.sh PROGRAM README"; exit 1; }
listed=$(sed -n '/on Debian 12 the packages `/,/`/p' "$readme" | tr '\n`' '  ')
for library in $(readelf -dW "$program" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p'); do
    [ "$library" != libc.so.6 ] || continue
    n=$((n + 1))
    path=$(ldd "$program" | awk -v name="$library" '$1 == name { print $3 }')
    package=$(dpkg-query -S "$(realpath "$path")" "/usr$path" "$path" 2>/dev/null | sed -n '1s/[:,].*//p')
    case " $listed " in
    *" ${package%t64} "*) [ -n "$package" ] && continue ;;
    esac
    echo "$readme: the host lacks ${package:-a package}, which has $library"
    bad=1
done
[ "$n" -gt 0 ] || { echo "$program: is linked with nothing"; exit 1; }
exit $bad
