# The policies of the programs under test: sourced. A test asks what the token does, not what an update of
# Debian's packages allows; so each library reads a file of ours. `policy` is the folder with the files.

policy=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/policy
export OPENSSL_CONF=$policy/openssl.cnf
export GNUTLS_SYSTEM_PRIORITY_FILE=$policy/gnutls.conf
export NSS_IGNORE_SYSTEM_POLICY=1
