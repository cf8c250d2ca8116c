#!/usr/bin/env bash
# OpenSSH (9.2 of Debian 12) with keys on the token: listed by ssh-keygen, held by an agent, used for a login
# to an sshd of the script's own on loopback, and as an authority that signs a user's certificate.
#
#   openssh.sh [--module PATH] [--so-pin PIN] [--pin PIN]
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

user=$(id -un)

token() {
    pkcs11-tool --module "$module" --token-label openssh --login --pin "$pin" "$@"
}

main() {
    cd "$folder"
    chmod 700 .
    answer_for_the_pin
    check "make a token" make_token openssh
    check "RSA key pair" token --keypairgen --key-type RSA:2048 --id 01 --label rsa
    check "EC key pair" token --keypairgen --key-type EC:prime256v1 --id 02 --label ec
    the_listing
    the_server
    the_logins
    the_agent
    the_authority
    end_started
    report_end
}

# OpenSSH asks a program for the PIN when it has no terminal.
answer_for_the_pin() {
    printf '#!/bin/sh\necho %q\n' "$pin" >askpass
    chmod 700 askpass
    export SSH_ASKPASS=$folder/askpass SSH_ASKPASS_REQUIRE=force
    unset SSH_AUTH_SOCK
}

the_listing() {
    ssh-keygen -D "$module" >listed 2>/dev/null || true
    grep '^ssh-rsa ' listed >rsa.pub || true
    grep '^ecdsa-sha2-nistp256 ' listed >ec.pub || true
    check "ssh-keygen -D lists the RSA key" same_key rsa
    check "ssh-keygen -D lists the EC key" same_key ec
}

same_key() {
    token --read-object --type pubkey --label "$1" -o "$1.der"
    ssh-keygen -e -m PKCS8 -f "$1.pub" | openssl pkey -pubin -outform DER | cmp - "$1.der"
}

# An sshd for this user alone, that reads nothing of the machine's configuration.
the_server() {
    ssh-keygen -q -t ed25519 -N '' -f host
    ssh-keygen -q -t ed25519 -N '' -f visitor
    cp rsa.pub authorized
    cat >sshd_config <<END
ListenAddress 127.0.0.1
HostKey $folder/host
AuthorizedKeysFile $folder/authorized
TrustedUserCAKeys $folder/authority
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
END
    : >authority
    if [ "$(id -u)" -eq 0 ]; then mkdir -p /run/sshd; fi
    for _ in 1 2 3 4 5; do
        port=$(shuf -i 20000-60000 -n 1)
        start sshd.log "$(command -v sshd || echo /usr/sbin/sshd)" -D -e -f sshd_config -p "$port"
        if until_line sshd.log 'Server (listening) on 127.0.0.1'; then break; fi
    done >/dev/null 2>&1
    check "sshd listens" grep "Server listening on 127.0.0.1 port $port" sshd.log
    echo "[127.0.0.1]:$port $(cat host.pub)" >known
}

# log_in OPTION…: a command over a connection that has nothing but the options to prove itself.
log_in() {
    timeout 60 ssh -F none -p "$port" -o UserKnownHostsFile="$folder/known" -o StrictHostKeyChecking=yes \
        -o PreferredAuthentications=publickey -o NumberOfPasswordPrompts=1 "$@" "$user@127.0.0.1" 'echo logged "in"' </dev/null
}

the_logins() {
    local alias
    for alias in rsa ec; do
        cp "$alias.pub" authorized
        check_output "log in with $alias" '^logged in$' log_in -o PKCS11Provider="$module" -o IdentityFile=none
        check "sshd accepted $alias" accepted "$alias"
    done
    cp visitor.pub authorized
    check "a key that is not authorised stays out" refused log_in -o PKCS11Provider="$module" -o IdentityFile=none
}

accepted() {
    local fingerprint
    fingerprint=$(ssh-keygen -l -f "$1.pub" | awk '{ print $2 }')
    grep "Accepted publickey for $user from 127.0.0.1 .* $fingerprint" sshd.log
}

the_agent() {
    local alias
    start agent.log ssh-agent -D -a "$folder/agent" -P '/*'
    until_line agent.log 'SSH_AUTH_SOCK=(.*); export' >/dev/null
    export SSH_AUTH_SOCK=$folder/agent
    check_output "the agent takes the token" '^Card added' ssh-add -s "$module"
    check_output "it holds the RSA key" ' rsa \(RSA\)$' ssh-add -l
    check_output "it holds the EC key" ' ec \(ECDSA\)$' ssh-add -l
    for alias in rsa ec; do
        check "it signs with $alias" ssh-add -T "$alias.pub"
        cp "$alias.pub" authorized
        check_output "log in with $alias through the agent" '^logged in$' log_in -o IdentityFile="$folder/$alias.pub" -o IdentitiesOnly=yes
        check "sshsig by $alias" signed_file "$alias"
    done
    check_output "the agent gives the token back" '^Card removed' ssh-add -e "$module"
    check_output "it holds nothing" 'The agent has no identities' shrug ssh-add -l
    unset SSH_AUTH_SOCK
}

signed_file() {
    rm -f message.sig
    echo "a message" >message
    ssh-keygen -q -Y sign -n file -f "$1.pub" message
    echo "someone $(cat "$1.pub")" >signers
    ssh-keygen -Y verify -n file -I someone -f signers -s message.sig <message
}

# The key on the token signs a visitor's key, and sshd lets in whom it signed.
the_authority() {
    local alias
    : >authorized
    for alias in rsa ec; do
        cp "$alias.pub" authority
        rm -f visitor-cert.pub
        check "$alias signs a certificate" ssh-keygen -q -s "$alias.pub" -D "$module" -I visitor -n "$user" visitor.pub
        check_output "log in with the certificate by $alias" '^logged in$' log_in -o IdentityFile="$folder/visitor"
    done
}

# Runs a command that is expected to fail, for its output.
shrug() {
    ! "$@"
}

main
