#!/usr/bin/env bash
# The clouds' command lines, stood in for by OpenSSL: called by the name of one of them (az, aws, gcloud, oci,
# vault), or as attest, which attests anything. Knows the commands of docs/byok.md and their options, and nothing else. Keeps its key exchange key, and
# what shows which keys arrived, in the folder $CLOUD.
set -euo pipefail

kek=$CLOUD/kek.pem
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
declare -A given

main() {
    [ -e "$kek" ] || openssl genrsa -out "$kek" 4096 2>/dev/null
    case "$(basename "$0") $*" in
    "az keyvault key create "*) options 3 "--kty --size --ops --name --vault-name --hsm-name" "$@" && azure_create ;;
    "az keyvault key show "*) options 3 "--name --vault-name --hsm-name --query --output" "$@" && azure_show ;;
    "az keyvault key import "*)
        options 3 "--name --vault-name --hsm-name --byok-file --kty --curve --ops" "$@" && azure_import
        ;;
    "az keyvault key download "*) options 3 "--hsm-name --name --file" "$@" && azure_download ;;
    "az rest "*) options 1 "--method --url --resource --body" "$@" && azure_release ;;
    "attest "*) printf '%s.%s.%s' e30 "$(base64url <"$1")" e30 ;;
    "aws kms create-key "*) options 2 "--origin --key-spec --key-usage --query --output" "$@" && aws_create ;;
    "aws kms get-parameters-for-import "*)
        options 2 "--key-id --wrapping-algorithm --wrapping-key-spec --query --output" "$@" && aws_parameters
        ;;
    "aws kms import-key-material "*)
        options 2 "--key-id --encrypted-key-material --import-token --expiration-model" "$@" && aws_import
        ;;
    "gcloud kms import-jobs create job "*)
        options 4 "--location --keyring --import-method --protection-level" "$@" && google_job
        ;;
    "gcloud kms import-jobs describe job "*) options 4 "--location --keyring --format" "$@" && public PEM ;;
    "gcloud kms keys create "*)
        options 4 "--location --keyring --purpose --default-algorithm --protection-level --import-only \
            --skip-initial-version-creation" "$@"
        ;;
    "gcloud kms keys versions import "*)
        options 4 "--location --keyring --key --import-job --algorithm --wrapped-key-file" "$@" && google_import
        ;;
    "oci kms management wrapping-key get "*) options 4 "--endpoint --query --raw-output" "$@" && public PEM ;;
    "oci kms management key import "*)
        options 4 "--endpoint --compartment-id --display-name --key-shape --wrapped-import-key" "$@" && oracle_import
        ;;
    "vault read -field=public_key transit/wrapping_key") public PEM ;;
    "vault write transit/keys/"*) vault_import "$@" ;;
    *) fail "no such command: $(basename "$0") $*" ;;
    esac
}

fail() {
    echo "$*" >&2
    exit 1
}

# options WORDS KNOWN COMMAND…: what follows the command's first words, by name.
options() {
    local skip=$1 known=" $2 " name=
    shift $((2 + skip))
    for word in "$@"; do
        if [[ $word == --* ]]; then
            [[ $known == *" $word "* ]] || fail "no such option: $word"
            name=$word given[$word]=
        else
            given[$name]+="${given[$name]:+ }$word"
        fi
    done
}

# is OPTION VALUE: refuses another value.
is() {
    [ "${given[$1]-}" = "$2" ] || fail "$1 is '${given[$1]-}', not '$2'"
}

public() {
    openssl rsa -in "$kek" -pubout -outform "$1" 2>/dev/null
}

# opened HASH: what is in $work/blob, under OAEP with this hash, then AES-256 key wrapping with padding.
opened() {
    head -c 512 "$work/blob" >"$work/head"
    tail -c +513 "$work/blob" >"$work/tail"
    decrypted "$1" "$work/head" >"$work/aes"
    # the IV is the constant of RFC 5649 section 3
    openssl enc -d -id-aes256-wrap-pad -K "$(digits "$work/aes")" -iv A65959A6 -in "$work/tail" -out "$work/key"
}

decrypted() {
    openssl pkeyutl -decrypt -inkey "$kek" -in "$2" \
        -pkeyopt rsa_padding_mode:oaep -pkeyopt "rsa_oaep_md:$1" -pkeyopt "rsa_mgf1_md:$1"
}

digits() {
    od -An -v -tx1 "$1" | tr -d ' \n'
}

# arrived NAME: notes the public half of a private key, or a block of zeros under an AES key.
arrived() {
    mkdir -p "$CLOUD/arrived"
    if [ "$(wc -c <"$work/key")" -le 32 ]; then
        head -c 16 /dev/zero |
            openssl enc -aes-256-ecb -nopad -K "$(digits "$work/key")" >"$CLOUD/arrived/$1"
    else
        openssl pkey -inform DER -in "$work/key" -pubout -outform DER >"$CLOUD/arrived/$1"
    fi
}

azure_kid() {
    local domain=vault.azure.net
    [ -z "${given[--hsm-name]-}" ] || domain=managedhsm.azure.net
    echo "https://contoso.$domain/keys/KEK/0123456789abcdef0123456789abcdef"
}

shared_kid=https://contoso.managedhsm.azure.net/keys/shared/fedcba9876543210fedcba9876543210

azure_show() {
    if [ "${given[--name]}" = shared ]; then
        is --query key.kid
        is --output tsv
        echo "$shared_kid"
    else
        azure_kek
    fi
}

# member NAME FILE: a string in JSON.
member() {
    tr -d '\n' <"$2" | sed -E "s/.*\"$1\": *\"([^\"]*)\".*/\1/"
}

azure_create() {
    is --kty RSA-HSM
    is --size 4096
    is --ops import
    azure_kek
}

# As `az` prints a key: base64 instead of base64url, `keyOps`, and nulls.
azure_kek() {
    local modulus
    is --name KEK
    modulus=$(openssl rsa -in "$kek" -noout -modulus | sed 's/^Modulus=//;s/../\\x&/g')
    modulus=$(printf '%b' "$modulus" | base64 -w 0)
    cat <<END
{
  "attributes": { "enabled": true, "expires": null },
  "key": {
    "crv": null, "d": null, "e": "AQAB", "keyOps": [ "import" ], "kid": "$(azure_kid)",
    "kty": "RSA-HSM", "n": "$modulus", "p": null, "t": null
  },
  "managed": null
}
END
}

azure_import() {
    local named
    named=$(member kid "${given[--byok-file]}")
    [ "$named" = "$(azure_kid)" ] || fail "the package is for $named"
    member ciphertext "${given[--byok-file]}" | tr -- '-_' '+/' | awk '{ while (length($0) % 4) $0 = $0 "="; print }' | base64 -d >"$work/blob"
    opened sha1
    case "${given[--kty]-RSA} ${given[--curve]-}" in
    "RSA " | "EC P-256") is --ops "sign verify" ;;
    "oct ") is --ops "encrypt decrypt" ;;
    *) fail "no such --kty and --curve" ;;
    esac
    arrived "azure-${given[--name]}"
}

base64url() {
    base64 -w 0 | tr '+/' '-_' | tr -d '='
}

# The key that can be released.
shared() {
    [ -e "$CLOUD/shared.pem" ] ||
        openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$CLOUD/shared.pem"
}

azure_download() {
    is --name shared
    shared
    openssl pkey -in "$CLOUD/shared.pem" -pubout -out "${given[--file]}"
}

# As a Managed HSM answers a release request: a token, in whose payload is the wrapped key.
azure_release() {
    local package payload
    is --method post
    is --url "$shared_kid/release?api-version=7.4"
    is --resource https://managedhsm.azure.net
    printf '%s' "${given[--body]}" >"$work/body"
    [ "$(member enc "$work/body")" = RSA_AES_KEY_WRAP_256 ] || fail "another enc"
    member target "$work/body" | cut -d . -f 2 | tr -- '-_' '+/' |
        awk '{ while (length($0) % 4) $0 = $0 "="; print }' | base64 -d >"$work/attested.pem"
    shared
    openssl pkcs8 -topk8 -nocrypt -in "$CLOUD/shared.pem" -outform DER -out "$work/key"
    openssl rand -out "$work/aes" 32
    openssl pkeyutl -encrypt -pubin -inkey "$work/attested.pem" -in "$work/aes" -out "$work/head" \
        -pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha256 -pkeyopt rsa_mgf1_md:sha256
    openssl enc -e -id-aes256-wrap-pad -K "$(digits "$work/aes")" -iv A65959A6 -in "$work/key" -out "$work/tail"
    package=$(printf '{"ciphertext":"%s","header":{"alg":"dir","enc":"RSA_AES_KEY_WRAP_256","kid":"attested"},"schema_version":"1.0"}' \
        "$(cat "$work/head" "$work/tail" | base64url)")
    payload=$(printf '{"request":{"enc":"RSA_AES_KEY_WRAP_256"},"response":{"key":{"key":{"kty":"EC","key_hsm":"%s"}}}}' \
        "$(printf '%s' "$package" | base64url)")
    printf '{"value":"%s.%s.%s"}\n' e30 "$(printf '%s' "$payload" | base64url)" e30
}

aws_create() {
    is --origin EXTERNAL
    is --query KeyMetadata.KeyId
    is --output text
    echo "1234abcd-${given[--key-spec]}"
}

aws_parameters() {
    is --query "[PublicKey, ImportToken]"
    is --output text
    is --wrapping-key-spec RSA_4096
    printf '%s\t%s\n' "$(public DER | base64 -w 0)" \
        "$(printf '%s %s' "${given[--key-id]}" "${given[--wrapping-algorithm]}" | base64 -w 0)"
}

aws_import() {
    local key wrapping
    is --expiration-model KEY_MATERIAL_DOES_NOT_EXPIRE
    read -r key wrapping <"${given[--import-token]#fileb://}" || true
    is --key-id "$key"
    cp "${given[--encrypted-key-material]#fileb://}" "$work/blob"
    case $wrapping in
    RSA_AES_KEY_WRAP_SHA_256) opened sha256 ;;
    RSAES_OAEP_SHA_256) decrypted sha256 "$work/blob" >"$work/key" ;;
    *) fail "no such wrapping: $wrapping" ;;
    esac
    arrived "aws-${key#1234abcd-}"
}

google_job() {
    is --import-method rsa-oaep-4096-sha256-aes-256
    is --protection-level hsm
}

google_import() {
    is --import-job job
    is --algorithm rsa-sign-pkcs1-3072-sha256
    cp "${given[--wrapped-key-file]}" "$work/blob"
    opened sha256
    arrived "google-${given[--key]}"
}

oracle_import() {
    local import=${given[--wrapped-import-key]}
    is --key-shape '{"algorithm":"RSA","length":384}'
    [[ $import == *'"wrappingAlgorithm":"RSA_OAEP_AES_SHA256"'* ]] || fail "another wrappingAlgorithm"
    sed -E 's/.*"keyMaterial":"([^"]*)".*/\1/' <<<"$import" | base64 -d >"$work/blob"
    opened sha256
    arrived "oracle-${given[--display-name]}"
}

vault_import() {
    local name=${2#transit/keys/}
    [ "$*" = "write $2 ciphertext=@signing.vault.b64 type=rsa-3072 hash_function=SHA256" ] || fail "another request: $*"
    base64 -d signing.vault.b64 >"$work/blob"
    opened sha256
    arrived "vault-${name%/import}"
}

main "$@"
