#!/usr/bin/env bats
# Images arrive in a real engine exactly as the registry has them, and what is there already is not sent again.
load helpers

setup_file() {
    journey_start registry engine key certs shop
}

teardown_file() { journey_stop; }

setup() { site_reset; }

# image_id NAME: what the registry says is the image's id on a classic store.
image_id() {
    skopeo inspect --tls-verify=false --raw "docker://$(registry_host "$REGISTRY")/$1" | jq -r .config.digest
}

@test "every image has the id, the layers and the name that the registry gave it" {
    site_reset images
    works site load-images "$FILE/shop-1.0.0.bundle.tar.zst"
    local image
    for image in shop/db:1.0.0 shop/api:1.0.0 shop/web:1.0.0; do
        equal "$(on_engine image inspect --format '{{.Id}}' "$(registry_host "$REGISTRY")/$image")" "$(image_id "$image")"
    done
    equal "$(on_engine images -q | sort -u | wc -l)" 3
}

@test "a loaded image runs" {
    works site load-images "$FILE/shop-1.0.0.bundle.tar.zst"
    on_engine run --rm --network none --entrypoint /usr/lib/postgresql/15/bin/postgres "$(registry_host "$REGISTRY")/shop/db:1.0.0" --version | grep -q 'PostgreSQL) 15'
}

@test "loading again changes nothing" {
    works site load-images "$FILE/shop-1.0.0.bundle.tar.zst"
    engine_world >"$FILE/first"
    works site load-images "$FILE/shop-1.0.0.bundle.tar.zst"
    engine_world | cmp - "$FILE/first"
}

@test "layers that images share come first, without a name, and nothing of that is left" {
    site_reset images
    works site load-images --verbose "$FILE/shop-1.0.0.bundle.tar.zst"
    grep -q 'base sha256:[0-9a-f]*: removed' "$FILE/stderr"
    equal "$(on_engine images --all --quiet --filter dangling=true)" ""
    equal "$(on_engine images --quiet | sort -u | wc -l)" 3
}

@test "loading takes less than 128 MiB of memory" {
    local options
    mapfile -t options < <(site_options)
    site_reset images
    works python3 "$SUPPORT_DIR/peak_rss.py" "$FILE/rss" "$BIN/archon-load" load-images "${options[@]}" "$FILE/shop-1.0.0.bundle.tar.zst"
    [ "$(cat "$FILE/rss")" -le $((128 * 1024)) ]
}

@test "what is there is not read; of what is missing everything is verified before anything is sent" {
    local damaged=$FILE/damaged.bundle.tar.zst image left
    image=$(registry_host "$REGISTRY")/shop/api:1.0.0
    works site load-images "$FILE/shop-1.0.0.bundle.tar.zst"
    cp "$FILE/shop-1.0.0.bundle.tar.zst" "$damaged"
    printf 'damage' | dd of="$damaged" bs=1 seek=$(($(stat -c %s "$damaged") / 2)) conv=notrunc status=none
    works site load-images "$damaged"
    grep -q 'all images are there already' "$FILE/stderr"
    refused 13 'chunk [0-9]+ of [0-9]+ at offset [0-9]+ is damaged' loader verify --root "$SITE" "$damaged"
    on_engine rmi "$image" >/dev/null
    works site load-images "$damaged" # the damage is in a layer that is there
    equal "$(on_engine image inspect --format '{{.Id}}' "$image")" "$(image_id shop/api:1.0.0)"
    site_reset images
    left=$(on_engine images --all --quiet)
    refused 13 'chunk [0-9]+ of [0-9]+ at offset [0-9]+ is damaged' site load-images "$damaged"
    equal "$(on_engine images --all --quiet)" "$left"
}

@test "an image whose tag points elsewhere gets its tag back" {
    works site load-images "$FILE/shop-1.0.0.bundle.tar.zst"
    on_engine tag "$(registry_host "$REGISTRY")/shop/web:1.0.0" "$(registry_host "$REGISTRY")/shop/api:1.0.0"
    works site load-images "$FILE/shop-1.0.0.bundle.tar.zst"
    equal "$(on_engine image inspect --format '{{.Id}}' "$(registry_host "$REGISTRY")/shop/api:1.0.0")" "$(image_id shop/api:1.0.0)"
}

@test "with the base there already, a missing image is completed" {
    works site load-images "$FILE/shop-1.0.0.bundle.tar.zst"
    on_engine rmi "$(registry_host "$REGISTRY")/shop/api:1.0.0" >/dev/null
    works site load-images "$FILE/shop-1.0.0.bundle.tar.zst"
    equal "$(on_engine image inspect --format '{{.Id}}' "$(registry_host "$REGISTRY")/shop/api:1.0.0")" "$(image_id shop/api:1.0.0)"
}

@test "no engine at that socket: one line" {
    refused 30 "nothing.sock" loader load-images --root "$SITE" --engine "$FILE/nothing.sock" "$FILE/shop-1.0.0.bundle.tar.zst"
}

@test "verify needs no engine and no root, and changes nothing" {
    unchanged works loader verify --root "$SITE" "$FILE/shop-1.0.0.bundle.tar.zst"
    unchanged works loader verify --root "$SITE" --deep "$FILE/shop-1.0.0.bundle.tar.zst"
}

@test "plan says what would be loaded and changes nothing" {
    site_reset images
    unchanged works site plan "$FILE/shop-1.0.0.bundle.tar.zst" --set SITE_NAME=Plan --ca "$FILE/ca/ca.pem" --ssl-cert "$FILE/site-tls.crt" --ssl-key "$FILE/site-tls.key"
    says shop/db:1.0.0
}
