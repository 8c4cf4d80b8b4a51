#!/usr/bin/env bash
# The live page in a real browser and /metrics through Prometheus' own parser, against a running station.
# usage: run.sh [FOLDER]   writes page.png, review.png and teach.png into FOLDER. Exit code 0: passed, 1: failed, 77: not run, with the reason.
# Needs Chromium, which it installs as root on Debian, its driver and python3; fetches the Python packages prometheus_client and selenium into a folder of its own.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
here=$root/ci/page
screenshots=${1:+$(realpath "$1")}

not_run() {
    echo "page test not run: $1"
    exit 77
}

# shellcheck source=ci/install.sh
. "$root/ci/install.sh"
command -v chromium chromium-browser google-chrome > /dev/null || install_packages chromium || not_run "needs a Chromium: apt install chromium"
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
# try TIMES COMMAND...: every half second while the station runs, until the command succeeds.
try() {
    local times=$1
    shift
    for _ in $(seq "$times"); do
        kill -0 "$station" 2> /dev/null || { echo "the station ended:"; tail -n 20 "$scratch/log"; exit 1; }
        "$@" && return
        sleep 0.5
    done
}
has_history() { curl -sf "$url/state.json" | grep -q '"history":\[\[.*\],\[.*\],\['; }
has_rejects() { [ "$(find "$scratch/reviewed/parts/test/reject/verdict" -name '*.json' 2> /dev/null | wc -l)" -ge 4 ]; }
answers() { curl -sf "$url/session" > /dev/null; }

try 120 has_history

"$scratch/venv/bin/python" "$here/check.py" "$url" ${screenshots:+"$screenshots/page.png"}

# The same station again, and people have accounts.
kill "$station"
wait "$station" || true
sed "s/PORT/$port/; s/^token = .*/accounts = \"accounts.toml\"/; s/\"recording\"/\"reviewed\"/" "$here/station.toml" > "$scratch/station.toml"
cat >> "$scratch/station.toml" << 'KEYS'
[audit]
file = "audit.sqlite"
KEYS
for role in viewer operator engineer; do
    echo correct-horse-battery | "$program" account add -q "$scratch/accounts.toml" "$role" --role "$role"
done
start "$scratch/station.toml"
try 240 has_rejects
"$scratch/venv/bin/python" "$here/review.py" "$url" "$scratch/reviewed" ${screenshots:+"$screenshots/review.png"}
"$program" audit "$scratch/station.toml" > "$scratch/audit.csv"
for what in login review; do
    grep -q ",operator,operator,127.0.0.1,page,$what," "$scratch/audit.csv" || { cat "$scratch/audit.csv"; exit 1; }
done
"$program" audit "$scratch/station.toml" --verify

# Another station has no engine yet, and is taught by the good parts that its camera shows.
kill "$station"
wait "$station" || true
"$program" synthesize --part biscuit --train 1 --validation 40 --good 120 --defective 8 --seed 1 --out "$scratch/synthesized" > /dev/null
python3 "$here/known.py" "$scratch/synthesized/biscuit" "$scratch/known"
sed -i '/^\[camera\]/,/^\[trigger\]/d; s/engine.safetensors/none.safetensors/' "$scratch/station.toml"
sed -i 's/^source = "free"/[trigger]\nsource = "frame"/; s/"reviewed"/"taught"/' "$scratch/station.toml"
camera() {
    printf '[teach]\nfolder = "lessons"\n[camera]\nsource = "replay"\n[camera.replay]\nfolder = "known/%s"\nframe_rate_hz = %s\nrepeat = true\n' "$1" "$2" |
        cat "$scratch/station.toml" - > "$scratch/taught.toml"
}
camera good 2.5
start "$scratch/taught.toml"
try 120 answers
"$scratch/venv/bin/python" "$here/teach.py" "$url" ${screenshots:+"$screenshots/teach.png"} || { tail -n 30 "$scratch/log"; exit 1; }

# Then its camera shows other parts, of which it is known what they are, and its threshold is so low that it rejects good ones.
# It is made better by some of these.
kill "$station"
wait "$station" || true
camera belt 2.0
for step in calibrate score activate; do
    "$program" --quiet teach "$scratch/lessons/7" --eager --step "$step" --false-reject-rate 0.2 --config "$scratch/taught.toml"
done
start "$scratch/taught.toml"
try 120 answers
cp "$scratch/lessons/7/engine.safetensors" "$scratch/before.safetensors"
"$scratch/venv/bin/python" "$here/revise.py" "$url" "$scratch/taught" "$scratch/known/truth.json" \
    ${screenshots:+"$screenshots/revise.png"} || { tail -n 30 "$scratch/log"; exit 1; }
for engine in "$scratch/before.safetensors" "$scratch/lessons/7/engine.safetensors"; do
    "$program" evaluate --dataset "$scratch/known/fresh" --engine "$engine" --report "$scratch/$(basename "$engine").report" > /dev/null 2>&1
done
python3 "$here/compare.py" "$scratch/before.safetensors.report" "$scratch/engine.safetensors.report"
echo "page test passed"
