#!/bin/sh
# Only archon-bundle shows a bundle that nobody has signed. The word that allows it stands where it is defined and in the bundler: nothing that
# archon-load is made of may say it.
cd "$1" || exit 1
bad=0
for file in common/bundle/index.h common/bundle/index.c; do
    grep -qw is_unproven "$file" || { echo "$file: is_unproven is gone, this test looks for nothing"; bad=1; }
done
for file in $(grep -rlw is_unproven common certs embed loader --include='*.c' --include='*.h'); do
    case $file in common/bundle/index.[ch]) ;; *) echo "$file: may not say is_unproven"; bad=1 ;; esac
done
exit $bad
