#!/bin/bash
# enter-root.sh ROOT WORK CHECKOUT COMMAND...: runs in a mount namespace made for it. With an empty ROOT this machine's own system stays,
# with /run and /opt of its own; otherwise ROOT becomes /, with the work folder and the checkout at their usual paths.
set -euo pipefail
root=$1 work=$2 checkout=$3
shift 3

own_folders() { for folder in "$@"; do mount -t tmpfs -o mode=755 tmpfs "$folder"; done; }

# Only what a fresh Debian has as folders; the root itself stays as it was for the next run.
enter() {
    local old
    mount --bind "$root" "$root"
    for folder in proc sys dev; do mount --rbind "/$folder" "$root/$folder"; done
    own_folders "$root/run" "$root/opt" "$root/tmp" "$root/mnt"
    chmod 1777 "$root/tmp"
    share "$work"
    share "$checkout"
    old=$root/mnt
    cd "$root"
    pivot_root . "$old"
    umount -l /mnt
}

share() {
    mkdir -p "$root$1"
    mount --rbind "$1" "$root$1"
}

if [ -n "$root" ]; then enter; else own_folders /run /opt; fi
exec "$@"
