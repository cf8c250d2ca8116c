#!/usr/bin/env bash
# NSS (3.87 of Debian 12): modutil takes the module into a database, certutil makes keys and certificates on its
# token, and cmsutil and tstclnt use them.
#
#   nss.sh [--module PATH] [--so-pin PIN] [--pin PIN]
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
    pkcs11-tool --module "$module" --token-label nss --login --pin "$pin" "$@"
}

cert_tool() {
    certutil "$@" -d sql:database -h nss -f password
}

main() {
    local alias
    cd "$folder"
    mkdir database
    echo "$pin" >password
    head -c 1000 /dev/urandom >message
    head -c 64 /dev/urandom >noise
    check "make a token" make_token nss
    openssl req -new -x509 -newkey rsa:2048 -nodes -keyout server.key -out server.crt -subj /CN=localhost 2>/dev/null
    the_database
    for alias in rsa ec; do
        the_key "$alias"
        the_client "$alias" tls1.2
        the_client "$alias" tls1.3
    done
    the_end
    report_end
}

the_database() {
    check "make a database" certutil -N -d sql:database --empty-password
    check_output "add the module" '^Module "conformance" added to database\.$' \
        modutil -dbdir sql:database -add conformance -libfile "$module" -force
    check_output "it is listed" "Library file: .*$module" modutil -dbdir sql:database -list conformance
    check_output "it is enabled" 'Status: Enabled' modutil -dbdir sql:database -list conformance
    check_output "its token" '^[[:space:]]*Token Name: +nss' modutil -dbdir sql:database -list conformance
    check "change the PIN and change it back" another_pin
}

another_pin() {
    echo "another-$pin" >other
    modutil -dbdir sql:database -force -changepw nss -pwfile password -newpwfile other
    pkcs11-tool --module "$module" --token-label nss --login --pin "another-$pin" -O
    modutil -dbdir sql:database -force -changepw nss -pwfile other -newpwfile password
    user -O
}

the_key() {
    local kind=(rsa -g 2048)
    if [ "$1" = ec ]; then kind=(ec -q nistp256); fi
    check "generate $1 and its certificate" cert_tool -S -n "$1" -s CN=localhost -x -t CT,CT,CT -k "${kind[@]}" \
        -Z SHA256 -z noise -m "$(od -An -N3 -tu4 noise | tr -d ' ')" --extSAN dns:localhost
    : "$(head -c 64 /dev/urandom >noise)"
    check_output "list the key of $1" "nss:$1\$" cert_tool -K
    check_output "list the certificate of $1" "^nss:$1 +CTu,Cu,Cu" cert_tool -L
    check "the certificate of $1" certified "$1"
    check "a request for a new key like $1" requested "${kind[@]}"
    check "a CMS signature by $1" signed "$1"
}

certified() {
    cert_tool -L -n "nss:$1" -a -o "$1.crt"
    openssl verify -CAfile "$1.crt" -check_ss_sig "$1.crt"
}

requested() {
    cert_tool -R -s CN=request -k "$@" -Z SHA256 -z noise -a -o request.csr
    openssl req -verify -noout -in request.csr
}

signed() {
    cmsutil -S -d sql:database -f password -N "nss:$1" -i message -o "$1.cms" -H SHA256
    openssl cms -verify -inform DER -in "$1.cms" -CAfile "$1.crt" -purpose any -binary -out opened
    cmp opened message
}

# OpenSSL's s_server admits the certificate alone; tstclnt proves itself with the key on the token. (NSS's own server
# listens on every interface.)
the_client() {
    local alias=$1 version=$2 port log=server-$2.$1
    start "$log" openssl s_server -accept 127.0.0.1:0 -cert server.crt -key server.key -Verify 1 -verify_return_error \
        -CAfile "$alias.crt" -rev
    port=$(until_line "$log" '^ACCEPT 127.0.0.1:([0-9]+)' || echo 0)
    check "a $version client with $alias" turned_round "$alias" "$version" "$port"
    end_started
}

turned_round() {
    # tstclnt goes on until it is told to stop.
    echo "over the wire" |
        timeout 6 tstclnt -d sql:database -W password -n "nss:$1" -V "$2:$2" -h localhost -p "$3" -4 -o >turned 2>&1 || true
    cat turned
    grep 'eriw eht revo' turned
}

the_end() {
    check "delete the certificate of rsa" cert_tool -D -n nss:rsa
    check "delete the key of ec" cert_tool -F -n nss:ec
    check "it is gone from the token" refused grep -q 'label: *ec$' <(user -O --type cert 2>&1)
    check_output "remove the module" 'deleted from database' modutil -dbdir sql:database -delete conformance -force
}

main
