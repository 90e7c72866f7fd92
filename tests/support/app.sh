# shellcheck shell=bash
# The demo application as an author's folder, and its later versions. Needs common.sh.

# app_copy DIR [NAME]: version 1.0.0; NAME is its stream and project.
app_copy() {
    mkdir -p "$1"
    cp -r "$SUPPORT_DIR"/app/{bundle.yaml,compose.yaml,config,sql} "$1/"
    [ -z "${2:-}" ] || sed -i "s/^name: .*/name: $2/" "$1/bundle.yaml"
}

# app_version DIR VERSION API: another version of the definition, with another API image.
app_version() {
    sed -i "s/^version: .*/version: $2/" "$1/bundle.yaml"
    sed -i "s,/shop/api:.*,/shop/api:$3," "$1/compose.yaml"
}

# app_upgrade DIR: version 1.1.0, another API image and one more migration.
app_upgrade() {
    app_version "$1" 1.1.0 1.1.0
    cp "$SUPPORT_DIR"/app/upgrade/*.sql "$1/sql/"
}

# app_break DIR: version 1.2.0, whose API never gets healthy.
app_break() { app_version "$1" 1.2.0 1.2.0-broken; }
