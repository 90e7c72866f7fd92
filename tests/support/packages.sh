# shellcheck shell=bash
# Installs what a part of the tests needs from Debian's own packages. Needs common.sh, root.

package_group() {
    case $1 in
    build) echo cmake ninja-build gcc g++ libc6-dev pkg-config python3 libssl-dev libcurl4-openssl-dev libarchive-dev libzstd-dev zlib1g-dev libisal-dev libpq-dev libcjson-dev libyaml-dev libcmocka-dev ;;
    clang) echo clang libclang-rt-dev llvm ;;
    lint) echo clang-format clang-tidy cppcheck shellcheck python3 python3-yaml python3-jsonschema ;;
    tools) echo ca-certificates curl openssl jq zstd tar xz-utils procps psmisc util-linux mount e2fsprogs iproute2 libarchive-tools python3 ;;
    engine) echo docker.io docker-compose iptables iproute2 ;;
    registry) echo docker-registry apache2-utils skopeo ;;
    podman) echo podman ;;
    proxy) echo tinyproxy ;;
    rpm) echo rpm ;;
    db) echo postgresql postgresql-client ;;
    bats) echo bats ;;
    bench) echo hyperfine time ;;
    newer) echo debootstrap debian-archive-keyring ;;
    *) die "package group $1 is unknown" ;;
    esac
}

packages_missing() {
    local package
    for package in "$@"; do
        [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || printf '%s\n' "$package"
    done
}

# Debian starts services on installation; tests start their own, with their own folders. Prints what to remove afterwards.
packages_hold_services() {
    local policy=/usr/sbin/policy-rc.d cluster=/etc/postgresql-common/createcluster.d/archon-tests.conf
    if [ ! -e "$policy" ]; then
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod 755 "$policy"
        printf '%s\n' "$policy"
    fi
    if [ ! -e /etc/postgresql-common ] && mkdir -p "${cluster%/*}"; then
        printf 'create_main_cluster = false\n' >"$cluster"
        printf '%s\n' "$cluster"
    fi
}

apt_quietly() {
    local log
    log=$(mktemp --tmpdir archon-apt.XXXXXX)
    if ! DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 "$@" >"$log" 2>&1; then
        tail -n 20 "$log" >&2
        rm -f "$log"
        die "apt-get $1: the package system refused, its last lines are above"
        return 1
    fi
    rm -f "$log"
}

apt_has_lists() { ls /var/lib/apt/lists/*_Packages* >/dev/null 2>&1; }

packages_install() {
    local held file status=0
    mapfile -t held < <(packages_hold_services)
    # Lists that are there may be too old: what they name is then gone from the archive.
    if ! apt_has_lists || ! apt_quietly install --no-install-recommends -y "$@" 2>/dev/null; then
        apt_quietly update && apt_quietly install --no-install-recommends -y "$@" || status=1
    fi
    for file in "${held[@]}"; do rm -f -- "$file"; done
    return "$status"
}

# packages GROUP...: idempotent, says what it installs, fails when anything stays missing.
packages() {
    local group words wanted=() missing
    for group in "$@"; do
        words=$(package_group "$group") || return 1
        # shellcheck disable=SC2206  # words it is
        wanted+=($words)
    done
    mapfile -t missing < <(packages_missing "${wanted[@]}")
    [ "${#missing[@]}" -gt 0 ] || return 0
    say "installing ${#missing[@]} Debian packages: ${missing[*]}"
    packages_install "${missing[@]}" || return 1
    mapfile -t missing < <(packages_missing "${wanted[@]}")
    [ "${#missing[@]}" -eq 0 ] || die "not installed: ${missing[*]}"
}

# debian_mirror: the archive this machine is set up for, as apt itself understands its sources.
debian_mirror() {
    local uri
    # shellcheck disable=SC2016  # apt's own words, not the shell's
    uri=$(apt-get indextargets --format '$(LABEL) $(REPO_URI)' 'Created-By: Packages' | awk '$1 == "Debian" && !uri { uri = $2 } END { print uri }')
    [ -n "$uri" ] || { die "apt knows no Debian archive: /etc/apt/sources.list has none, or apt-get update was never run"; return 1; }
    printf '%s\n' "$uri"
}

# apt_proxy: exports the proxy that apt uses, for programs that read the environment only.
apt_proxy() {
    local proxy=
    eval "$(apt-config shell proxy Acquire::http::Proxy)"
    [ -z "$proxy" ] || [ "$proxy" = DIRECT ] || export http_proxy=$proxy
}
