#!/usr/bin/env bash
# OpenSC's pkcs11-tool (0.23 of Debian 12) walks the main job and everything around it.
#
#   pkcs11_tool.sh [--module PATH] [--so-pin PIN] [--pin PIN]
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=lib/report.sh
source "$here/lib/report.sh"
# shellcheck source=lib/arguments.sh
source "$here/lib/arguments.sh" "$@"

kid=https://walk.managedhsm.azure.net/keys/kek/0123456789abcdef0123456789abcdef
opened=("$python" "$here/open.py")

tool() {
    pkcs11-tool --module "$module" "$@"
}

user() {
    tool --token-label walk --login --pin "$pin" "$@"
}

main() {
    cd "$folder"
    the_token
    the_keys
    the_kek
    the_listing
    the_wrap
    the_way_back
    the_end
    report_end
}

the_token() {
    check_output "init token" '^Token successfully initialized$' \
        tool --init-token --slot-index 0 --label walk --so-pin "$so_pin"
    check_output "init PIN" '^User PIN successfully initialized$' \
        tool --token-label walk --login --login-type so --so-pin "$so_pin" --init-pin --new-pin "$pin"
    check_output "the token's flags" 'token flags +: login required, rng, token initialized, PIN initialized' tool -L
    check_output "a slot for the next token" 'token state: +uninitialized' tool -L
    check "a wrong PIN is refused" refused tool --token-label walk --login --pin "not-$pin" -O
    check_output "its answer" 'CKR_PIN_INCORRECT' refused tool --token-label walk --login --pin "not-$pin" -O
    check_output "CKM_RSA_AES_KEY_WRAP" '(RSA-AES-KEY-WRAP|mechtype-0x1054), .*wrap, unwrap' tool -M
    check_output "CKM_KEYFERRY_AZURE_BYOK" 'mechtype-0x[Cc][Bb]460001, .*wrap, unwrap' tool -M
}

the_keys() {
    check_output "RSA key pair" '^Key pair generated:$' \
        user --keypairgen --key-type RSA:2048 --id 01 --label rsa --extractable
    check_output "EC key pair" '^Key pair generated:$' user --keypairgen --key-type EC:prime256v1 --id 02 --label ec
    check_output "AES key" '^Key generated:$' user --keygen --key-type AES:32 --id 03 --label aes --extractable --sensitive
    check_output "AES key that stays" '^Key generated:$' user --keygen --key-type AES:16 --id 04 --label stays --sensitive
    check_output "generic secret" '^Key generated:$' \
        user --keygen --key-type GENERIC:48 --id 05 --label generic --extractable
    head -c 1000 /dev/urandom >message
    check "read the RSA public key" user --read-object --type pubkey --id 01 -o rsa.der
    check "read the EC public key" user --read-object --type pubkey --id 02 -o ec.der
    check "RSA sign" user --sign -m SHA256-RSA-PKCS --id 01 -i message -o rsa.sig
    check_output "RSA verify" '^Verified OK$' \
        openssl dgst -sha256 -verify rsa.der -keyform DER -signature rsa.sig message
    openssl dgst -sha256 -binary -out digest message
    check "EC sign" user --sign -m ECDSA --signature-format openssl --id 02 -i digest -o ec.sig
    check_output "EC verify" '^Verified OK$' openssl dgst -sha256 -verify ec.der -keyform DER -signature ec.sig message
}

# The cloud's side is OpenSSL here: it makes the KEK and hands out its PEM.
the_kek() {
    openssl genrsa -out vault.pem 4096 2>/dev/null
    openssl rsa -in vault.pem -pubout -out KEK.pem 2>/dev/null
    check_output "import the KEK" '^Public Key Object; RSA 4096 bits$' \
        user --write-object KEK.pem --type pubkey --id 0a --label "$kid"
    check_output "import the KEK, --usage-wrap" 'Usage: .*wrap' \
        user --write-object KEK.pem --type pubkey --id 0b --label kek --usage-wrap
}

# Every object, one line each, as `pkcs11-tool -O` shows it, without the parts that are random.
the_listing() {
    check "list objects" same_as_expected <<END
Private Key Object; EC | label: ec | ID: 02 | Access: sensitive, always sensitive, never extractable, local
Private Key Object; RSA | label: rsa | ID: 01 | Access: sensitive, always sensitive, extractable, local
Public Key Object; EC EC_POINT 256 bits | label: ec | ID: 02 | Access: local
Public Key Object; RSA 2048 bits | label: rsa | ID: 01 | Access: local
Public Key Object; RSA 4096 bits | label: $kid | ID: 0a | Access: none
Public Key Object; RSA 4096 bits | label: kek | ID: 0b | Access: none
Secret Key Object; AES length 16 | label: stays | ID: 04 | Access: sensitive, always sensitive, never extractable, local
Secret Key Object; AES length 32 | label: aes | ID: 03 | Access: sensitive, always sensitive, extractable, local
END
    check "of the objects that nobody made, list profiles alone" only_profiles
}

only_profiles() {
    user -O 2>/dev/null | grep -iE '^[a-z ]+ object' >listed
    grep -q '^Profile object' listed &&
        refused grep -Ev '^(Public Key|Private Key|Secret Key|Profile) ' listed
}

same_as_expected() {
    diff <(grep -v 'Secret Key Object; Generic' | sort) <(user -O 2>/dev/null | one_line_each)
}

one_line_each() {
    awk '
        / Object; / { if (line) print line; line = $0; next }
        /^ +(label|ID|Access):/ { line = line " | " $0 }
        END { print line }
    ' | sed -E 's/ +/ /g; s/ \|/ |/g; s/ $//' | grep -v 'label: generic' | sort
}

the_wrap() {
    local by
    check "encrypt with the AES key" zeros_on_token 03 aes.zeros
    for by in 0a 0b; do
        check "wrap under KEK $by" user --wrap -m 0x1054 --id "$by" --application-id 03 -o "$by.blob"
        check "552 bytes" test "$(size "$by.blob")" = 552
        check "the blob holds the key" holds_aes "$by.blob"
    done
    check "wrap a generic secret" user --wrap -m 0x1054 --id 0a --application-id 05 -o generic.blob
    check_output "the blob holds 48 bytes" '^[0-9a-f]{96}$' "${opened[@]}" vault.pem generic.blob
    check "make a package" user --wrap -m 0xCB460001 --id 0a --application-id 03 -o KeyTransferPackage-aes.byok
    check "the package holds the key" holds_aes KeyTransferPackage-aes.byok --kid "$kid"
    check_output "a KEK without a kid makes no package" 'CKR_MECHANISM_PARAM_INVALID' \
        refused user --wrap -m 0xCB460001 --id 0b --application-id 03 -o none.byok
    check_output "a key that stays" 'CKR_KEY_UNEXTRACTABLE' \
        refused user --wrap -m 0x1054 --id 0a --application-id 04 -o stays.blob
}

# The token plays the vault: it gets the KEK's private half and unwraps.
the_way_back() {
    check "import the private half" user --write-object vault.pem --type privkey --id 0c --label vault --usage-decrypt
    check_output "unwrap" '^Key unwrapped$' user --unwrap -m 0x1054 --id 0c -i 0a.blob \
        --key-type AES: --application-id 13 --application-label arrived
    check "it is the key that left" same_zeros 13
    check_output "unwrap the package" '^Key unwrapped$' user --unwrap -m 0xCB460001 --id 0c \
        -i KeyTransferPackage-aes.byok --key-type AES: --application-id 14 --application-label arrived-in-package
    check "it is the key that left, too" same_zeros 14
    printf 'x' | dd of=0a.blob bs=1 seek=551 conv=notrunc status=none
    check_output "a damaged blob" 'CKR_WRAPPED_KEY_INVALID' refused user --unwrap -m 0x1054 --id 0c -i 0a.blob \
        --key-type AES: --application-id 15 --application-label damaged
    check "leaves nothing behind" lists_none damaged
}

the_end() {
    local id
    for id in 03 13 14; do
        check "destroy $id" user --delete-object --type secrkey --id "$id"
    done
    check "destroyed" lists_none 'label: +(aes|arrived)'
}

# Succeeds if there is a listing, and no line of it matches.
lists_none() {
    local listing
    listing=$(user -O 2>/dev/null)
    grep -q 'label: *rsa' <<<"$listing" && ! grep -E -- "$1" <<<"$listing"
}

size() {
    stat -c %s "$1" 2>/dev/null || echo none
}

# A block of zeros encrypted by a key on the token: what proves which AES key it is.
zeros_on_token() {
    head -c 16 /dev/zero >zeros
    user --encrypt -m AES-ECB --id "$1" -i zeros -o "$2"
}

same_zeros() {
    zeros_on_token "$1" "$1.zeros" && cmp "$1.zeros" aes.zeros
}

holds_aes() {
    local file=$1 key
    shift
    key=$("${opened[@]}" "$@" vault.pem "$file")
    openssl enc -aes-256-ecb -nopad -K "$key" -in zeros | cmp - aes.zeros
}

main
