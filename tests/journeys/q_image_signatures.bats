#!/usr/bin/env bats
# Images that are signed, not signed, and signed by somebody else; signatures travel with them.
load helpers
# shellcheck source=/dev/null
. "$BATS_TEST_DIRNAME/../support/cosign.sh"

setup_file() {
    local kind
    mkdir -p "$FILE/home"
    registry_start "$REGISTRY"
    journey_start key
    for kind in p256 rsa2048 rsa3072 ed25519; do signing_key "$kind" "$FILE/$kind"; done
    signing_key p256 "$FILE/stranger"
    push_image "$(host)" team/unsigned 1 unsigned >/dev/null
    push_image "$(host)" team/web 1 web >"$FILE/web.digest"
    cosign_sign "$FILE/p256" "$(host)" team/web "$(cat "$FILE/web.digest")"
}

teardown_file() { journey_stop; }

setup() { rm -rf "$FILE/out.bundle.tar.zst" "$FILE/blobs" "$FILE/app" "$FILE/there"; }

host() { registry_host "$REGISTRY"; }

# create IMAGE ARG...; plan likewise.
create() { bundler create "$(host)/$1" --version 1.0.0 --no-loader --key "$FILE/release.key" --cache "$FILE/blobs" -o "$FILE/out.bundle.tar.zst" "${@:2}"; }
plan() { bundler plan "$(host)/$1" --version 1.0.0 --cache "$FILE/blobs" "${@:2}"; }

nothing_made() { [ -z "$(find "$FILE" -maxdepth 1 -name 'out.bundle*')" ] || fail "something was left"; }

# there MEMBER: a member of the bundle, in $FILE/there.
there() {
    works bundler cat "$FILE/out.bundle.tar.zst" "$1"
    cp "$FILE/stdout" "$FILE/there"
}

# kept_as REPO NAME MEMBER: the member has exactly the bytes that the registry has under that manifest's name.
kept_as() {
    there "$3"
    curl -fsS -H "Accept: $OCI.manifest.v1+json" "http://$(host)/v2/$1/manifests/$2" | cmp - "$FILE/there"
}

# definition VERIFY...: an application of both images.
definition() {
    mkdir -p "$FILE/app/keys"
    cp "$FILE/p256.pub" "$FILE/app/keys/team.pub"
    cp "$FILE/stranger.pub" "$FILE/app/keys/stranger.pub"
    printf 'name: two\nversion: 1.0.0\nimages:\n  - %s/team/web:1\n  - %s/team/unsigned:1\nverify:\n' "$(host)" "$(host)" >"$FILE/app/bundle.yaml"
    printf '  - %s\n' "$@" >>"$FILE/app/bundle.yaml"
}

pack() { bundler create -f "$FILE/app/bundle.yaml" --no-loader --key "$FILE/release.key" --cache "$FILE/blobs" -o "$FILE/out.bundle.tar.zst" "$@"; }

@test "signed by each kind of key" {
    local kind digest
    for kind in p256 rsa2048 rsa3072 ed25519; do
        digest=$(push_image "$(host)" "kinds/$kind" 1 "$kind")
        cosign_sign "$FILE/$kind" "$(host)" "kinds/$kind" "$digest"
        works plan "kinds/$kind:1" --cosign-key "$FILE/$kind.pub"
        says "signed by the key $FILE/$kind.pub \(tag\): $digest"
        refused 11 "kinds/$kind:1 \($digest\): not signed by $FILE/stranger.pub: 1 signature .*is by none of the keys" plan "kinds/$kind:1" --cosign-key "$FILE/stranger.pub"
    done
}

@test "signature, payload and attestation travel as they are" {
    local digest
    digest=$(push_image "$(host)" team/travel 1 travel)
    cosign_sign "$FILE/p256" "$(host)" team/travel "$digest"
    cosign_attest "$FILE/stranger" "$(host)" team/travel "$digest"
    works create team/travel:1 --cosign-key "$FILE/p256.pub"
    tells "team/travel:1 is signed by the key $FILE/p256.pub \(tag sha256-"
    kept_as team/travel "${digest/:/-}.sig" images/0/signature-0/manifest.json
    kept_as team/travel "${digest/:/-}.att" images/0/attestation-0/manifest.json
    there images/0/signature-0/payload-0.json
    equal "$(cat "$FILE/there")" "$(cosign_payload "$digest" "$(host)/team/travel")"
    equal "$(jq -r '.layers[0].digest' <(bundler cat "$FILE/out.bundle.tar.zst" images/0/signature-0/manifest.json))" "$(file_digest "$FILE/there")"
    works bundler verify "$FILE/out.bundle.tar.zst" --trust "$FILE/release.pub" --deep
}

@test "what travelled is checked again with openssl alone" {
    works create team/web:1 --cosign-key "$FILE/p256.pub"
    there images/0/signature-0/payload-0.json
    bundler cat "$FILE/out.bundle.tar.zst" images/0/signature-0/manifest.json | jq -r '.layers[0].annotations["dev.cosignproject.cosign/signature"]' | base64 -d >"$FILE/home/sig"
    openssl dgst -sha256 -verify "$FILE/p256.pub" -signature "$FILE/home/sig" "$FILE/there"
    equal "$(jq -r '.critical.image["docker-manifest-digest"]' "$FILE/there")" "sha256:$(bundler cat "$FILE/out.bundle.tar.zst" images/0/index.json | sha256sum | cut -d ' ' -f 1)"
}

@test "without a cache, and from a lock file" {
    definition "{ prefix: \"$(host)/team/web\", cosign: keys/team.pub }"
    works pack
    sha256sum <"$FILE/out.bundle.tar.zst" >"$FILE/home/first"
    works bundler create -f "$FILE/app/bundle.yaml" --no-loader --key "$FILE/release.key" --no-cache -o "$FILE/out.bundle.tar.zst" --locked
    equal "$(sha256sum <"$FILE/out.bundle.tar.zst")" "$(cat "$FILE/home/first")"
    tells "team/web:1 is signed by the key keys/team.pub"
}

@test "unsigned: no bundle, and plan says so too" {
    refused 11 "team/unsigned:1 \(sha256:[0-9a-f]{64}\): is not signed: no tag sha256-[0-9a-f]{64}.sig and no referrer" create team/unsigned:1 --cosign-key "$FILE/p256.pub"
    tells "hint: cosign sign --key cosign.key $(host)/team/unsigned@sha256:"
    nothing_made
    refused 11 "is not signed" plan team/unsigned:1 --cosign-key "$FILE/p256.pub" --cosign-key "$FILE/rsa2048.pub"
    works create team/unsigned:1
}

@test "a signature of the platforms alone is enough for those that are packed" {
    local digest
    digest=$(push_image "$(host)" team/platforms 1 platforms)
    cosign_sign "$FILE/p256" "$(host)" team/platforms "$(platform_digest "$(host)" team/platforms 1 amd64)"
    works create team/platforms:1 --platform linux/amd64 --cosign-key "$FILE/p256.pub"
    refused 11 "is signed for some platforms only: no signature by .* on the index or on sha256:[0-9a-f]{64} \(linux/arm64\)" \
        plan team/platforms:1 --platform linux/amd64,linux/arm64 --cosign-key "$FILE/p256.pub"
    cosign_sign "$FILE/p256" "$(host)" team/platforms "$(platform_digest "$(host)" team/platforms 1 arm64)"
    works plan team/platforms:1 --platform linux/amd64,linux/arm64 --cosign-key "$FILE/p256.pub"
    equal "$(grep -c 'signed by the key' "$FILE/stdout")" 2
    cosign_sign "$FILE/p256" "$(host)" team/platforms "$digest"
    works plan team/platforms:1 --platform linux/amd64,linux/arm64 --cosign-key "$FILE/p256.pub"
    equal "$(grep -c 'signed by the key' "$FILE/stdout")" 1
}

@test "signatures of other images and repositories, put beside this one" {
    local digest
    digest=$(push_image "$(host)" team/replay 1 replay)
    curl -fsS -H "Accept: $OCI.manifest.v1+json" "http://$(host)/v2/team/web/manifests/$(sed 's/:/-/' "$FILE/web.digest").sig" >"$FILE/home/stolen"
    curl -fsS "http://$(host)/v2/team/web/blobs/$(jq -r '.layers[0].digest' "$FILE/home/stolen")" >"$FILE/home/payload"
    curl -fsS "http://$(host)/v2/team/web/blobs/$(jq -r .config.digest "$FILE/home/stolen")" >"$FILE/home/config"
    push_blob "$(host)" team/replay "$FILE/home/payload"
    push_blob "$(host)" team/replay "$FILE/home/config"
    push_manifest "$(host)" team/replay "${digest/:/-}.sig" "$FILE/home/stolen"
    refused 11 "is for $(cat "$FILE/web.digest"), another image" plan team/replay:1 --cosign-key "$FILE/p256.pub"
    cosign_sign "$FILE/p256" "$(host)" team/replay "$digest" "$(host)/team/web"
    refused 11 "was made for $(host)/team/web, expected $(host)/team/replay" plan team/replay:1 --cosign-key "$FILE/p256.pub"
}

@test "a bundle of the newer form, listed in the tag for referrers" {
    local digest
    digest=$(push_image "$(host)" team/newer 1 newer)
    cosign_sign_bundle "$FILE/p256" "$(host)" team/newer "$digest" https://slsa.dev/provenance/v1
    refused 11 "is not signed" plan team/newer:1 --cosign-key "$FILE/p256.pub"
    cosign_sign_bundle "$FILE/p256" "$(host)" team/newer "$digest"
    refused 11 "is by none of the keys" plan team/newer:1 --cosign-key "$FILE/stranger.pub"
    works plan team/newer:1 --cosign-key "$FILE/p256.pub" --json
    equal "$(jq -c '.images[0].signatures' "$FILE/stdout")" "[{\"key\":\"$FILE/p256.pub\",\"subject\":\"$digest\",\"found\":\"referrers\",\"form\":\"sigstore-bundle\"}]"
    works create team/newer:1 --cosign-key "$FILE/p256.pub"
    there images/0/signature-0/payload-0.json
    equal "$(jq -r .mediaType "$FILE/there")" "$BUNDLE_TYPE"
}

@test "verify: in the definition decides by prefix" {
    definition "{ prefix: \"$(host)/team/web\", cosign: keys/team.pub }"
    works bundler lint -f "$FILE/app/bundle.yaml"
    works pack
    tells "team/web:1 is signed by the key keys/team.pub"
    refused 11 "team/unsigned:1 .* expected one by $FILE/p256.pub" pack --cosign-key "$FILE/p256.pub"
    definition "{ prefix: \"$(host)/team/\", cosign: keys/team.pub }"
    refused 11 "team/unsigned:1 .*is not signed" pack
    definition "{ prefix: \"$(host)/team/\", cosign: keys/team.pub }" "{ prefix: \"$(host)/team/web\", cosign: keys/stranger.pub }"
    refused 11 "team/web:1 .*not signed by keys/stranger.pub" pack
}

@test "entries of verify: that would check nothing, or with what is no key" {
    definition '{ prefix: "registry.exampel/", cosign: keys/team.pub }'
    refused 3 "verify: prefix registry.exampel covers no image" bundler lint -f "$FILE/app/bundle.yaml"
    refused 3 "verify: prefix registry.exampel covers no image" pack
    definition "{ prefix: \"$(host)/\", cosign: keys/none.pub }"
    refused 3 "keys/none.pub" bundler lint -f "$FILE/app/bundle.yaml"
    definition "{ prefix: \"$(host)/\", cosign: keys/team.pub }"
    cp "$FILE/p256" "$FILE/app/keys/team.pub"
    refused 3 "keys/team.pub: is a .*PRIVATE KEY, expected one PUBLIC KEY block" bundler lint -f "$FILE/app/bundle.yaml"
    nothing_made
}

@test "a copy of an image, signed as what it was copied from" {
    local digest
    digest=$(push_image "$(host)" mirror/app 1 original)
    cosign_sign "$FILE/p256" "$(host)" mirror/app "$digest" vendor.example/app
    mkdir -p "$FILE/app"
    cp "$FILE/p256.pub" "$FILE/app/vendor.pub"
    printf 'name: copy\nversion: 1.0.0\nimages: ["%s/mirror/app:1"]\nverify:\n  - { prefix: "%s/mirror/", cosign: vendor.pub, signed_as: vendor.example }\n' "$(host)" "$(host)" >"$FILE/app/bundle.yaml"
    works pack
    sed -i 's/, signed_as: vendor.example//' "$FILE/app/bundle.yaml"
    refused 11 "was made for vendor.example/app, expected $(host)/mirror/app" pack
}

@test "what lies beside images that nobody asks about travels, too, unless it is not wanted" {
    works create team/web:1
    works bundler list "$FILE/out.bundle.tar.zst"
    says "images/0/signature-0/payload-0.json"
    works create team/web:1 --attestations skip
    works bundler list "$FILE/out.bundle.tar.zst"
    run ! grep signature- "$FILE/stdout"
}
