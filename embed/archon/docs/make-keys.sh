#!/bin/sh
# Makes the two keys that Archon and its database interface share, and writes them into a new env file:
#
#     sh make-keys.sh archon.env
#     archon-load install archon-0.1.0.bundle.tar.zst --env-file archon.env
#
# JWT_SECRET signs tokens. SUPABASE_SERVICE_KEY is such a token for the role service_role. Archon encrypts the provider
# keys of its settings page with a key that it derives from SUPABASE_SERVICE_KEY: keep the file, a new key cannot read
# the old rows. That is why the token lives for twenty years. Needs openssl and nothing else.
set -eu
out=${1:?usage: sh make-keys.sh FILE}
if [ -e "$out" ]; then
    echo "make-keys: $out: exists; its keys may be in use, so it is left as it is" >&2
    exit 1
fi

base64url() { openssl base64 -A | tr '+/' '-_' | tr -d '='; }

secret=$(openssl rand -hex 32)
# A day is taken off, because clocks of isolated hosts differ.
issued=$(($(date +%s) - 86400))
head=$(printf '{"alg":"HS256","typ":"JWT"}' | base64url)
body=$(printf '{"role":"service_role","iss":"archon","iat":%d,"exp":%d}' "$issued" $((issued + 631152000)) | base64url)

# openssl takes the key of an HMAC only from the command line. It is seen there for a moment by users of this machine:
# make the keys on a machine of your own, or as the only user.
sign=$(printf '%s.%s' "$head" "$body" | openssl dgst -sha256 -mac HMAC -macopt "hexkey:$(printf %s "$secret" | od -An -v -tx1 | tr -d ' \n')" -binary | base64url)

umask 077
printf 'JWT_SECRET=%s\nSUPABASE_SERVICE_KEY=%s.%s.%s\n' "$secret" "$head" "$body" "$sign" >"$out"
echo "make-keys: wrote $out; move it to the host and keep a copy in a safe place" >&2
