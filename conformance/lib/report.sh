# Counting cases in a shell script: sourced, not run. `check NAME COMMAND…` is a case; `report_end`
# prints the sum as the last line and answers whether all passed.

passed=0
failed=0

# A case: passed if the command succeeds, and every command of it if it is a function. Its output is
# shown only if it does not. (`set -e` says nothing inside an `if`, hence the detour.)
check() {
    local name=$1 output status
    shift
    set +e
    output=$(set -e; "$@" 2>&1)
    status=$?
    set -e
    if [ "$status" -eq 0 ]; then
        passed=$((passed + 1))
        echo "  ok $name"
    else
        failed=$((failed + 1))
        echo "  FAILED $name: $*"
        echo "$output" | sed 's/^/    /' | tail -n 20
    fi
}

# A case: passed if the output of the command has a line that matches the extended expression.
check_output() {
    local name=$1 expected=$2
    shift 2
    check "$name" matches "$expected" "$@"
}

matches() {
    local expected=$1 output status
    shift
    set +e
    output=$(set -e; "$@" 2>&1)
    status=$?
    set -e
    if [ "$status" -ne 0 ]; then
        echo "exit status $status"
    elif grep -Eq -- "$expected" <<<"$output"; then
        return 0
    else
        echo "no line matches: $expected"
    fi
    echo "$output"
    return 1
}

# Succeeds if the command fails.
refused() {
    ! "$@"
}

report_end() {
    echo "$passed passed, $failed failed"
    [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
}
