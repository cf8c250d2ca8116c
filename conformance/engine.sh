#!/usr/bin/env bash
# OpenSSL 3.0 through Debian's engine `pkcs11` (libp11 0.4.12): a certificate, a request, a CMS signature, a CMS
# envelope and a TLS server, with the key on the token.
#
#   engine.sh [--module PATH] [--so-pin PIN] [--pin PIN]
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=lib/report.sh
source "$here/lib/report.sh"
# shellcheck source=lib/arguments.sh
source "$here/lib/arguments.sh" "$@"
# shellcheck source=lib/processes.sh
source "$here/lib/processes.sh"
# shellcheck source=lib/token.sh
source "$here/lib/token.sh"

user() {
    pkcs11-tool --module "$module" --token-label engine --login --pin "$pin" "$@"
}

# OpenSSL with the engine; without it, for the other side, it is `openssl` as it is.
with_engine() {
    OPENSSL_CONF=$folder/engine.cnf openssl "$@"
}

main() {
    local alias
    cd "$folder"
    configure
    check "make a token" make_token engine
    check "RSA key pair" user --keypairgen --key-type RSA:2048 --id 01 --label rsa
    check "EC key pair" user --keypairgen --key-type EC:prime256v1 --id 02 --label ec
    head -c 1000 /dev/urandom >message
    check_output "the engine knows the module" '\(pkcs11\) pkcs11 engine' with_engine engine -t pkcs11
    for alias in rsa ec; do
        the_certificate "$alias"
        the_signatures "$alias"
        the_server "$alias" -tls1_2
        the_server "$alias" -tls1_3
    done
    check "RSA PSS" signed_with_pss
    check "open a CMS envelope" envelope_opened
    check "a wrong PIN is refused" refused with_engine dgst -sha256 -engine pkcs11 -keyform engine \
        -sign "pkcs11:token=engine;object=rsa;type=private;pin-value=not-$pin" message
    report_end
}

configure() {
    cat >engine.cnf <<END
openssl_conf = openssl_init
[openssl_init]
engines = engines
[engines]
pkcs11 = pkcs11
[pkcs11]
engine_id = pkcs11
MODULE_PATH = $module
init = 0
[req]
distinguished_name = name
x509_extensions = extensions
[name]
[extensions]
basicConstraints = critical,CA:true
subjectKeyIdentifier = hash
END
}

key() {
    echo "pkcs11:token=engine;object=$1;type=private;pin-value=$pin"
}

the_certificate() {
    check "a self-signed certificate for $1" certified "$1"
    check "it has the key of $1" same_key "$1"
    check "a request for $1" requested "$1"
}

certified() {
    with_engine req -new -x509 -engine pkcs11 -keyform engine -key "$(key "$1")" -subj /CN=localhost -days 2 -out "$1.crt"
    openssl verify -CAfile "$1.crt" -check_ss_sig "$1.crt"
}

same_key() {
    user --read-object --type pubkey --label "$1" -o "$1.der"
    openssl x509 -in "$1.crt" -pubkey -noout | openssl pkey -pubin -outform DER | cmp - "$1.der"
}

requested() {
    with_engine req -new -engine pkcs11 -keyform engine -key "$(key "$1")" -subj /CN=localhost -out "$1.csr"
    openssl req -verify -noout -in "$1.csr"
}

the_signatures() {
    check "sign with $1" signed "$1"
    check "a CMS signature by $1" signed_cms "$1"
    check "a CMS signature by $1 over another message is refused" refused openssl cms -verify -inform DER \
        -in "$1.cms" -content "$1.crt" -binary -CAfile "$1.crt" -out /dev/null
}

signed() {
    local hash
    for hash in sha1 sha256 sha384 sha512; do
        with_engine dgst -"$hash" -engine pkcs11 -keyform engine -sign "$(key "$1")" -out signature message
        openssl x509 -in "$1.crt" -pubkey -noout -out public.pem
        openssl dgst -"$hash" -verify public.pem -signature signature message
    done
}

signed_cms() {
    with_engine cms -sign -engine pkcs11 -keyform engine -inkey "$(key "$1")" -signer "$1.crt" -in message -binary \
        -outform DER -out "$1.cms"
    openssl cms -verify -inform DER -in "$1.cms" -content message -binary -CAfile "$1.crt" -out /dev/null
}

signed_with_pss() {
    local options=(-sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest)
    with_engine dgst -sha256 -engine pkcs11 -keyform engine -sign "$(key rsa)" "${options[@]}" -out signature message
    openssl x509 -in rsa.crt -pubkey -noout -out public.pem
    openssl dgst -sha256 "${options[@]}" -verify public.pem -signature signature message
}

envelope_opened() {
    openssl cms -encrypt -aes-256-cbc -binary -in message -outform DER -out envelope rsa.crt
    with_engine cms -decrypt -engine pkcs11 -keyform engine -inkey "$(key rsa)" -recip rsa.crt -binary \
        -inform DER -in envelope -out opened
    cmp opened message
}

# s_server on a port of its own choosing; s_client trusts its certificate alone and asks for a page.
the_server() {
    local alias=$1 version=$2 port
    start "server$version.$alias" env OPENSSL_CONF="$folder/engine.cnf" openssl s_server -engine pkcs11 \
        -keyform engine -key "$(key "$alias")" -cert "$alias.crt" -accept 127.0.0.1:0 -www
    port=$(until_line "server$version.$alias" '^ACCEPT 127.0.0.1:([0-9]+)' || echo 0)
    check "a TLS server with $alias, $version" shakes_hands "$alias" "$version" "$port"
    end_started
}

shakes_hands() {
    printf 'GET / HTTP/1.0\r\n\r\n' | timeout 20 openssl s_client -connect "127.0.0.1:$3" -CAfile "$1.crt" \
        -verify_return_error -verify_hostname localhost -ign_eof "$2" >"page$2.$1" 2>&1 || true
    grep 'Verification: OK' "page$2.$1" && grep 'HTTP/1.0 200 ok' "page$2.$1" || { cat "page$2.$1"; return 1; }
}

main
