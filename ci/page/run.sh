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

scratch=$(mktemp -d)
station=
stop() {
    [ -z "$station" ] || kill "$station" 2> /dev/null || true
    [ -z "$station" ] || wait "$station" 2> /dev/null || true
    rm -rf "$scratch"
}
trap stop EXIT
fetch_parser() {
    python3 -m venv "$scratch/venv" && "$scratch/venv/bin/pip" install -q "prometheus_client>=0.21,<1"
}
fetch_parser > /dev/null 2>&1 || not_run "cannot fetch prometheus_client from PyPI"

cd "$root"
cargo build --release --quiet
# A copy: what runs beside this test builds the program with other features into the same place.
cp "${CARGO_TARGET_DIR:-target}/release/crosscheck" "$scratch/crosscheck"
program=$scratch/crosscheck
"$program" synthesize --part biscuit --train 8 --validation 20 --good 1 --defective 1 --out "$scratch/parts" > /dev/null
"$program" fit --nominal "$scratch/parts/biscuit/train" --epochs 40 -o "$scratch/engine.safetensors" > /dev/null 2>&1
"$program" calibrate --engine "$scratch/engine.safetensors" --nominal "$scratch/parts/biscuit/validation" \
    --false-reject-rate 0.05 > /dev/null 2>&1
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
sed "s/PORT/$port/" "$here/station.toml" > "$scratch/station.toml"
"$program" run --config "$scratch/station.toml" > "$scratch/log" 2>&1 &
station=$!

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
