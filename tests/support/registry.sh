# shellcheck shell=bash
# A real docker-registry on a free loopback port, everything below one folder. Needs common.sh.
#
#   registry_start DIR [--storage STORAGE] [--read-only] [--netns NAME] [--tls CERT KEY] [--login USER PASSWORD] [--proxy URL]
#                      [--client-ca CA]      who has no certificate of that authority is not let in
#                      [--token REALM CERT]  tokens of token_server.py: where they are given, and its signer.pem
#                      [--names DIR ADDRESS:PORT]   in a network of names.sh
#   registry_host DIR     ADDRESS:PORT
#   registry_stop DIR

registry_config() {
    local dir=$1
    [ -z "$6" ] || printf 'proxy: {remoteurl: "%s"}\n' "$6"
    printf 'version: 0.1\nlog: {level: info, accesslog: {disabled: false}}\n'
    printf 'storage:\n  filesystem: {rootdirectory: "%s"}\n  delete: {enabled: true}\n' "$2"
    [ "$3" = no ] || printf '  maintenance: {readonly: {enabled: true}}\n'
    printf 'http:\n  addr: %s\n  secret: tests\n' "${7:-127.0.0.1:0}"
    [ -z "$4" ] || printf '  tls: {certificate: "%s", key: "%s"%s}\n' "$4" "$5" "$([ ! -e "$dir/client-ca.pem" ] || printf ', clientcas: ["%s/client-ca.pem"]' "$dir")"
    [ ! -e "$dir/realm" ] || printf 'auth:\n  token: {realm: "%s", service: registry, issuer: tests, rootcertbundle: "%s/signer.pem"}\n' "$(cat "$dir/realm")" "$dir"
    [ ! -e "$dir/htpasswd" ] || printf 'auth:\n  htpasswd: {realm: tests, path: "%s/htpasswd"}\n' "$dir"
}

registry_start() {
    local dir=$1 storage=$1/storage read_only=no cert='' key='' proxy='' address='' network=() names_entry=()
    shift
    mkdir -p "$dir"
    while [ $# -gt 0 ]; do
        case $1 in
        --storage) storage=$2 && shift ;;
        --read-only) read_only=yes ;;
        --netns) network=(nsenter "--net=/run/netns/$2") && shift ;;
        --tls) cert=$2 key=$3 && shift 2 ;;
        --proxy) proxy=$2 && shift ;; # a mirror that fetches what it does not have from there
        --client-ca) cp "$2" "$dir/client-ca.pem" && shift ;;
        --token) printf '%s\n' "$2" >"$dir/realm" && cp "$3" "$dir/signer.pem" && shift 2 ;;
        --names) names_words "$2" && network=("${names_entry[@]}") address=$3 && shift 2 ;;
        --login) htpasswd -Bbn "$2" "$3" >"$dir/htpasswd" && shift 2 ;;
        *) die "registry_start: unknown option $1" || return 1 ;;
        esac
        shift
    done
    registry_config "$dir" "$storage" "$read_only" "$cert" "$key" "$proxy" "$address" >"$dir/config.yml"
    : >"$dir/log"
    spawn "$dir/pid" "$dir/log" "${network[@]}" docker-registry serve "$dir/config.yml"
    if ! wait_for 20 registry_listens "$dir"; then
        tail -n 5 "$dir/log" >&2
        die "the registry did not start, its last lines are above"
    fi
}

# The kernel chose the port; the registry's log tells which.
registry_listens() {
    sed -n 's/.*listening on \([0-9.]*:[0-9]*\).*/\1/p' "$1/log" | tail -n 1 | grep . >"$1/host"
}

registry_host() { cat "$1/host"; }

registry_stop() { [ ! -e "$1/pid" ] || stop_pid "$1/pid"; }
