# shellcheck shell=bash
# Small images and the documents that cosign puts beside them, made with openssl and pushed with curl: there is no cosign in Debian. The shapes are those of its
# specifications (SIGNATURE_SPEC, BUNDLE_SPEC). Needs common.sh. HOST is 127.0.0.1:PORT of a registry that takes pushes without a password; REPO a repository.
#
#   signing_key KIND FILE                         FILE (private) and FILE.pub; p256, rsa2048, rsa3072, ed25519
#   push_image HOST REPO TAG TEXT                 an index of linux/amd64 and linux/arm64; prints its digest
#   platform_digest HOST REPO TAG ARCHITECTURE
#   cosign_payload DIGEST IDENTITY                what a classic signature signs
#   cosign_sign KEY HOST REPO DIGEST [IDENTITY]   the tag sha256-....sig; IDENTITY: the repository that the payload names
#   cosign_attest KEY HOST REPO DIGEST            the tag sha256-....att with an in-toto statement
#   cosign_sign_bundle KEY HOST REPO DIGEST [PREDICATE]   a Sigstore bundle, listed in the tag sha256-... as for registries without the referrers API

OCI=application/vnd.oci.image
PAYLOAD_TYPE=application/vnd.dev.cosign.simplesigning.v1+json
BUNDLE_TYPE=application/vnd.dev.sigstore.bundle.v0.3+json
SIGN_PREDICATE=https://sigstore.dev/cosign/sign/v1

signing_key() {
    case $1 in
    p256) openssl ecparam -name prime256v1 -genkey -noout -out "$2" ;;
    rsa*) openssl genrsa -out "$2" "${1#rsa}" 2>/dev/null ;;
    ed25519) openssl genpkey -algorithm ed25519 -out "$2" ;;
    esac && openssl pkey -in "$2" -pubout -out "$2.pub" && chmod 644 "$2.pub"
}

# sign_bytes KEY FILE: the signature in base64. Ed25519 signs the bytes, the others their SHA-256.
sign_bytes() {
    if openssl pkey -in "$1" -noout -text | grep -q ED25519; then
        openssl pkeyutl -sign -inkey "$1" -rawin -in "$2" | base64 -w 0
    else
        openssl dgst -sha256 -sign "$1" "$2" | base64 -w 0
    fi
}

file_digest() { printf 'sha256:%s' "$(sha256sum "$1" | cut -d ' ' -f 1)"; }

# push_blob HOST REPO FILE
push_blob() {
    local location
    location=$(curl -fsS -X POST -D - -o /dev/null "http://$1/v2/$2/blobs/uploads/" | tr -d '\r' | sed -n 's/^[Ll]ocation: //p')
    curl -fsS -X PUT -H 'Content-Type: application/octet-stream' --data-binary "@$3" -o /dev/null "$location&digest=$(file_digest "$3")"
}

# push_manifest HOST REPO NAME FILE: with the type that the document has.
push_manifest() {
    curl -fsS -X PUT -H "Content-Type: $(jq -r .mediaType "$4")" --data-binary "@$4" -o /dev/null "http://$1/v2/$2/manifests/$3"
}

# descriptor TYPE FILE
descriptor() { jq -nc --arg type "$1" --arg digest "$(file_digest "$2")" --argjson size "$(stat -c %s "$2")" '{mediaType: $type, digest: $digest, size: $size}'; }

# push_artifact HOST REPO NAME TYPE CONFIG MORE FILE LAYER...: a manifest whose one layer is FILE; MORE is merged into the manifest, LAYER into the layer.
push_artifact() {
    local host=$1 repo=$2 name=$3 type=$4 config=$5 more=$6 file=$7 layer=${8:-{\}} work
    work=$(mktemp -d)
    printf '%s' "$config" >"$work/config"
    push_blob "$host" "$repo" "$work/config"
    push_blob "$host" "$repo" "$file"
    jq -nc --argjson config "$(descriptor "$OCI.config.v1+json" "$work/config")" --argjson layer "$(descriptor "$type" "$file")" --argjson note "$layer" --argjson more "$more" \
        --arg type "$OCI.manifest.v1+json" '{schemaVersion: 2, mediaType: $type, config: $config, layers: [$layer + $note]} + $more' | tr -d '\n' >"$work/manifest"
    [ "$name" != - ] || name=$(file_digest "$work/manifest")
    push_manifest "$host" "$repo" "$name" "$work/manifest"
    descriptor "$OCI.manifest.v1+json" "$work/manifest"
    rm -rf -- "$work"
}

# push_platform HOST REPO ARCHITECTURE TEXT: prints the descriptor for an index.
push_platform() {
    local work
    work=$(mktemp -d)
    printf '%s for %s\n' "$4" "$3" >"$work/file"
    tar -C "$work" --sort=name --owner=0 --group=0 --mtime=@0 -cf "$work/tar" file
    gzip -n <"$work/tar" >"$work/layer"
    jq -nc --arg arch "$3" --arg id "$(file_digest "$work/tar")" '{architecture: $arch, os: "linux", config: {}, rootfs: {type: "layers", diff_ids: [$id]}}' >"$work/config"
    push_artifact "$1" "$2" - "$OCI.layer.v1.tar+gzip" "$(cat "$work/config")" '{}' "$work/layer" | jq -c --arg arch "$3" '. + {platform: {os: "linux", architecture: $arch}}'
    rm -rf -- "$work"
}

push_image() {
    local work
    work=$(mktemp -d)
    { push_platform "$1" "$2" amd64 "$4" && push_platform "$1" "$2" arm64 "$4"; } |
        jq -sc --arg type "$OCI.index.v1+json" '{schemaVersion: 2, mediaType: $type, manifests: .}' >"$work/index"
    push_manifest "$1" "$2" "$3" "$work/index"
    file_digest "$work/index"
    rm -rf -- "$work"
}

platform_digest() {
    curl -fsS -H "Accept: $OCI.index.v1+json" "http://$1/v2/$2/manifests/$3" | jq -r --arg arch "$4" '.manifests[] | select(.platform.architecture == $arch) | .digest'
}

cosign_payload() {
    printf '{"critical":{"identity":{"docker-reference":"%s"},"image":{"docker-manifest-digest":"%s"},"type":"cosign container image signature"},"optional":null}' "$2" "$1"
}

cosign_sign() {
    local work
    work=$(mktemp -d)
    cosign_payload "$4" "${5:-$2/$3}" >"$work/payload"
    push_artifact "$2" "$3" "${4/:/-}.sig" "$PAYLOAD_TYPE" '{"architecture":"","created":"0001-01-01T00:00:00Z","history":[{"created":"0001-01-01T00:00:00Z"}],"os":"","rootfs":{"type":"layers","diff_ids":[]},"config":{}}' '{}' \
        "$work/payload" "$(jq -nc --arg sig "$(sign_bytes "$1" "$work/payload")" '{annotations: {"dev.cosignproject.cosign/signature": $sig}}')" >/dev/null
    rm -rf -- "$work"
}

# statement DIGEST PREDICATE
statement() {
    printf '{"_type":"https://in-toto.io/Statement/v1","subject":[{"digest":{"sha256":"%s"},"annotations":{}}],"predicateType":"%s","predicate":{}}' "${1#sha256:}" "$2"
}

# envelope KEY STATEMENT-FILE: DSSE.
envelope() {
    local type=application/vnd.in-toto+json
    { printf 'DSSEv1 %d %s %d ' "${#type}" "$type" "$(stat -c %s "$2")" && cat "$2"; } >"$2.pae"
    jq -nc --arg payload "$(base64 -w 0 <"$2")" --arg type "$type" --arg sig "$(sign_bytes "$1" "$2.pae")" '{payload: $payload, payloadType: $type, signatures: [{sig: $sig}]}'
}

cosign_attest() {
    local work
    work=$(mktemp -d)
    statement "$4" https://slsa.dev/provenance/v1 >"$work/statement"
    envelope "$1" "$work/statement" >"$work/envelope"
    push_artifact "$2" "$3" "${4/:/-}.att" application/vnd.dsse.envelope.v1+json '{}' '{}' "$work/envelope" \
        '{"annotations":{"dev.cosignproject.cosign/signature":"","predicateType":"https://slsa.dev/provenance/v1"}}' >/dev/null
    rm -rf -- "$work"
}

cosign_sign_bundle() {
    local work predicate=${5:-$SIGN_PREDICATE} more
    work=$(mktemp -d)
    statement "$4" "$predicate" >"$work/statement"
    envelope "$1" "$work/statement" |
        jq -c --arg type "$BUNDLE_TYPE" '{mediaType: $type, verificationMaterial: {publicKey: {hint: "hint"}, tlogEntries: []}, dsseEnvelope: .}' | tr -d '\n' >"$work/bundle"
    more=$(jq -nc --arg type "$BUNDLE_TYPE" --arg subject "$4" --arg index "$OCI.index.v1+json" --arg predicate "$predicate" \
        '{artifactType: $type, subject: {mediaType: $index, digest: $subject, size: 1}, annotations: {"dev.sigstore.bundle.content": "dsse-envelope", "dev.sigstore.bundle.predicateType": $predicate}}')
    push_artifact "$2" "$3" - "$BUNDLE_TYPE" '{}' "$more" "$work/bundle" |
        jq -c --arg type "$OCI.index.v1+json" --arg artifact "$BUNDLE_TYPE" '{schemaVersion: 2, mediaType: $type, manifests: [. + {artifactType: $artifact}]}' >"$work/list"
    push_manifest "$2" "$3" "${4/:/-}" "$work/list"
    rm -rf -- "$work"
}
