#!/usr/bin/env bash
# Our own tests: what `cargo test` runs, but as many of its programs at a time as there are processors. In each of
# them one test at a time has the module, because C_Initialize is for a whole process.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
logs=$(mktemp -d "${TMPDIR:-/tmp}/keyferry-cargo-test-XXXXXX")
trap 'rm -rf "$logs"' EXIT

main() {
    local programs status=0
    cargo test --no-run --locked
    mapfile -t programs < <(built)
    [ ${#programs[@]} -gt 0 ] || { echo "there are no tests"; exit 1; }
    export -f run
    export logs
    printf '%s\0' "${programs[@]}" | xargs -0 -n 1 -P "$(nproc)" bash -c 'run "$1"' run || status=1
    cargo test --doc --locked || status=1
    exit "$status"
}

# The test programs that cargo has built.
built() {
    cargo test --no-run --locked --message-format json 2>/dev/null </dev/null |
        grep -E '"profile":\{[^}]*"test":true' | sed -nE 's/.*"executable":"([^"]+)".*/\1/p'
}

# One of them; what it printed comes at its end, and all together.
run() {
    local name status=0
    name=$(basename "$1")
    "$1" >"$logs/$name" 2>&1 || status=$?
    {
        flock 9
        echo "-- ${name%-*}"
        cat "$logs/$name"
        # a program that dies says nothing
        [ "$status" -eq 0 ] || echo "   ${name%-*} ended with $status"
    } 9>"$logs/lock"
    return "$status"
}

main
