# shellcheck shell=bash
# The demo application's images, made from Debian's packages by the real `docker build` and pushed by the real `docker push`; nothing is
# pulled. What is kept is the registry's storage folder, in the cache, under a name that follows from the recipe: later runs start a
# read-only registry on it. Needs common.sh; groups tools, engine, registry; for the mixed ones also podman.
#
#   images_storage        prints the storage folder (made on first use): shop/db:1.0.0 shop/web:1.0.0 shop/api:1.0.0, :1.1.0, :1.2.0-broken
#                         tools/tiny:1 (one static program), :2 (same, other page), :1-oci, :1-zstd (same image in other encodings)
#   mixed_storage         prints the folder with a few dozen tiny images of different make in storage/, and their list in list (make-mixed)

IMAGES_RECIPES=$SUPPORT_DIR/app/images

# skopeo and podman remember which compressed blob is which content, and would take the one that the registry has in place of the one that is
# asked for: each run begins without a memory.
without_memory() {
    # shellcheck disable=SC2016  # the inner shell's own words
    unshare --mount --propagation private sh -c 'mkdir -p /var/lib/containers && mount -t tmpfs tmpfs /var/lib/containers && exec "$@"' sh "$@"
}

skopeo_copy() { without_memory skopeo copy -q --src-tls-verify=false --dest-tls-verify=false --insecure-policy "$@"; }

# images_make PROGRAM FOLDER NAME: has WORK/FOLDER made by that program and stores it under the name.
images_make() {
    local program=$1 folder=$2 name=$3 work status=0
    cached "$name" >/dev/null && return 0
    say "making images: $program"
    work=$(mktemp -d "$CACHE_DIR/images.XXXXXX")
    chmod 755 "$work"
    "$SUPPORT_DIR/$program" "$work" || status=1
    if [ "$status" -eq 0 ]; then
        # Sets of other recipes may be in use by another checkout today, not for weeks.
        find "$CACHE_DIR" -maxdepth 1 -name "${name%-*}-*" -mtime +14 -exec rm -rf {} +
        cache_store "$work/$folder" "$name"
    fi
    rm -rf -- "$work"
    return "$status"
}

images_storage() {
    local name
    name=images-$(recipe_hash "$SUPPORT_DIR/make-images" "$IMAGES_RECIPES"/*/*)
    cached "$name" >/dev/null || cache_locked images_make make-images storage "$name" || return 1
    cached "$name"
}

mixed_storage() {
    local name
    name=mixed-$(recipe_hash "$SUPPORT_DIR/make-mixed" "$SUPPORT_DIR/put_odd_images.py" "$SUPPORT_DIR/played_registry.py" "$SUPPORT_DIR/registry_api.py")
    cached "$name" >/dev/null || cache_locked images_make make-mixed out "$name" || return 1
    cached "$name"
}
