#!/usr/bin/env bats
# Scan reports, the gate, and lists of packages: images with package databases of dpkg, apk and rpm, pushed to the real registry. This machine's own packages are one of them.
load helpers

setup_file() {
    packages rpm
    mkdir -p "$FILE/home" "$FILE/out"
    cache_hold
    registry_start "$REGISTRY"
    journey_start key
    cd "$FILE" || return 1
    make_debian
    make_alpine
    make_fedora
    make_attested
}

teardown_file() { journey_stop; }

# --- images ----------------------------------------------------------------------------------------------------------------------

# push NAME FOLDER... [-- OPTION...]: one layer for each folder.
push() {
    local name=$1
    shift
    python3 "$CHECKOUT/tests/journeys/layers.py" "$FILE/layout-$name" "$@" || return 1
    skopeo copy -q --all --preserve-digests --dest-tls-verify=false "oci:$FILE/layout-$name" "docker://$(registry_host "$REGISTRY")/os/$name:1"
}

# An old state below, this machine's own above.
make_debian() {
    mkdir -p debian-0/var/lib/dpkg debian-0/usr/lib debian-0/etc debian-1/var/lib/dpkg
    printf 'Package: only-below\nStatus: install ok installed\nVersion: 1\nArchitecture: all\n' >debian-0/var/lib/dpkg/status
    cp /usr/lib/os-release debian-0/usr/lib/
    ln -s ../usr/lib/os-release debian-0/etc/os-release
    cp /var/lib/dpkg/status debian-1/var/lib/dpkg/status
    push debian debian-0 debian-1
}

# The database in a layer, one package less in the next one, a package of another manager that a third one removes.
make_alpine() {
    mkdir -p alpine-0/lib/apk/db alpine-0/etc alpine-0/var/lib/dpkg/status.d alpine-1/lib/apk/db alpine-2/var/lib
    printf 'ID=alpine\nVERSION_ID=3.19.1\n' >alpine-0/etc/os-release
    printf 'P:musl\nV:1.2.4-r4\nA:x86_64\n\nP:curl\nV:8.5.0-r0\nA:x86_64\n\n' >alpine-0/lib/apk/db/installed
    printf 'Package: gone\nVersion: 1\nArchitecture: all\n' >alpine-0/var/lib/dpkg/status.d/gone
    printf 'P:musl\nV:1.2.5-r0\nA:x86_64\n\n' >alpine-1/lib/apk/db/installed
    : >alpine-2/var/lib/.wh.dpkg
    push alpine alpine-0 alpine-1 alpine-2
}

# A package made by rpmbuild, in a database made by rpm.
make_fedora() {
    mkdir -p rpm fedora-0/var/lib/rpm fedora-0/etc
    printf 'Name: tool\nEpoch: 2\nVersion: 1.4\nRelease: 3.fc40\nSummary: s\nLicense: MIT\n%%description\nd\n%%files\n' >rpm/tool.spec
    HOME=$FILE/home rpmbuild -bb --quiet --define "_topdir $FILE/rpm" --define '_source_payload w0.gzdio' --target x86_64 rpm/tool.spec >"$FILE/out/rpm" 2>&1 || fail "$(cat "$FILE/out/rpm")"
    rpm --dbpath "$FILE/fedora-0/var/lib/rpm" --install --justdb --nodeps --noscripts rpm/RPMS/x86_64/*.rpm
    printf 'ID=fedora\nVERSION_ID=40\n' >fedora-0/etc/os-release
    push fedora fedora-0
}

make_attested() {
    mkdir -p attested-0/srv
    printf 'hello\n' >attested-0/srv/file
    printf '{"_type":"https://in-toto.io/Statement/v0.1","subject":[],"predicateType":"https://spdx.dev/Document","predicate":{"spdxVersion":"SPDX-2.3"}}' >statement.json
    push attested attested-0 --attest statement.json
}

image() { printf '%s/os/%s:1\n' "$(registry_host "$REGISTRY")" "$1"; }

# create ARG...: of all four images, $FILE/os.bundle.tar.zst.
create() {
    bundler create --key "$FILE/release.key" "${KEEP:---cache=$FILE/blobs}" --version 1.0.0 --no-loader -o "$FILE/os.bundle.tar.zst" "$@"
}
create_all() { create "$@" "$(image debian)" "$(image alpine)" "$(image fedora)" "$(image attested)"; }

member() { bundler cat "$FILE/os.bundle.tar.zst" "$1"; }

packages_of() { python3 "$CHECKOUT/tests/journeys/cyclonedx.py" packages "$FILE/sbom.json" "$(image "$1")"; }

make_sbom() {
    works create_all --sbom "$@" || return 1
    member reports/sbom.cdx.json >"$FILE/sbom.json"
}

# report NAME SEVERITY [DIGEST]: Trivy's JSON about the Debian image, or another digest.
report() {
    local config
    config=${3:-$(skopeo inspect --raw --tls-verify=false "docker://$(image debian)" | jq -r .config.digest)}
    jq -n --arg severity "$2" --arg id "$config" --arg name "$(image debian)" '{SchemaVersion: 2, ArtifactName: $name, ArtifactType: "container_image", Metadata: {ImageID: $id},
        Results: [{Target: "debian", Class: "os-pkgs", Type: "debian", Vulnerabilities: [
            {VulnerabilityID: "CVE-2024-0001", PkgName: "libssl3", InstalledVersion: "3.0.11", FixedVersion: "3.0.13", Status: "fixed", Severity: $severity},
            {VulnerabilityID: "CVE-2011-3374", PkgName: "apt", InstalledVersion: "2.6.1", Severity: "LOW"}]}]}' >"$FILE/$1"
}

setup() { rm -f "$FILE/os.bundle.tar.zst"; }

# --- lists of packages -----------------------------------------------------------------------------------------------------------

@test "the SBOM lists what dpkg-query lists" {
    make_sbom
    # shellcheck disable=SC2016  # dpkg-query's words
    dpkg-query -W -f '${db:Status-Status} ${Package} ${Version} ${Architecture}\n' | sed -n -e '/^not-installed /d' -e '/^config-files /d' -e 's/^[^ ]* //p' | LC_ALL=C sort -u >"$FILE/wanted"
    packages_of debian | LC_ALL=C sort >"$FILE/found"
    [ "$(wc -l <"$FILE/wanted")" -gt 50 ]
    diff -u "$FILE/wanted" "$FILE/found"
    grep -q "distro=$(. /usr/lib/os-release && echo "$ID-$VERSION_ID")" "$FILE/sbom.json"
}

@test "of apk the topmost database, without what a layer removed" {
    make_sbom
    equal "$(packages_of alpine)" "musl 1.2.5-r0 x86_64"
    grep -q '"purl": "pkg:apk/alpine/musl@1.2.5-r0?arch=x86_64&distro=alpine-3.19.1"' "$FILE/sbom.json"
}

@test "of rpm what rpm says, where rpm is" {
    make_sbom
    equal "$(packages_of fedora)" "tool 2:1.4-3.fc40 x86_64"
    grep -q '"purl": "pkg:rpm/fedora/tool@1.4-3.fc40?arch=x86_64&distro=fedora-40&epoch=2"' "$FILE/sbom.json"
}

# Only /usr/bin/rpm is hidden, in a mount namespace of this command.
@test "without rpm its images are named, never passed over" {
    [ -x /usr/bin/rpm ]
    without_rpm() { unshare --mount sh -c 'mount --bind /dev/null /usr/bin/rpm && exec "$@"' sh "$BIN/archon-bundle" create --key "$FILE/release.key" --cache "$FILE/blobs" \
        --version 1.0.0 --no-loader -o "$FILE/os.bundle.tar.zst" --sbom "$(image fedora)" "$(image alpine)"; }
    works without_rpm
    tells "$(image fedora).*packages of rpm are not in the SBOM"
    works bundler inspect "$FILE/os.bundle.tar.zst"
    says "$(image fedora).*packages of rpm were not read"
    member reports/sbom.cdx.json >"$FILE/sbom.json"
    python3 "$CHECKOUT/tests/journeys/cyclonedx.py" check "$FILE/sbom.json"
    equal "$(jq -r '.compositions[] | select(.aggregate == "unknown") | .dependencies[0]' "$FILE/sbom.json")" "image/0"
}

@test "the SBOM is CycloneDX, and the same whatever the number of threads, with a cache or without" {
    make_sbom --jobs 1
    python3 "$CHECKOUT/tests/journeys/cyclonedx.py" check "$FILE/sbom.json"
    cp "$FILE/os.bundle.tar.zst" "$FILE/first"
    make_sbom --jobs 7
    cmp "$FILE/os.bundle.tar.zst" "$FILE/first"
    KEEP=--no-cache make_sbom
    cmp "$FILE/os.bundle.tar.zst" "$FILE/first"
    works bundler verify --deep "$FILE/os.bundle.tar.zst" --trust "$FILE/release.pub"
    python3 "$CHECKOUT/tests/reader/read_bundle.py" verify "$FILE/os.bundle.tar.zst" --deep --trust "$FILE/release.pub"
}

@test "reports made from layers stand behind the data" {
    make_sbom
    bundler list "$FILE/os.bundle.tar.zst" --json | jq -r '.members[].name' >"$FILE/names"
    equal "$(tail -n 4 "$FILE/names")" $'data/00000.bin\nreports/sbom.cdx.json\nreports/summary.json\nlayers.bin'
}

@test "a broken database is an error that names the image; without --sbom the image is packed" {
    mkdir -p "$FILE/broken-0/var/lib/dpkg"
    printf 'Status: install ok installed\nVersion: 1\n' >"$FILE/broken-0/var/lib/dpkg/status"
    push broken "$FILE/broken-0"
    refused 22 "$(image broken).*var/lib/dpkg/status: line 1" create --sbom "$(image broken)"
    [ ! -e "$FILE/os.bundle.tar.zst" ]
    works create "$(image broken)"
}

# --- SBOMs that came along -------------------------------------------------------------------------------------------------------

@test "an SBOM beside an image travels unchanged and is told of" {
    works create_all
    works bundler inspect "$FILE/os.bundle.tar.zst"
    says "$(image attested) \(linux/amd64\)  SPDX, images/3/"
    bundler inspect "$FILE/os.bundle.tar.zst" --json >"$FILE/inspect"
    member "$(jq -r '.sboms[0].member' "$FILE/inspect")" | cmp - "$FILE/statement.json"
    equal "$(jq '.sboms | length' "$FILE/inspect")" 1
}

# --- the gate --------------------------------------------------------------------------------------------------------------------

@test "a report is packed byte for byte and told of" {
    report trivy.json HIGH
    works create --scan-report "$FILE/trivy.json" "$(image debian)" "$(image alpine)"
    says '1 HIGH, 1 LOW; 1 can be fixed'
    tells "no scan report is about $(image alpine) \(linux/amd64\)"
    member reports/trivy.json | cmp - "$FILE/trivy.json"
    works bundler inspect "$FILE/os.bundle.tar.zst"
    says 'reports/trivy.json  Trivy \(Trivy JSON\) of .*os/debian:1$'
    says "none about $(image alpine)"
    bundler inspect "$FILE/os.bundle.tar.zst" --json >"$FILE/inspect"
    equal "$(jq -c '.scan_reports[0] | [.match, .findings.high, .findings.low, .fixable, .targets[0].name]' "$FILE/inspect")" '["digest",1,1,1,"debian"]'
    works loader_inspect
    says '1 HIGH, 1 LOW'
}

# On the other side of the gap.
loader_inspect() {
    mkdir -p "$SITE"
    "$BIN/archon-load" trust add --root "$SITE" "$FILE/release.pub" >/dev/null && "$BIN/archon-load" inspect --root "$SITE" "$FILE/os.bundle.tar.zst"
}

@test "--fail-on refuses with 12 what is as bad or worse, and nothing is fetched" {
    report trivy.json CRITICAL
    rm -rf "$FILE/blobs"
    refused 12 '1 finding at or above CRITICAL, the worst: CVE-2024-0001 \(CRITICAL\) libssl3 3.0.11 in debian' create --fail-on CRITICAL --scan-report "$FILE/trivy.json" "$(image debian)"
    [ ! -e "$FILE/os.bundle.tar.zst" ]
    [ ! -d "$FILE/blobs/sha256" ] || [ -z "$(ls -A "$FILE/blobs/sha256")" ]
    refused 12 '2 findings at or above LOW' create --fail-on low --scan-report "$FILE/trivy.json" "$(image debian)"
    report trivy.json HIGH
    works create --fail-on CRITICAL --scan-report "$FILE/trivy.json" "$(image debian)"
}

@test "a report about another image is no gate" {
    report trivy.json LOW "sha256:$(printf other | sha256sum | cut -d ' ' -f 1)"
    refused 12 'which is no image of this bundle' create --fail-on CRITICAL --scan-report "$FILE/trivy.json" "$(image debian)"
    works create --scan-report "$FILE/trivy.json" "$(image debian)"
    tells 'which is no image of this bundle'
}

@test "a gate needs a report, and a report its shape" {
    refused 2 '--fail-on without a scan report' create --fail-on CRITICAL "$(image debian)"
    printf '{"results":[]}' >"$FILE/x.json"
    refused 3 'neither Trivy' create --scan-report "$FILE/x.json" "$(image debian)"
}

@test "reports of bundle.yaml, in each dialect" {
    mkdir -p "$FILE/def/scans"
    report trivy.json MEDIUM
    cp "$FILE/trivy.json" "$FILE/def/scans/"
    cp "$CHECKOUT/tests/fuzz/corpus/scan/grype.json" "$CHECKOUT/tests/fuzz/corpus/scan/trivy.sarif" "$FILE/def/scans/"
    printf 'name: os\nversion: 1.0.0\nimages: [%s]\nreports: [scans]\n' "$(image debian)" >"$FILE/def/bundle.yaml"
    works create -f "$FILE/def/bundle.yaml"
    says 'reports/grype.json  grype 0.74.7 \(Grype JSON\)'
    says 'reports/trivy.sarif  Trivy 0.50.1 \(SARIF\)'
    refused 12 'at or above CRITICAL' create -f "$FILE/def/bundle.yaml" --fail-on CRITICAL
}
