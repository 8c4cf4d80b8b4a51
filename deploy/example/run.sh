#!/usr/bin/env bash
# Three stations on two lines, a Prometheus with the rules of deploy/prometheus, and a broker, all on this machine. The
# stations have synthetic cameras and drive nothing.
# usage: run.sh [--program PROGRAM] [COMMAND...]   PROGRAM: target/release/crosscheck if left out
# Everything is in a folder of its own, on ports of its own, and ends with this script: at Ctrl-C, or when COMMAND ends, whose
# exit code is then this script's. COMMAND finds the folder in FLEET, Prometheus in PROMETHEUS, and the broker's port in
# BROKER, which is empty where the program was built without the feature mqtt.
# Needs python3, and prometheus, mosquitto and mosquitto_sub, which it downloads on Debian where they are not installed.
# Exit code 77: not run, with the reason.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
# shellcheck source=ci/debian.sh
. "$root/ci/debian.sh"

not_run() {
    echo "example not run: $1"
    exit 77
}

program=$root/target/release/crosscheck
if [ "${1:-}" = --program ]; then
    program=$(realpath "$2")
    shift 2
fi
[ -x "$program" ] || not_run "there is no $program: cargo build --release --features mqtt"
command -v python3 > /dev/null || not_run "needs python3"
provide prometheus prometheus || not_run "needs prometheus"
provide mosquitto mosquitto || not_run "needs mosquitto"
provide mosquitto_sub mosquitto-clients || not_run "needs mosquitto_sub (Debian: mosquitto-clients)"

FLEET=$(mktemp -d)
export FLEET
cd "$FLEET"
running=()
end() {
    [ ${#running[@]} -eq 0 ] || kill "${running[@]}" 2> /dev/null || true
    wait
    rm -rf "$FLEET"
}
trap end EXIT
trap exit INT TERM
# start NAME COMMAND...: in the background, its output in NAME.log and its process in NAME.pid.
start() {
    local name=$1
    shift
    "$@" > "$name.log" 2>&1 &
    running+=($!)
    echo $! > "$name.pid"
}
free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

echo "learning a part"
"$program" synthesize --quiet --part puck --seed 1 --train 8 --validation 12 --good 6 --defective 1 --out parts
"$program" fit --quiet --nominal parts/puck/train --epochs 30 --copies 0 --turned never -o puck.safetensors
"$program" calibrate --quiet --engine puck.safetensors --nominal parts/puck/validation --false-reject-rate 0.1

# A camera that can be unplugged: frames that lead into another folder. Where that is gone, no frame comes.
mkdir -p camera/rgb camera/xyz
cp -r parts/puck/test plugged
frames=(plugged/*/rgb/*.png)
for number in {1000..1599}; do
    rgb=../../${frames[number % ${#frames[@]}]}
    xyz=${rgb/\/rgb\//\/xyz\/}
    ln -s "$rgb" "camera/rgb/$number.png"
    ln -s "${xyz%.png}.tiff" "camera/xyz/$number.tiff"
done

# station LINE STATION PORT: its configuration without a camera, and its row for Prometheus.
station() {
    cat > "$1-$2.toml" << TOML
[engine]
path = "puck.safetensors"

[reject]
delay_ms = 2000
decision_lead_ms = 10
pulse_ms = 30

[actuator]
sink = "log"
lock_memory = false

[view]
bind = "127.0.0.1:$3"

[mqtt]
host = "127.0.0.1"
port = $BROKER
client_id = "$1-$2"
topic = "plant/$1/$2"
TOML
    printf -- '- targets: ["127.0.0.1:%s"]\n  labels: { line: %s, station: %s }\n' "$3" "$1" "$2" >> stations.yml
}
synthetic() {
    printf '[camera]\nsource = "synthetic"\n[camera.synthetic]\npart = "puck"\nframe_rate_hz = 4\nseed = 1\ndefect_share = %s\n[trigger]\nsource = "free"\n' "$1"
}
replay() {
    printf '[camera]\nsource = "replay"\nframe_timeout_ms = 1500\nreopen_count_max = 1000\n[camera.replay]\nfolder = "camera"\nframe_rate_hz = 1\nrepeat = true\n[trigger]\nsource = "frame"\n'
}
BROKER=$(free_port)
export BROKER
station line-1 front "$(free_port)"
synthetic 0.1 >> line-1-front.toml
station line-1 back "$(free_port)"
synthetic 0.3 >> line-1-back.toml
station line-2 front "$(free_port)"
replay >> line-2-front.toml

# It has errors here: the broker does not answer yet.
machine=$("$program" doctor --config line-1-front.toml || true)
if grep -q "built without MQTT" <<< "$machine"; then
    echo "without the broker: the program was built without the feature mqtt"
    sed -i '/^\[mqtt\]/,/^topic/d' line-?-*.toml
    BROKER=
else
    printf 'listener %s 127.0.0.1\nallow_anonymous true\nuser %s\n' "$BROKER" "$(id -un)" > broker.conf
    start broker mosquitto -c broker.conf
    for _ in {1..50}; do
        ! (: < "/dev/tcp/127.0.0.1/$BROKER") 2> /dev/null || break
        sleep 0.1
    done
    start verdicts mosquitto_sub -h 127.0.0.1 -p "$BROKER" -t 'plant/#' -v
fi
for name in line-1-front line-1-back line-2-front; do
    start "$name" "$program" run --config "$name.toml"
done
# The files of deploy/prometheus as they are, with the example's own stations.
cp "$root"/deploy/prometheus/{prometheus,recording,alerts}.yml .
port=$(free_port)
export PROMETHEUS=http://127.0.0.1:$port
start prometheus prometheus --config.file=prometheus.yml --storage.tsdb.path=data --web.listen-address="127.0.0.1:$port"

grep -h '^bind' line-?-*.toml | sed 's/bind = "\(.*\)"/station: http:\/\/\1\//'
echo "Prometheus: $PROMETHEUS"
[ -z "$BROKER" ] || echo "broker: mosquitto_sub -h 127.0.0.1 -p $BROKER -t 'plant/#' -v"
if [ $# -gt 0 ]; then
    (cd "$OLDPWD" && "$@")
else
    echo "all of it is in $FLEET; Ctrl-C ends it"
    echo "lose a camera: mv $FLEET/plugged $FLEET/unplugged"
    echo "end a station: kill -9 \$(cat $FLEET/line-1-back.pid)"
    wait
fi
