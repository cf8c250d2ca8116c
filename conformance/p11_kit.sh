#!/usr/bin/env bash
# p11-kit (0.24 of Debian 12): the module in its configuration, and `p11-kit server`, which lends a token to
# another process, or through ssh to another host.
#
#   p11_kit.sh [--module PATH] [--so-pin PIN] [--pin PIN]
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

client_module=$(compgen -G '/usr/lib/*/pkcs11/p11-kit-client.so' | head -n 1)
proxy_module=$(compgen -G '/usr/lib/*/p11-kit-proxy.so' | head -n 1)

user() {
    pkcs11-tool --module "$module" --token-label kit --login --pin "$pin" "$@"
}

# The same token, through the server.
far() {
    P11_KIT_SERVER_ADDRESS=unix:path=$folder/socket pkcs11-tool --module "$client_module" --token-label kit "$@"
}

far_user() {
    far --login --pin "$pin" "$@"
}

main() {
    cd "$folder"
    head -c 1000 /dev/urandom >message
    check "make a token" make_token kit
    check "RSA key pair" user --keypairgen --key-type RSA:2048 --id 01 --label rsa
    check "read the public key" user --read-object --type pubkey --id 01 -o rsa.der
    the_server
    the_configuration
    report_end
}

the_server() {
    start server.log p11-kit server -f -p "$module" -n "$folder/socket" pkcs11:token=kit
    check "p11-kit server starts" until_line server.log '(P11_KIT_SERVER_PID)='
    check_output "the far end sees the token" 'token label +: kit' far -L
    check_output "it sees the key" 'label: +rsa' far_user -O --type privkey
    check "a wrong PIN is refused there" refused far --login --pin "not-$pin" -O
    check "sign there" signed_there
    check "decrypt there" decrypted_there
    check "make a key there" far_user --keygen --key-type AES:32 --id 02 --label aes --extractable --sensitive
    check_output "it is on the token" 'label: +aes' user -O --type secrkey
    check "encrypt with it there" encrypted_there
    check "delete it there" far_user --delete-object --type secrkey --id 02
    check "it is gone here" refused grep -q 'label: *aes' <(user -O --type secrkey 2>&1)
    # The client's protocol has a list of mechanisms whose parameters it can carry, and this one is not on it.
    check_output "CKM_RSA_AES_KEY_WRAP does not go through p11-kit" 'C_WrapKey failed: rv = CKR_MECHANISM_INVALID' shrug wrapped_there
    end_started
    check "without the server the token is out of reach" refused grep -q 'token label' <(far -L 2>&1)
}

signed_there() {
    far_user --sign -m SHA256-RSA-PKCS --id 01 -i message -o signature
    openssl dgst -sha256 -verify rsa.der -keyform DER -signature signature message
}

decrypted_there() {
    head -c 100 message >plain
    openssl pkeyutl -encrypt -pubin -keyform DER -inkey rsa.der -in plain -out secret
    far_user --decrypt -m RSA-PKCS --id 01 -i secret -o opened
    cmp opened plain
}

encrypted_there() {
    head -c 96 message >blocks
    far_user --encrypt -m AES-ECB --id 02 -i blocks -o far
    user --encrypt -m AES-ECB --id 02 -i blocks -o near
    cmp far near
}

wrapped_there() {
    far_user --keygen --key-type AES:32 --id 03 --label target --extractable --sensitive
    far_user --wrap -m 0x1054 --id 01 --application-id 03 -o blob
}

# p11-kit ignores root's own configuration, so root looks with the eyes of nobody, at a copy.
the_configuration() {
    mkdir -p config/pkcs11/modules
    cp "$module" module.so
    echo 'user-config: only' >config/pkcs11/pkcs11.conf
    echo "module: $folder/module.so" >config/pkcs11/modules/conformance.module
    if [ "$(id -u)" -eq 0 ]; then chown -R nobody "$folder"; fi
    check_output "p11-kit list-modules has the module" '^conformance: ' as_nobody p11-kit list-modules
    check_output "it has the token" '^ +token: kit$' as_nobody p11-kit list-modules
    check_output "it has no other module" '^1$' count_modules
    check_output "p11-kit-proxy has the token" 'token label +: kit' as_nobody pkcs11-tool --module "$proxy_module" -L
    check "sign through p11-kit-proxy" signed_by_proxy
}

as_nobody() {
    local words=()
    if [ "$(id -u)" -eq 0 ]; then words=(setpriv --reuid nobody --clear-groups); fi
    "${words[@]}" env HOME="$folder" XDG_CONFIG_HOME="$folder/config" "$@"
}

count_modules() {
    as_nobody p11-kit list-modules | grep -Ec '^[^ ]'
}

signed_by_proxy() {
    as_nobody pkcs11-tool --module "$proxy_module" --token-label kit --login --pin "$pin" \
        --sign -m SHA256-RSA-PKCS --id 01 -i message -o proxied
    openssl dgst -sha256 -verify rsa.der -keyform DER -signature proxied message
}

# Runs a command that is expected to fail, for its output.
shrug() {
    ! "$@"
}

main
