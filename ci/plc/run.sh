#!/usr/bin/env bash
# A running station through an independent Modbus client. Exit code 0: passed, 1: failed, 77: not run, with the reason.
# As root on Debian it installs what is missing: python3-pymodbus, python3-serial-asyncio (which it loads for any client).
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
here=$root/ci/plc

not_run() {
    echo "PLC test not run: $1"
    exit 77
}

# Debian's package is for Debian's Python, which is not always the first one.
python() {
    local found
    for found in /usr/bin/python3 python3; do
        "$found" -c "import pymodbus.client" 2> /dev/null && echo "$found" && return
    done
    return 1
}

# shellcheck source=ci/install.sh
. "$root/ci/install.sh"
if ! python > /dev/null; then
    install_packages python3-pymodbus python3-serial-asyncio || not_run "needs python3-pymodbus and python3-serial-asyncio"
fi
python=$(python) || not_run "python3-pymodbus does not load"

# shellcheck source=ci/station.sh
. "$root/ci/station.sh"
learn 10
read -r page plc <<< "$(free_ports 2)"
sed "s/PAGE/$page/; s/PLC/$plc/" "$here/station.toml" > "$scratch/station.toml"
start "$scratch/station.toml"

if ! "$python" "$here/check.py" "$plc" "$page"; then
    echo "the station's log:"
    tail -n 40 "$scratch/log"
    exit 1
fi
kill "$station"
status=0
wait "$station" || status=$?
station=
[ "$status" -eq 0 ] || { echo "the station ended with $status:"; tail -n 20 "$scratch/log"; exit 1; }
echo "PLC test passed"
