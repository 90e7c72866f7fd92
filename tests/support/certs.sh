# shellcheck shell=bash
# Certificates as a site makes them, with the openssl program alone. Needs common.sh.

# make_ca DIR NAME: DIR/ca.pem and DIR/ca.key.
make_ca() {
    mkdir -p "$1"
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -sha256 -days 30 -subj "/O=Archon tests/CN=$2" \
        -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign \
        -keyout "$1/ca.key" -out "$1/ca.pem" 2>/dev/null
    chmod 600 "$1/ca.key"
}

# make_certificate CADIR OUT NAMES [DAYS]: OUT.crt and OUT.key signed by that CA; NAMES as in DNS:web,IP:127.0.0.1.
make_certificate() {
    local ca=$1 out=$2 names=$3 days=${4:-30} common
    common=${names%%,*}
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -sha256 -subj "/O=Archon tests/CN=${common#*:}" \
        -keyout "$out.key" -out "$out.csr" 2>/dev/null
    openssl x509 -req -in "$out.csr" -CA "$ca/ca.pem" -CAkey "$ca/ca.key" -set_serial "0x$(openssl rand -hex 8)" -days "$days" -sha256 \
        -extfile <(printf '%s\n' basicConstraints=critical,CA:FALSE keyUsage=critical,digitalSignature \
            extendedKeyUsage=serverAuth,clientAuth "subjectAltName=$names") -out "$out.crt" 2>/dev/null
    rm -f "$out.csr"
    chmod 600 "$out.key"
}
