#!/usr/bin/env bash
# What the built module shows to the process that loads it: the functions of PKCS#11 and nothing else.
#
#   exports.sh [--module PATH]
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=lib/report.sh
source "$here/lib/report.sh"
# shellcheck source=lib/arguments.sh
source "$here/lib/arguments.sh" "$@"

main() {
    local name
    # Into files first: a reader that fails ends the script instead of showing nothing amiss.
    nm -D --defined-only "$module" | awk '{ print $3 }' >"$folder/defined"
    nm -D --undefined-only "$module" | awk '{ print $2 }' >"$folder/undefined"
    readelf -d "$module" | sed -nE 's/.*NEEDED.*\[(.*)\]/\1/p' >"$folder/needed"
    for name in C_GetFunctionList C_GetInterface C_GetInterfaceList C_WrapKey; do
        check "exports $name" grep -qx "$name" "$folder/defined"
    done
    check "exports nothing but C_*" nothing_else
    check "needs the C library" grep -q '^libc\.so' "$folder/needed"
    check "needs nothing but the C library" only_the_c_library
    check "calls something" grep -q '^malloc' "$folder/undefined"
    check "has no code that runs at exit" refused grep -Eq '^(atexit|on_exit)(@|$)' "$folder/undefined"
    cc -std=c11 -Wall -Wextra -Werror -rdynamic -o "$folder/host" "$here/lib/host.c" -ldl
    check_output "is not captured by its host" '^loaded twice, nothing captured$' "$folder/host" "$module"
    report_end
}

nothing_else() {
    local others
    others=$(grep -v '^C_[A-Za-z]*$' "$folder/defined") || return 0
    echo "$others"
    return 1
}

only_the_c_library() {
    local others
    others=$(grep -Ev '^(libc|libm|libdl|libpthread|librt|libgcc_s|ld-linux.*)\.so' "$folder/needed") || return 0
    echo "$others"
    return 1
}

main
