# A token with a user PIN, made by pkcs11-tool: sourced after arguments.sh.

# make_token LABEL
make_token() {
    pkcs11-tool --module "$module" --init-token --slot-index 0 --label "$1" --so-pin "$so_pin"
    pkcs11-tool --module "$module" --token-label "$1" --login --login-type so --so-pin "$so_pin" \
        --init-pin --new-pin "$pin"
}
