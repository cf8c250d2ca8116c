#!/usr/bin/env bash
# Node's graphene-pk11 does the main job on the token; Python and OpenSSL open what it made.
#
#   node.sh [--module PATH] [--so-pin PIN] [--pin PIN]
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=lib/report.sh
source "$here/lib/report.sh"
# shellcheck source=lib/arguments.sh
source "$here/lib/arguments.sh" "$@"
# shellcheck source=lib/token.sh
source "$here/lib/token.sh"

export NODE_PATH=$target/conformance-node/node_modules

main() {
    local name
    cd "$folder"
    check "make a token" make_token node
    openssl genrsa -out vault.pem 2048 2>/dev/null
    node -e 'const c = require("crypto"); process.stdout.write(JSON.stringify(c.createPrivateKey(require("fs")
        .readFileSync("vault.pem")).export({ format: "jwk" })))' >KEK.jwk
    node "$here/lib/graphene.js" "$module" node "$pin" "$folder" >program 2>&1 || true
    for name in "wrap an AES key" "unwrap it" "wrap an RSA private key and unwrap it" \
        "wrap in two steps, with OAEP of SHA-256" "a key that stays" "a damaged blob"; do
        check "$name" said "$name"
    done
    check "the blob holds the AES key" holds_aes
    check "the blob holds the RSA key" holds_rsa
    report_end
}

said() {
    grep -Fx -- "ok $1" program || { cat program; return 1; }
}

holds_aes() {
    local key
    key=$("$python" "$here/open.py" vault.pem aes.blob)
    head -c 16 /dev/zero | openssl enc -aes-256-ecb -nopad -K "$key" | cmp - aes.zeros
}

holds_rsa() {
    local key modulus
    key=$("$python" "$here/open.py" vault.pem rsa.blob)
    printf '%b' "$(sed 's/../\\x&/g' <<<"$key")" >rsa.der
    modulus=$(openssl rsa -inform DER -in rsa.der -noout -modulus)
    test "${modulus#Modulus=}" = "$(od -An -v -tx1 rsa.modulus | tr -d ' \n' | tr a-f A-F)"
}

main
