#!/usr/bin/env bash
# `keyferry doctor`, `verify`, `receive` and `key restrict` on our module loaded by path, on SoftHSM, and on a
# module with faults: what the doctor says must be what then comes out.
#
#   doctor.sh [--module PATH]
#
# The command is the one beside the module.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=lib/report.sh
source "$here/lib/report.sh"
# shellcheck source=lib/arguments.sh
source "$here/lib/arguments.sh" "$@"

command=$(dirname "$module")/keyferry
softhsm=/usr/lib/softhsm/libsofthsm2.so
kid=https://contoso.vault.azure.net/keys/KEK/0123456789abcdef0123456789abcdef
export KEYFERRY_SO_PIN=$so_pin KEYFERRY_PIN=$pin KEYFERRY_JUDGED_MODULE=$module
export SOFTHSM2_CONF=$folder/softhsm2.conf

ours() { "$command" --module "$module" "$@"; }
theirs() { "$command" --module "$softhsm" "$@"; }
faulty() { "$command" --module "$folder/faulty.so" "$@"; }

main() {
    mkdir "$folder/tokens"
    echo "directories.tokendir = $folder/tokens" >"$SOFTHSM2_CONF"
    cc -std=c11 -Wall -Wextra -Werror -shared -fPIC -o "$folder/faulty.so" "$here/lib/faulty.c" -ldl
    openssl genrsa -out "$folder/vault.pem" 2048 2>"$folder/log"
    openssl rsa -in "$folder/vault.pem" -pubout -out "$folder/KEK.pem" 2>"$folder/log"
    for module_of in ours theirs; do
        check "$module_of: a token with keys" prepare "$module_of"
    done
    our_doctor
    faulty_doctor
    doctor_without_kek
    their_doctor
    packages
    restricted
    guarded
    dated
    report_end
}

prepare() {
    "$1" token init --label conformance
    "$1" key generate --type p-256 --label sign --extractable
    "$1" key generate --type aes-256 --label aes --extractable
    "$1" key generate --type p-256 --label stays
    "$1" key generate --type rsa-2048 --label kek --usage unwrap
}

our_doctor() {
    local hash
    check_output "ours: Azure" '^Azure +yes +in one call with SHA-1$' ours doctor
    check_output "ours: Oracle" '^Oracle OCI Vault +yes +in one call with SHA-256$' ours doctor
    for hash in SHA-1 SHA-224 SHA-256 SHA-384 SHA-512; do
        check_output "ours: in one call with $hash" "^CKM_RSA_AES_KEY_WRAP +$hash +256 +opens +opens +opens$" ours doctor
        check_output "ours: in two steps with $hash" \
            "^CKM_AES_KEY_WRAP_KWP, CKM_RSA_PKCS_OAEP +$hash +256 +opens +opens +opens$" ours doctor
    done
    check "ours: a key that may leave" ours doctor --key sign --for aws
    check "ours: a key that may not" refused ours doctor --key stays
    check "ours: leaves nothing behind" leaves_nothing ours
}

# It takes SHA-1 where it is asked for SHA-512.
faulty_doctor() {
    check_output "faulty: a hash that was not asked for" '^CKM_RSA_AES_KEY_WRAP +SHA-512 +256 +used SHA-1 +used SHA-1 +used SHA-1$' \
        faulty doctor
    check_output "faulty: the other hashes" '^CKM_RSA_AES_KEY_WRAP +SHA-384 +256 +opens +opens +opens$' faulty doctor
    check_output "faulty: a cloud that is not concerned" '^HashiCorp Vault +yes +in one call with SHA-256$' faulty doctor
    faulty export custom --kek "$folder/KEK.pem" --key sign --hash sha512 -o "$folder/faulty.bin" >"$folder/log"
    check "faulty: verify finds it, too" finds 'it was wrapped with SHA-1, not with SHA-512 as expected' \
        faulty verify "$folder/faulty.bin" --private "$folder/vault.pem" --hash sha512
}

# A module that takes no public keys.
doctor_without_kek() {
    check "faulty: no KEK from outside" finds 'the token takes no KEK from outside' env KEYFERRY_NO_KEK=1 \
        "$command" --module "$folder/faulty.so" doctor
    check "faulty: and for no cloud" no_cloud_is_possible
}

no_cloud_is_possible() {
    grep -Eq '^The token takes no public key from outside, so nothing can be wrapped for a cloud' "$folder/out"
    [ "$(grep -Ec '^(Azure|AWS KMS|Google Cloud KMS|Oracle OCI Vault|HashiCorp Vault) +no ' "$folder/out")" -eq 5 ]
}

# SoftHSM 2.6.1: no CKM_RSA_AES_KEY_WRAP, SHA-1 alone, and padding that it counts as part of the key.
their_doctor() {
    check_output "SoftHSM: no wrap in one call" '^CKM_RSA_AES_KEY_WRAP +not offered' theirs doctor
    check_output "SoftHSM: AES keys with SHA-1" '^CKM_AES_KEY_WRAP_PAD, CKM_RSA_PKCS_OAEP +SHA-1 +256 +opens +unusable +unusable +opens +unusable +opens$' \
        theirs doctor
    check_output "SoftHSM: no other hash" '^CKM_AES_KEY_WRAP_PAD, CKM_RSA_PKCS_OAEP +SHA-256 +256 +CKR_ARGUMENTS_BAD' theirs doctor
    check_output "SoftHSM: AES keys to Azure" \
        '^Azure +yes +P-384 keys, P-256K keys and secret keys: in two steps with SHA-1; no RSA keys, P-256 keys or P-521 keys: ' theirs doctor
    check_output "SoftHSM: nothing to Oracle" '^Oracle OCI Vault +no ' theirs doctor
    check "SoftHSM: an AES key" theirs doctor --key aes --for azure
    check "SoftHSM: an EC key" refused theirs doctor --key sign
    check "SoftHSM: and so the export" refused \
        theirs export azure --kek "$folder/KEK.pem" --kid "$kid" --key sign -o "$folder/no.byok"
    theirs key generate --type p-384 --label right --extractable >"$folder/log"
    check "SoftHSM: an EC key that needs no padding" theirs doctor --key right --for azure
    check "SoftHSM: and so its export" theirs export azure --kek "$folder/KEK.pem" --kid "$kid" --key right -o "$folder/right.byok"
    check_output "SoftHSM: which opens" '^ok +key +P-384' theirs verify "$folder/right.byok" --private "$folder/vault.pem"
    check "SoftHSM: Oracle" refused theirs doctor --for oci
    check "SoftHSM: leaves nothing behind" leaves_nothing theirs
}

packages() {
    ours key public sign -o "$folder/sign.pem" >"$folder/log"
    openssl pkey -pubin -in "$folder/sign.pem" -noout
    ours export azure --kek "$folder/KEK.pem" --kid "$kid" --key sign -o "$folder/sign.byok" >"$folder/log"
    check_output "verify: without the private half" '^Result: SUCCESS, not opened$' ours verify "$folder/sign.byok" --kek "$folder/KEK.pem"
    check_output "verify: the key that left" '^ok +public half +the same$' \
        ours verify "$folder/sign.byok" --private "$folder/vault.pem" --public "$folder/sign.pem"
    theirs export custom --kek "$folder/KEK.pem" --key aes --hash sha1 -o "$folder/aes.bin" >"$folder/log"
    check_output "verify: what SoftHSM made" '^ok +key +AES-256, or a secret as long$' \
        theirs verify "$folder/aes.bin" --private "$folder/vault.pem"
    for module_of in ours theirs; do
        "$module_of" key public kek -o "$folder/$module_of.pem" >"$folder/log"
        ours export azure --kek "$folder/$module_of.pem" --kid "$kid" --key sign -o "$folder/$module_of.byok" >"$folder/log"
        check_output "$module_of: verify opens it in the token" '^ok +public half +the same: what the key signs verifies' \
            "$module_of" verify "$folder/$module_of.byok" --receive kek --public "$folder/sign.pem"
        check_output "$module_of: receive" '^Received +"back", P-256' \
            "$module_of" receive "$folder/$module_of.byok" --kek kek --label back
    done
}

restricted() {
    check_output "ours: a restricted copy" '^May +nothing else; it cannot be changed or copied$' ours key restrict sign
    check "ours: not under any KEK" finds 'leaves only under a trusted KEK' \
        ours export azure --kek "$folder/KEK.pem" --kid "$kid" --key sign-transfer -o "$folder/no.byok"
    ours kek import "$folder/KEK.pem" --label trusted --kid "$kid" --trust >"$folder/log"
    check "ours: under a trusted KEK" ours export azure --kek trusted --key sign-transfer -o "$folder/trusted.byok"
    check "SoftHSM: says that it cannot" finds 'C_CopyObject answered' theirs key restrict sign
    check "SoftHSM: and what one can do instead" finds 'and export that with --trust-step' theirs key restrict aes
}

# SoftHSM sets CKA_WRAP_WITH_TRUSTED when a key is made and never after, and trusts what the SO makes.
guarded() {
    local wrap=(theirs export custom --kek trusted --key guarded --hash sha1)
    check_output "SoftHSM: a guarded key" 'only under a trusted KEK, with --trust-step' \
        theirs key generate --type aes-256 --label guarded --extractable --wrap-with-trusted
    theirs kek import "$folder/KEK.pem" --label trusted --trust >"$folder/log"
    theirs kek import "$folder/KEK.pem" --label untrusted >"$folder/log"
    check "SoftHSM: not in two steps" finds 'let the SO trust it with --trust-step' "${wrap[@]}" -o "$folder/no.bin"
    check "SoftHSM: not under any KEK" finds 'leaves only under a trusted KEK' \
        theirs export custom --kek untrusted --key guarded --hash sha1 --trust-step -o "$folder/no.bin"
    check_output "SoftHSM: in two steps with the SO" '^Wrapped with .* in two steps' "${wrap[@]}" --trust-step -o "$folder/guarded.bin"
    check_output "SoftHSM: and it opens" '^ok +key +AES-256, or a secret as long$' \
        theirs verify "$folder/guarded.bin" --private "$folder/vault.pem"
}

# SoftHSM 2.6.1 stores a date, and cannot read it again.
dated() {
    check "SoftHSM: a key with dates is not kept" finds 'the module did not keep the dates of the key "dated"' \
        theirs key generate --type p-256 --label dated --active-until 2090-01-01
    check "SoftHSM: and not there" finds 'has no key "dated"' theirs key show dated
    check_output "ours: a key with dates" 'active until 2090-01-01' \
        ours key generate --type p-256 --label dated --active-until 2090-01-01
}

# The same objects before and after.
leaves_nothing() {
    "$1" key list >"$folder/before"
    "$1" doctor >"$folder/log"
    "$1" key list >"$folder/after"
    diff "$folder/before" "$folder/after"
}

# finds TEXT COMMAND…: the command fails and says so.
finds() {
    local text=$1
    shift
    if "$@" >"$folder/out" 2>&1; then
        echo "it succeeded"
        return 1
    fi
    grep -Fq -- "$text" "$folder/out" || { cat "$folder/out"; return 1; }
}

main
