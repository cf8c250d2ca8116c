# The arguments of a shell script, and a folder of its own with keyferry's store in it: sourced.
# Sets root, module, python, so_pin, pin, folder.

# shellcheck source=policy.sh
source "$(dirname "${BASH_SOURCE[0]}")/policy.sh"
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
target=${CARGO_TARGET_DIR:-$root/target}
module=$target/release/libkeyferry.so
python=$target/conformance-venv/bin/python
so_pin=12345678
pin=1234-5678

while [ $# -gt 0 ]; do
    case $1 in
    --module) module=$(realpath -- "$2") ;;
    --so-pin) so_pin=$2 ;;
    --pin) pin=$2 ;;
    *)
        echo "unknown argument: $1" >&2
        exit 2
        ;;
    esac
    shift 2
done

folder=$(mktemp -d "${TMPDIR:-/tmp}/keyferry-conformance-XXXXXX")
trap 'rm -rf "$folder"' EXIT
export KEYFERRY_STORE=sqlite:$folder/store LC_ALL=C.UTF-8
