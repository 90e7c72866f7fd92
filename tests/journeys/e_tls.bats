#!/usr/bin/env bats
# Services show the site's certificate, trust the site's authority, and a wrong certificate changes nothing.
load helpers

setup_file() { journey_start registry engine key certs shop; }
teardown_file() { journey_stop; }
setup() { site_reset; }

bundle() { printf '%s/shop-1.0.0.bundle.tar.zst\n' "$FILE"; }

# with_tls CA CERT KEY: the install command with these files.
with_tls() { site install "$(bundle)" --ca "$1" --ssl-cert "$2" --ssl-key "$3" --set SITE_NAME=Journey --yes; }

@test "the page comes by HTTPS with the site's authority as the only one trusted, and not without it" {
    works install_shop "$(bundle)"
    equal "$(services shop)" "$SHOP_HEALTHY"
    fetch https://shop.example:8443/ | grep -q '<li>lantern</li>'
    run ! daemon_net "$ENGINE" curl -fsS --noproxy '*' --max-time 10 --resolve shop.example:8443:127.0.0.1 https://shop.example:8443/
    daemon_net "$ENGINE" openssl s_client -connect 127.0.0.1:8443 -servername shop.example </dev/null 2>/dev/null |
        openssl x509 -noout -fingerprint -sha256 >"$FILE/shown"
    openssl x509 -in "$FILE/site-tls.crt" -noout -fingerprint -sha256 | cmp - "$FILE/shown"
}

@test "a service trusts another one through the authority, because its environment says so" {
    works install_shop "$(bundle)"
    fetch https://shop.example:8443/trust | grep -q '"trusted": true'
    local service id variable
    for service in api web; do
        id=$(on_engine ps -q --filter "label=com.docker.compose.service=$service")
        for variable in SSL_CERT_FILE REQUESTS_CA_BUNDLE CURL_CA_BUNDLE NODE_EXTRA_CA_CERTS PGSSLROOTCERT GIT_SSL_CAINFO; do
            on_engine inspect --format '{{range .Config.Env}}{{println .}}{{end}}' "$id" | grep -q "^$variable=/" || fail "$service has no $variable"
        done
        # shellcheck disable=SC2016  # the variable is the container's
        on_engine exec "$id" sh -c 'cat "$SSL_CERT_FILE"' >"$FILE/in-$service.pem"
        grep -qF -- "$(sed -n 2p "$FILE/ca/ca.pem")" "$FILE/in-$service.pem" || fail "$service does not have the site's authority"
    done
}

@test "the mounted files are read-only, and the key is for the owner of the service only" {
    works install_shop "$(bundle)"
    local web
    web=$(on_engine ps -q --filter label=com.docker.compose.service=web)
    run ! on_engine exec "$web" sh -c 'echo x >>/run/tls/tls.crt'
    # shellcheck disable=SC2016  # the variable is the container's
    run ! on_engine exec "$web" sh -c 'echo x >>"$SSL_CERT_FILE"'
    run find "$SITE" -name '*.key' -perm /077
    equal "$output" ""
}

@test "a certificate that is no authority, given as one" {
    unchanged refused 3 "CA" with_tls "$FILE/site-tls.crt" "$FILE/site-tls.crt" "$FILE/site-tls.key"
}

@test "an authority file that holds a private key" {
    cat "$FILE/ca/ca.pem" "$FILE/ca/ca.key" >"$FILE/both.pem"
    unchanged refused 3 "private key" with_tls "$FILE/both.pem" "$FILE/site-tls.crt" "$FILE/site-tls.key"
}

@test "a key that belongs to another certificate" {
    make_certificate "$FILE/ca" "$FILE/other" DNS:shop.example
    unchanged refused 3 "key" with_tls "$FILE/ca/ca.pem" "$FILE/site-tls.crt" "$FILE/other.key"
}

@test "a certificate of another authority" {
    make_ca "$FILE/foreign-ca" "Foreign CA"
    make_certificate "$FILE/foreign-ca" "$FILE/foreign" "DNS:shop.example,DNS:$(hostname)"
    unchanged refused 3 "foreign.crt" with_tls "$FILE/ca/ca.pem" "$FILE/foreign.crt" "$FILE/foreign.key"
}

# A certificate whose days are over: the small certificate authority of openssl can write any dates.
make_expired() {
    make_certificate "$FILE/ca" "$1" "DNS:shop.example,DNS:$(hostname)"
    openssl req -new -key "$1.key" -subj /CN=shop.example -out "$1.csr"
    mkdir -p "$FILE/authority"
    : >"$FILE/authority/index.txt"
    printf "[ca]\ndefault_ca = d\n[d]\ndatabase = %s\nnew_certs_dir = %s\npolicy = p\ndefault_md = sha256\nunique_subject = no\nrand_serial = yes\n[p]\ncommonName = supplied\n" \
        "$FILE/authority/index.txt" "$FILE/authority" >"$FILE/authority/ca.cnf"
    openssl ca -batch -notext -config "$FILE/authority/ca.cnf" -cert "$FILE/ca/ca.pem" -keyfile "$FILE/ca/ca.key" -startdate 20200101000000Z -enddate 20210101000000Z \
        -extfile <(printf "%s\n" basicConstraints=critical,CA:FALSE "subjectAltName=DNS:shop.example,DNS:$(hostname)") -in "$1.csr" -out "$1.crt" 2>/dev/null
}

@test "a certificate that is over" {
    make_expired "$FILE/old"
    unchanged refused 3 "old.crt" with_tls "$FILE/ca/ca.pem" "$FILE/old.crt" "$FILE/old.key"
}

@test "an authority's certificate shown as a server's" {
    unchanged refused 3 "CA" with_tls "$FILE/ca/ca.pem" "$FILE/ca/ca.pem" "$FILE/ca/ca.key"
}

@test "a file that is not there, and one that is no PEM" {
    unchanged refused 3 "absent.pem" with_tls "$FILE/absent.pem" "$FILE/site-tls.crt" "$FILE/site-tls.key"
    head -c 500 /dev/urandom >"$FILE/noise.pem"
    unchanged refused 3 "noise.pem" with_tls "$FILE/noise.pem" "$FILE/site-tls.crt" "$FILE/site-tls.key"
}
