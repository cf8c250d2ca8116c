#!/usr/bin/env bash
# Java's SunPKCS11 (OpenJDK 17 of Debian 12): keytool makes keys and certificates on the token, and a
# program signs, encrypts, digests, agrees and speaks TLS with them, the JDK's own providers checking.
#
#   java.sh [--module PATH] [--so-pin PIN] [--pin PIN]
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=lib/report.sh
source "$here/lib/report.sh"
# shellcheck source=lib/arguments.sh
source "$here/lib/arguments.sh" "$@"
# shellcheck source=lib/token.sh
source "$here/lib/token.sh"

hashes=(1 224 256 384 512)

# The JDK's policy is the test's own.
jdk=-Djava.security.properties=$policy/java.security

key_tool() {
    keytool -J"$jdk" "$@" -keystore NONE -storetype PKCS11 -storepass "$pin" \
        -providerClass sun.security.pkcs11.SunPKCS11 -providerArg sunpkcs11.cfg
}

user() {
    pkcs11-tool --module "$module" --token-label java --login --pin "$pin" "$@"
}

main() {
    cd "$folder"
    check "make a token" make_token java
    configure
    the_keytool
    the_program
    the_key_schedule
    report_end
}

# SunPKCS11 reads the values of secrets that it derives or generates, so it must ask for keys whose value can be read.
# It derives the keys of TLS from them, and CKA_DERIVE is FALSE unless asked for.
configure() {
    cat >sunpkcs11.cfg <<END
name = conformance
library = $module
slotListIndex = 0
attributes(generate, CKO_SECRET_KEY, CKK_GENERIC_SECRET) = {
  CKA_SENSITIVE = false
  CKA_EXTRACTABLE = true
  CKA_DERIVE = true
}
attributes(generate, CKO_PRIVATE_KEY, CKK_EC) = {
  CKA_DERIVE = true
}
END
}

the_keytool() {
    local alias
    check "generate an RSA key pair" key_tool -genkeypair -alias rsa -keyalg RSA -keysize 2048 -dname CN=localhost
    check "generate an EC key pair" key_tool -genkeypair -alias ec -keyalg EC -groupname secp256r1 -dname CN=localhost
    check "generate an AES key" key_tool -genseckey -alias aes -keyalg AES -keysize 256
    for alias in rsa ec; do
        check_output "list $alias" "^$alias, PrivateKeyEntry" key_tool -list
        check "the certificate of $alias" verified_by_openssl "$alias"
        check "a request for $alias" request_verified_by_openssl "$alias"
    done
    check_output "list aes" '^aes, SecretKeyEntry' key_tool -list
    check "the token has all of it" on_the_token
    check "the private keys stay" refused grep -Eq '(Access:|,) +extractable' <(user -O --type privkey)
    check "give aes another name" key_tool -changealias -alias aes -destalias renamed
    check "delete renamed" key_tool -delete -alias renamed
    check "deleted" refused grep -Eq '^(aes|renamed),' <(key_tool -list)
}

verified_by_openssl() {
    key_tool -exportcert -rfc -alias "$1" -file "$1.crt"
    openssl verify -CAfile "$1.crt" "$1.crt"
}

request_verified_by_openssl() {
    key_tool -certreq -alias "$1" -file "$1.csr"
    openssl req -verify -noout -in "$1.csr"
}

on_the_token() {
    user -O >objects
    test "$(grep -c '^Certificate Object' objects)" = 2
    test "$(grep -c '^Private Key Object' objects)" = 2
    test "$(grep -c '^Secret Key Object; AES length 32' objects)" = 1
}

the_program() {
    local hash name
    check "compile the program" javac -Xlint:all -Werror -d . "$here/lib/Token.java"
    java "$jdk" -cp . Token sunpkcs11.cfg "$pin" >program 2>&1 || true
    for hash in "${hashes[@]}"; do
        for name in "SHA${hash}withRSA" "SHA${hash}withECDSA" "SHA-$hash" "HmacSHA$hash"; do
            program_case "$name"
        done
    done
    for name in RSASSA-PSS RSA/ECB/PKCS1Padding AES/ECB/NoPadding AES/CBC/NoPadding AES/CBC/PKCS5Padding \
        AES/CTR/NoPadding AES/GCM/NoPadding ECDH "EC key pair of a session" \
        "TLSv1.2 with rsa" "TLSv1.2 with ec" "TLSv1.3 with rsa" "TLSv1.3 with ec"; do
        program_case "$name"
    done
}

# With the token before all other providers, and the master secrets of RFC 5246 (SunPKCS11 has no others),
# the JDK has the whole key schedule of TLS 1.2 done by the token.
the_key_schedule() {
    local suite
    java "$jdk" -Djdk.tls.useExtendedMasterSecret=false -cp . Token sunpkcs11.cfg "$pin" first >program 2>&1 || true
    for suite in TLS_ECDHE_RSA_WITH_AES_{128_GCM_SHA256,256_GCM_SHA384,128_CBC_SHA256} \
        TLS_RSA_WITH_AES_{128_GCM_SHA256,256_CBC_SHA256} TLS_ECDHE_ECDSA_WITH_AES_{128_GCM_SHA256,256_CBC_SHA384}; do
        program_case "$suite"
    done
}

program_case() {
    check "$1" said "$1"
}

said() {
    grep -Fx -- "ok $1" program || { grep -F -- "FAILED $1:" program || cat program; return 1; }
}

main
