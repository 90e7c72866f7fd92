#!/bin/sh
# Each foreign library has few, named doors. OpenSSL's are whole files below certs/ and common/format/digest.c.
cd "$1" || exit 1
bad=0
check() { # header, allowed files...
    header=$1; shift
    for file in $(grep -rlF "#include <$header>" common certs embed bundler loader --include='*.c' --include='*.h'); do
        case " $* " in *" $file "*) ;; *) echo "$file: may not include <$header>"; bad=1 ;; esac
    done
}
while read -r header files; do
    case $header in ''|'#'*) continue ;; esac
    # shellcheck disable=SC2086
    check "$header" $files
done < tests/lint/doors.txt
for file in $(grep -rlE '#include <openssl/' common certs embed bundler loader --include='*.c' --include='*.h'); do
    case $file in certs/*.c|common/format/digest.c) ;; *) echo "$file: may not include OpenSSL"; bad=1 ;; esac
done
exit $bad
