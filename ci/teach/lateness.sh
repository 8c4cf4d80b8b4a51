#!/bin/sh
# How late the edges of the reject output are, without and with a process beside the station that learns.
# Usage: ci/teach/lateness.sh PROGRAM [SECONDS]. It prints figures and judges nothing: they belong to the machine.
set -eu

program=$(realpath "$1")
seconds=${2:-60}
desk=$(mktemp -d)
station=
teacher=
stop() {
    for process in $station $teacher; do
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
pitch_m = 0.2
frame_rate_hz = 5.0
defect_share = 0.25
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

sed 's/defect_share = 0.25/defect_share = 0.0/; s/belt_m_per_s = 0.2/belt_m_per_s = 0.5/' station.toml >good.toml
"$program" --quiet teach lessons/3 --collect --config good.toml --parts 8 --validation 6
"$program" --quiet teach lessons/3 --eager --epochs 40 --false-reject-rate 0.2
"$program" --quiet teach lessons/3 --eager --step activate --config station.toml

# The edges of a run, and their lateness: the mean, and the least bound that 99 % of them keep.
measure() {
    "$program" run --config station.toml 2>"$1.log" &
    station=$!
    sleep "$seconds"
    curl -s http://127.0.0.1:18765/metrics >"$1.metrics"
    kill "$station"
    wait "$station" || true
    station=
    awk -v name="$1" '
        /^crosscheck_edge_late_seconds_bucket/ { split($1, a, "\""); bound[n] = a[2]; count[n++] = $2 }
        /^crosscheck_edge_late_seconds_sum/ { sum = $2 }
        /^crosscheck_edge_late_seconds_count/ { all = $2 }
        /^crosscheck_late_verdicts_total/ { late = $2 }
        END {
            for (i = 0; i < n && count[i] < 0.99 * all; i++) {}
            printf "%-18s %d edges, mean %.3f ms, 99 %% within %s s, %d late verdicts\n",
                name, all, all ? 1e3 * sum / all : 0, bound[i], late
        }' "$1.metrics"
}

measure alone
"$program" --quiet teach lessons/3 --step learn --epochs 1000000 --events >told 2>&1 &
teacher=$!
measure beside_a_fit
kill "$teacher"
wait "$teacher" || true
teacher=
tail -n 2 told | cut -c 1-160
