# shellcheck shell=bash
# The demo application's images, made from Debian's packages by the real `docker build` and pushed by the real `docker push`; nothing is
# pulled. What is kept is the registry's storage folder, in the cache, under a name that follows from the recipe: later runs start a
# read-only registry on it. Needs common.sh; groups tools, engine, registry.
#
#   images_storage        prints the storage folder (made on first use): shop/db:1.0.0 shop/web:1.0.0 shop/api:1.0.0, :1.1.0, :1.2.0-broken
#                         tools/tiny:1 (one static program), :2 (same, other page), :1-oci, :1-zstd (same image in other encodings)

IMAGES_RECIPES=$SUPPORT_DIR/app/images

images_make() {
    local name=$1 work status=0
    cached "$name" >/dev/null && return 0
    say "making the images of the demo application from Debian packages"
    work=$(mktemp -d "$CACHE_DIR/images.XXXXXX")
    chmod 755 "$work"
    "$SUPPORT_DIR/make-images" "$work" || status=1
    if [ "$status" -eq 0 ]; then
        # Sets of other recipes may be in use by another checkout today, not for weeks.
        find "$CACHE_DIR" -maxdepth 1 -name 'images-*' -mtime +14 -exec rm -rf {} +
        cache_store "$work/storage" "$name"
    fi
    rm -rf -- "$work"
    return "$status"
}

images_storage() {
    local name
    name=images-$(recipe_hash "$SUPPORT_DIR/make-images" "$IMAGES_RECIPES"/*/*)
    cached "$name" >/dev/null || cache_locked images_make "$name" || return 1
    cached "$name"
}
