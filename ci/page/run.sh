#!/usr/bin/env bash
# The live page in a real browser and /metrics through Prometheus' own parser, against a running station.
# usage: run.sh [FOLDER]   writes page.png, review.png and teach.png into FOLDER. Exit code 0: passed, 1: failed, 77: not run, with the reason.
# Needs Chromium, its driver and python3; fetches the Python packages prometheus_client and selenium into a folder of its own.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
here=$root/ci/page
screenshots=${1:+$(realpath "$1")}

not_run() {
    echo "page test not run: $1"
    exit 77
}

browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome || true)
[ -n "$browser" ] || not_run "needs a Chromium: apt install chromium"
# shellcheck source=ci/debian.sh
. "$root/ci/debian.sh"
provide chromedriver chromium-driver || not_run "needs Chromium's driver: apt install chromium-driver"
command -v python3 > /dev/null || not_run "needs python3"
command -v curl > /dev/null || not_run "needs curl"

# shellcheck source=ci/station.sh
. "$root/ci/station.sh"
fetch_parser() {
    python3 -m venv "$scratch/venv" && "$scratch/venv/bin/pip" install -q "prometheus_client>=0.21,<1" "selenium>=4.30,<5"
}
fetch_parser > /dev/null 2>&1 || not_run "cannot fetch prometheus_client and selenium from PyPI"

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

"$scratch/venv/bin/python" "$here/check.py" "$url" ${screenshots:+"$screenshots/page.png"}

# The same station records, and people have accounts.
kill "$station"
wait "$station" || true
sed "s/PORT/$port/; s/^token = .*/accounts = \"accounts.toml\"/" "$here/station.toml" > "$scratch/station.toml"
cat >> "$scratch/station.toml" << 'KEYS'
[audit]
file = "audit.sqlite"
[record]
folder = "recording"
pass_share = 0.5
KEYS
for role in viewer operator engineer; do
    echo correct-horse-battery | "$program" account add -q "$scratch/accounts.toml" "$role" --role "$role"
done
start "$scratch/station.toml"
for _ in $(seq 240); do
    kill -0 "$station" 2> /dev/null || { echo "the station ended:"; tail -n 20 "$scratch/log"; exit 1; }
    [ "$(find "$scratch/recording/parts/test/reject/verdict" -name '*.json' 2> /dev/null | wc -l)" -ge 4 ] && break
    sleep 0.5
done
"$scratch/venv/bin/python" "$here/review.py" "$url" "$scratch/recording" ${screenshots:+"$screenshots/review.png"}
"$program" audit "$scratch/station.toml" > "$scratch/audit.csv"
for what in login review; do
    grep -q ",operator,operator,127.0.0.1,page,$what," "$scratch/audit.csv" || { cat "$scratch/audit.csv"; exit 1; }
done
"$program" audit "$scratch/station.toml" --verify

# Another station has no engine yet, and is taught. Its camera shows 32 parts before it repeats itself.
kill "$station"
wait "$station" || true
sed "s/engine.safetensors/none.safetensors/; s/^defect_share = .*/defect_share = 0.0\nbelt_m_per_s = 0.25\npitch_m = 0.2/; s/^frame_rate_hz = .*/frame_rate_hz = 2.5/" "$scratch/station.toml" > "$scratch/taught.toml"
printf '[teach]\nfolder = "lessons"\n' >> "$scratch/taught.toml"
start "$scratch/taught.toml"
for _ in $(seq 120); do
    kill -0 "$station" 2> /dev/null || { echo "the station ended:"; tail -n 20 "$scratch/log"; exit 1; }
    curl -sf "$url/session" > /dev/null && break
    sleep 0.5
done
"$scratch/venv/bin/python" "$here/teach.py" "$url" ${screenshots:+"$screenshots/teach.png"} || { tail -n 30 "$scratch/log"; exit 1; }
echo "page test passed"
