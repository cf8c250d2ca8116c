# Servers and agents that a script starts: sourced after arguments.sh. All end with the script.

started=()
trap 'end_started; rm -rf "$folder"' EXIT

# start LOG COMMAND…: runs it behind the script, its output in the file.
start() {
    local log=$1
    shift
    "$@" >"$log" 2>&1 </dev/null &
    started+=($!)
}

end_started() {
    local pid
    for pid in "${started[@]}"; do
        kill "$pid" 2>/dev/null || continue
        wait "$pid" 2>/dev/null || true
    done
    started=()
}

# until_line FILE EXPRESSION: prints what the expression's group matched, as soon as a line of the file does.
until_line() {
    local file=$1 expression=$2 found
    for _ in $(seq 100); do
        found=$(sed -nE "/$expression/{s/^.*$expression.*\$/\1/p;q}" "$file" 2>/dev/null || true)
        if [ -n "$found" ]; then
            echo "$found"
            return 0
        fi
        sleep 0.1
    done
    echo "no line of $file matches $expression:" >&2
    cat "$file" >&2
    return 1
}
