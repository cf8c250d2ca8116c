#!/usr/bin/env bash
# GnuTLS (3.7 of Debian 12): p11tool runs the token, certtool and gnutls-cli use its keys by PKCS#11 URI, and
# OpenSSL checks what they made.
#
#   gnutls.sh [--module PATH] [--so-pin PIN] [--pin PIN]
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=lib/report.sh
source "$here/lib/report.sh"
# shellcheck source=lib/arguments.sh
source "$here/lib/arguments.sh" "$@"
# shellcheck source=lib/processes.sh
source "$here/lib/processes.sh"

token=pkcs11:token=gnutls

p11() {
    p11tool --provider "$module" --batch "$@"
}

user() {
    p11 --login "$@"
}

main() {
    local alias
    cd "$folder"
    export GNUTLS_PIN=$pin GNUTLS_SO_PIN=$so_pin
    head -c 1000 /dev/urandom >message
    the_token
    template
    openssl req -new -x509 -newkey rsa:2048 -nodes -keyout server.key -out server.crt -subj /CN=localhost \
        -addext subjectAltName=DNS:localhost 2>/dev/null
    for alias in rsa ec; do
        the_key "$alias"
        the_certificate "$alias"
        the_client "$alias" TLS1.2
        the_client "$alias" TLS1.3
    done
    the_import
    the_secret_key
    the_end
    report_end
}

# p11tool finds the token that is not there yet by its model, which is keyferry's name.
the_token() {
    check "initialise" p11 --initialize --label gnutls pkcs11:model=keyferry
    check "set the user's PIN" p11 --initialize-pin "$token"
    check_output "the token is listed" 'token=gnutls' p11 --list-token-urls
    check_output "its mechanisms" 'CKM_RSA_AES_KEY_WRAP keysize range .* wrap unwrap' p11 --list-mechanisms "$token"
    check "16 random bytes" sixteen_random
    check "another PIN" another_pin
}

sixteen_random() {
    test "$(p11 --generate-random 16 --outraw "$token" 2>/dev/null | wc -c)" = 16
}

# The SO gives the user another PIN, and then the first one again.
another_pin() {
    GNUTLS_PIN=another-$pin p11 --initialize-pin "$token"
    ! user --list-all "$token" 2>&1 | grep -q 'Type: Private'
    GNUTLS_PIN=$pin p11 --initialize-pin "$token"
}

template() {
    cat >template <<END
cn = "localhost"
dns_name = "localhost"
serial = 7
expiration_days = 2
signing_key
encryption_key
cert_signing_key
ca
END
}

private() {
    echo "$token;object=$1;type=private"
}

public() {
    echo "$token;object=$1;type=public"
}

the_key() {
    local kind=(rsa --bits 2048)
    if [ "$1" = ec ]; then kind=(ecdsa --curve secp256r1); fi
    check "generate $1" user --generate-privkey "${kind[@]}" --label "$1" --outfile "$1.pem" "$token"
    check_output "list $1" "object=$1;type=private" user --list-privkeys "$token"
    check_output "$1 stays" 'CKA_NEVER_EXTRACTABLE; CKA_SENSITIVE' user --list-privkeys "$token;object=$1"
    check_output "p11tool's own test of $1" 'Verifying against public key in the token... ok' user --test-sign "$(private "$1")"
    check "export the public key of $1" exported_public "$1"
    check "give $1 another label and the old one again" relabelled "$1"
}

exported_public() {
    user --export-pubkey --outfile exported.pem "$(private "$1")"
    cmp exported.pem "$1.pem"
    user --export --outfile exported.pem "$(public "$1")"
    openssl pkey -pubin -in exported.pem -outform DER >exported.der
    openssl pkey -pubin -in "$1.pem" -outform DER | cmp - exported.der
}

relabelled() {
    user --set-label "new-$1" "$(private "$1")"
    user --list-privkeys "$token" | grep "object=new-$1;type=private"
    user --set-label "$1" "$(private "new-$1")"
    user --list-privkeys "$token" | grep "object=$1;type=private"
}

the_certificate() {
    check "a self-signed certificate for $1" certified "$1"
    check "a request for $1" requested "$1"
    check "import the certificate of $1" imported "$1"
    check "export it" exported "$1"
    check_output "it goes with its key" "object=$1-certificate;type=cert" user --list-certs "$token"
    check "a PKCS#7 signature by $1" signed "$1"
}

certified() {
    certtool --provider "$module" --generate-self-signed --template template --load-privkey "$(private "$1")" \
        --load-pubkey "$(public "$1")" --outfile "$1.crt"
    openssl verify -CAfile "$1.crt" -check_ss_sig "$1.crt"
    openssl x509 -in "$1.crt" -pubkey -noout | cmp - "$1.pem"
}

requested() {
    certtool --provider "$module" --generate-request --template template --load-privkey "$(private "$1")" \
        --load-pubkey "$(public "$1")" --outfile "$1.csr"
    openssl req -verify -noout -in "$1.csr"
}

imported() {
    local id
    id=$(user --list-privkeys "$token;object=$1" | sed -nE 's/^[[:space:]]*ID: //p' | tr -d :)
    user --write --load-certificate "$1.crt" --id "$id" --label "$1-certificate" "$token"
}

exported() {
    p11 --export --outfile exported.crt "$token;object=$1-certificate;type=cert"
    openssl x509 -in exported.crt -outform DER >exported.der
    openssl x509 -in "$1.crt" -outform DER | cmp - exported.der
}

signed() {
    certtool --provider "$module" --p7-sign --load-privkey "$(private "$1")" --load-certificate "$1.crt" \
        --infile message --outfile "$1.p7"
    openssl cms -verify -inform PEM -in "$1.p7" -CAfile "$1.crt" -purpose any -out opened -binary
    cmp opened message
}

# OpenSSL's s_server admits the certificate alone; gnutls-cli proves itself with the key on the token. (GnuTLS's own
# server listens on every interface.)
the_client() {
    local alias=$1 version=$2 port log=server-$2.$1
    start "$log" openssl s_server -accept 127.0.0.1:0 -cert server.crt -key server.key -Verify 1 -verify_return_error \
        -CAfile "$alias.crt" -rev
    port=$(until_line "$log" '^ACCEPT 127.0.0.1:([0-9]+)' || echo 0)
    check "a $version client with $alias" turned_round "$alias" "$version" "$port"
    end_started
}

turned_round() {
    { echo "over the wire"; sleep 1; } |
        timeout 20 gnutls-cli --provider "$module" --x509keyfile "$(private "$1")" \
            --x509certfile "$token;object=$1-certificate;type=cert" --x509cafile server.crt \
            --priority "NORMAL:-VERS-ALL:+VERS-$2" --port "$3" localhost >turned 2>&1 || true
    cat turned
    grep -x 'eriw eht revo' turned
}

# A key pair from a file: the token signs with it, and the public half that stayed outside verifies.
the_import() {
    certtool --generate-privkey --key-type rsa --bits 2048 --outfile outside.pem 2>/dev/null
    check "import a private key" user --write --load-privkey outside.pem --label outside "$token"
    check "import its public half" imported_public
    check_output "the imported key signs" 'Verifying against private key parameters... ok' user --test-sign "$(private outside)"
}

imported_public() {
    openssl pkey -in outside.pem -pubout -out outside.pub
    user --write --load-pubkey outside.pub --label outside "$token"
    user --export --outfile exported.pem "$(public outside)"
    openssl pkey -pubin -in exported.pem -outform DER >exported.der
    openssl pkey -in outside.pem -pubout -outform DER | cmp - exported.der
}

the_secret_key() {
    check "import a secret key" user --write --secret-key 000102030405060708090a0b0c0d0e0f --label secret "$token"
    check_output "list it" 'object=secret;type=secret-key' user --list-all "$token"
}

the_end() {
    local kind
    for kind in "rsa-certificate;type=cert" "rsa;type=private" "rsa;type=public" "secret;type=secret-key"; do
        check "delete $kind" user --delete "$token;object=$kind"
        check "$kind is gone" refused grep -q "object=$kind" <(user --list-all "$token" 2>&1)
    done
}

main
