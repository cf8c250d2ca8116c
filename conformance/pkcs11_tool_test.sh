#!/usr/bin/env bash
# OpenSC's pkcs11-tool checks the token by its own tests, and the OpenSSL command line checks what the
# token signs, decrypts, derives and hashes at pkcs11-tool's word.
#
#   pkcs11_tool_test.sh [--module PATH] [--so-pin PIN] [--pin PIN]
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=lib/report.sh
source "$here/lib/report.sh"
# shellcheck source=lib/arguments.sh
source "$here/lib/arguments.sh" "$@"
# shellcheck source=lib/token.sh
source "$here/lib/token.sh"

hashes=(sha1 sha224 sha256 sha384 sha512)

tool() {
    pkcs11-tool --module "$module" "$@"
}

user() {
    tool --token-label tests --login --pin "$pin" "$@"
}

main() {
    cd "$folder"
    check "make a token" make_token tests
    head -c 1000 /dev/urandom >message
    the_keys
    its_own_tests
    the_digests
    the_hmacs
    the_rsa_signatures
    the_pss_signatures
    the_ecdsa_signatures
    the_eddsa_signatures
    the_rsa_decryption
    the_derivation
    the_aes_modes
    report_end
}

the_keys() {
    check "RSA key pair" user --keypairgen --key-type RSA:2048 --id 01 --label rsa
    check "P-256 key pair" user --keypairgen --key-type EC:prime256v1 --id 02 --label p256
    check "P-384 key pair" user --keypairgen --key-type EC:secp384r1 --id 03 --label p384
    check "read the RSA public key" read_public 01 rsa.pem
    check "read the P-256 public key" read_public 02 p256.pem
    check "list the P-384 public key" listed_public 03 3076301006072a8648ce3d020106052b81040022036200 0461 p384.pem
}

read_public() {
    user --read-object --type pubkey --id "$1" -o "$2.der" && openssl pkey -pubin -inform DER -in "$2.der" -out "$2"
}

# For a key that pkcs11-tool 0.23 cannot write as a file: the point from its listing, behind its SPKI header.
listed_public() {
    local id=$1 header=$2 octet_string=$3 file=$4 point
    point=$(user -O --type pubkey | awk -v id="$id" '$1 == "EC_POINT:" { point = $2 } $1 == "ID:" && $2 == id { print point }')
    point=${point#"$octet_string"}
    unhex "$header$point" >"$file.der"
    openssl pkey -pubin -inform DER -in "$file.der" -out "$file"
}

# What pkcs11-tool tests by itself: it says what it left out, so its lines are compared, too.
its_own_tests() {
    check "--test --login" user --test
    check_output "--test finds no error" '^No errors$' user --test
    check_output "--test looks at digests" 'all 4 digest functions seem to work' user --test
    check_output "--test verifies" '^    RSA-PKCS: OK$' user --test
    check "--test finds nothing wrong" refused grep -E 'ERR|fail' <(user --test 2>&1)
    check_output "--test-ec" '==> OK' user --session-rw --test-ec --key-type EC:prime256v1 --id 77
    check "--test-ec leaves the token in order" user --test
    check "--test-fork" user --test-fork
    check "--test-threads IN" threads_end IN
    check "--test-threads, three" threads_end ILGISLT0 ILGISLT0 ILGISLT0
}

# Whoever calls C_Initialize second is told so: pkcs11-tool counts that as an error with `IN`, not with `IL`.
threads_end() {
    local threads=() output
    for _ in "$@"; do threads+=(--test-threads "$_"); done
    output=$(tool "${threads[@]}" -L 2>&1)
    echo "$output"
    ! grep -E 'rv:CKR_' <<<"$output" | grep -Ev 'rv:CKR_(OK|CRYPTOKI_ALREADY_INITIALIZED)'
    grep 'test_threads all threads have ended' <<<"$output"
}

the_digests() {
    local hash
    for hash in "${hashes[@]}"; do
        check "digest $hash" same_digest "$hash"
    done
}

same_digest() {
    local name=${1^^}
    user --hash -m "${name/#SHA1/SHA-1}" -i message -o "$1.digest"
    openssl dgst -"$1" -binary message | cmp - "$1.digest"
}

the_hmacs() {
    local hash
    check "HMAC key" user --keygen --key-type GENERIC:64 --id 04 --label hmac --extractable --usage-sign
    check "read the HMAC key" user --read-object --type secrkey --id 04 -o hmac.key
    for hash in "${hashes[@]}"; do
        check "HMAC $hash" same_hmac "$hash"
    done
}

same_hmac() {
    local name=${1^^}
    user --sign -m "${name/#SHA1/SHA-1}-HMAC" --id 04 -i message -o "$1.hmac"
    openssl dgst -"$1" -mac HMAC -macopt "hexkey:$(hex hmac.key)" -binary message | cmp - "$1.hmac"
}

# Both ways: OpenSSL verifies what the token signed, and the token verifies it as well.
the_rsa_signatures() {
    local hash
    for hash in "${hashes[@]}"; do
        check "RSA PKCS#1 v1.5 with $hash" signed_by_token "${hash^^}-RSA-PKCS" 01 rsa.pem "$hash"
    done
    check "RSA PKCS#1 v1.5 of a DigestInfo" signed_digest_info
}

signed_by_token() {
    local mechanism=$1 id=$2 public=$3 hash=$4 format=(--signature-format "${5:-rs}")
    user --sign -m "$mechanism" --id "$id" "${format[@]}" -i message -o signature
    openssl dgst -"$hash" -verify "$public" -signature signature message
    user --verify -m "$mechanism" --id "$id" "${format[@]}" -i message --signature-file signature | grep 'Signature is valid'
}

signed_digest_info() {
    { printf '\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20'; digest sha256; } >info
    user --sign -m RSA-PKCS --id 01 -i info -o signature
    openssl dgst -sha256 -verify rsa.pem -signature signature message
}

the_pss_signatures() {
    local hash
    for hash in "${hashes[@]}"; do
        check "RSA PSS with $hash" signed_with_pss "$hash"
    done
    check "RSA PSS of a digest" signed_digest_with_pss
}

pss_options() {
    printf '%s\n' -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest -sigopt "rsa_mgf1_md:$1"
}

signed_with_pss() {
    local options
    mapfile -t options < <(pss_options "$1")
    user --sign -m "${1^^}-RSA-PKCS-PSS" --id 01 -i message -o signature
    openssl dgst -"$1" "${options[@]}" -verify rsa.pem -signature signature message
    user --verify -m "${1^^}-RSA-PKCS-PSS" --id 01 -i message --signature-file signature | grep 'Signature is valid'
}

signed_digest_with_pss() {
    local options
    mapfile -t options < <(pss_options sha256)
    digest sha256 >digest
    user --sign -m RSA-PKCS-PSS --hash-algorithm SHA256 --mgf MGF1-SHA256 --id 01 -i digest -o signature
    openssl dgst -sha256 "${options[@]}" -verify rsa.pem -signature signature message
}

the_ecdsa_signatures() {
    local hash
    for hash in "${hashes[@]}"; do
        check "ECDSA with $hash, P-256" signed_by_token "ECDSA-${hash^^}" 02 p256.pem "$hash" openssl
    done
    check "ECDSA with sha384, P-384" signed_by_token ECDSA-SHA384 03 p384.pem sha384 openssl
    check "ECDSA of a digest, P-384" signed_ecdsa_digest
}

signed_ecdsa_digest() {
    digest sha384 >digest
    user --sign -m ECDSA --signature-format openssl --id 03 -i digest -o signature
    openssl dgst -sha384 -verify p384.pem -signature signature message
}

the_eddsa_signatures() {
    check "Ed25519 key pair" user --keypairgen --key-type EC:edwards25519 --id 05 --label ed25519
    check "list the Ed25519 public key" listed_public 05 302a300506032b6570032100 0420 ed25519.pem
    check "EdDSA" signed_with_eddsa
}

signed_with_eddsa() {
    user --sign -m EDDSA --id 05 -i message -o signature
    openssl pkeyutl -verify -rawin -pubin -inkey ed25519.pem -in message -sigfile signature
}

the_rsa_decryption() {
    local hash
    head -c 100 message >plain
    openssl pkeyutl -encrypt -pubin -inkey rsa.pem -in plain -out secret
    check "decrypt RSA PKCS#1 v1.5" decrypted -m RSA-PKCS
    for hash in "${hashes[@]}"; do
        openssl pkeyutl -encrypt -pubin -inkey rsa.pem -pkeyopt rsa_padding_mode:oaep \
            -pkeyopt "rsa_oaep_md:$hash" -pkeyopt "rsa_mgf1_md:$hash" -in plain -out secret
        check "decrypt RSA OAEP with $hash" decrypted -m RSA-PKCS-OAEP --hash-algorithm "$(oaep_name "$hash")" \
            --mgf "MGF1-${hash^^}"
    done
}

oaep_name() {
    local name=${1^^}
    echo "${name/#SHA1/SHA-1}"
}

decrypted() {
    user --decrypt "$@" --id 01 -i secret -o opened && cmp opened plain
}

the_derivation() {
    check "ECDH, P-256" same_secret prime256v1 02 p256.pem 32
    check "ECDH, P-384" same_secret secp384r1 03 p384.pem 48
}

same_secret() {
    local curve=$1 id=$2 public=$3 len=$4
    openssl ecparam -name "$curve" -genkey -noout -out peer.pem
    openssl pkey -in peer.pem -pubout -outform DER -out peer.der
    openssl pkeyutl -derive -inkey peer.pem -peerkey "$public" -out expected
    user --derive -m ECDH1-DERIVE --id "$id" -i peer.der -o derived
    test "$(stat -c %s derived)" = "$len"
    cmp expected derived
}

the_aes_modes() {
    local iv=000102030405060708090a0b0c0d0e0f
    head -c 32 /dev/urandom >aes.key
    head -c 96 message >blocks
    check "import an AES key" user --write-object aes.key --type secrkey --key-type AES: --id 06 --label aes \
        --usage-decrypt
    check "AES-ECB" same_both_ways AES-ECB blocks aes-256-ecb -nopad
    check "AES-CBC" same_both_ways AES-CBC blocks aes-256-cbc -nopad -iv $iv
    check "AES-CBC-PAD" same_both_ways AES-CBC-PAD message aes-256-cbc -iv $iv
}

# The token encrypts what OpenSSL does, and decrypts it again.
same_both_ways() {
    local mechanism=$1 input=$2 cipher=$3 iv=() word
    shift 3
    if [ "$mechanism" != AES-ECB ]; then iv=(--iv "${!#}"); fi
    user --encrypt -m "$mechanism" "${iv[@]}" --id 06 -i "$input" -o secret
    openssl enc -"$cipher" -K "$(hex aes.key)" "$@" -in "$input" | cmp - secret
    user --decrypt -m "$mechanism" "${iv[@]}" --id 06 -i secret -o opened
    cmp opened "$input"
}

digest() {
    openssl dgst -"$1" -binary message
}

hex() {
    od -An -v -tx1 "$1" | tr -d ' \n'
}

unhex() {
    printf '%b' "$(sed 's/../\\x&/g' <<<"$1")"
}

main
