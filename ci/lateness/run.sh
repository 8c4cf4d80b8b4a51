#!/bin/sh
# How late the edges of the reject output are: alone, with 50 open pages, and with a process beside the station that learns.
# Usage: ci/lateness/run.sh PROGRAM [SECONDS]. It prints figures and judges nothing: they belong to the machine.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
program=$(realpath "$1")
seconds=${2:-60}
desk=$(mktemp -d)
url=http://127.0.0.1:18765
station=
beside=
stop() {
    for process in $station $beside; do
        kill "$process" 2> /dev/null || true
    done
    wait
    rm -rf "$desk"
}
trap stop EXIT
cd "$desk"

cat >station.toml <<'TOML'
[engine]
path = "none.safetensors"
[camera]
source = "synthetic"
[camera.synthetic]
part = "puck"
belt_m_per_s = 0.2
pitch_m = 0.15
frame_rate_hz = 5.0
defect_share = 0.9
[trigger]
source = "free"
[reject]
delay_ms = 2000
decision_lead_ms = 10
pulse_ms = 30
[actuator]
sink = "log"
[view]
bind = "127.0.0.1:18765"
[teach]
folder = "lessons"
TOML

sed 's/defect_share = 0.9/defect_share = 0.0/; s/belt_m_per_s = 0.2/belt_m_per_s = 0.5/' station.toml >good.toml
"$program" --quiet teach lessons/3 --collect --config good.toml --parts 8 --validation 6
"$program" --quiet teach lessons/3 --eager --epochs 40 --false-reject-rate 0.2
"$program" --quiet teach lessons/3 --eager --step activate --config station.toml

# measure NAME: the edges of a run, and how late they were.
measure() {
    "$program" run --config station.toml 2>"$1.log" &
    station=$!
    if [ "$1" = pages ]; then
        python3 "$here/pages.py" "$url" 50 >pages &
        beside=$!
    fi
    sleep "$seconds"
    curl -s "$url/state.json" >"$1.json"
    curl -s "$url/metrics" >"$1.metrics"
    kill "$station"
    wait "$station" || true
    station=
    python3 "$here/tell.py" "$1" "$1.json" "$1.metrics"
}

measure alone
measure pages
wait "$beside" || true
beside=
cat pages
"$program" --quiet teach lessons/3 --step learn --epochs 1000000 --events >told 2>&1 &
beside=$!
measure fit
kill "$beside"
wait "$beside" || true
beside=
tail -n 2 told | cut -c 1-160
measure alone_again
