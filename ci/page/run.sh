#!/usr/bin/env bash
# The live page in a real browser and /metrics through Prometheus' own parser, against a running station.
# usage: run.sh [SCREENSHOT]   Exit code 0: passed, 1: failed, 77: not run, with the reason.
# Needs Chromium and python3; fetches the Python package prometheus_client into a folder of its own.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
here=$root/ci/page
screenshot=${1:-}

not_run() {
    echo "page test not run: $1"
    exit 77
}

browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome || true)
[ -n "$browser" ] || not_run "needs a Chromium: apt install chromium"
command -v python3 > /dev/null || not_run "needs python3"
command -v curl > /dev/null || not_run "needs curl"

# shellcheck source=ci/station.sh
. "$root/ci/station.sh"
fetch_parser() {
    python3 -m venv "$scratch/venv" && "$scratch/venv/bin/pip" install -q "prometheus_client>=0.21,<1"
}
fetch_parser > /dev/null 2>&1 || not_run "cannot fetch prometheus_client from PyPI"

learn 40
port=$(free_ports 1)
sed "s/PORT/$port/" "$here/station.toml" > "$scratch/station.toml"
start "$scratch/station.toml"

url=http://127.0.0.1:$port
for _ in $(seq 120); do
    kill -0 "$station" 2> /dev/null || { echo "the station ended:"; tail -n 20 "$scratch/log"; exit 1; }
    curl -sf "$url/state.json" | grep -q '"history":\[\[.*\],\[.*\],\[' && break
    sleep 0.5
done

browse() {
    "$browser" --headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking \
        --disable-component-update --disable-sync --hide-scrollbars --user-data-dir="$(mktemp -d -p "$scratch")" \
        --virtual-time-budget=6000 "$@" 2> /dev/null
}
curl -sf "$url/metrics" > "$scratch/metrics"
"$scratch/venv/bin/python" "$here/check.py" metrics "$scratch/metrics"
browse --window-size=390,844 --dump-dom "$url/" > "$scratch/page.html"
"$scratch/venv/bin/python" "$here/check.py" page "$scratch/page.html"
if [ -n "$screenshot" ]; then
    browse --window-size=1080,1180 --screenshot="$screenshot" "$url/" > /dev/null
fi
echo "page test passed"
