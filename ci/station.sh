# Sourced by checks that need a running station. What they make is in $scratch, and goes at the end with the station.
# shellcheck shell=bash
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
scratch=$(mktemp -d)
station=
stop() {
    [ -z "$station" ] || kill "$station" 2> /dev/null || true
    [ -z "$station" ] || wait "$station" 2> /dev/null || true
    rm -rf "$scratch"
}
trap stop EXIT

# learn EPOCHS: builds the program, and lets it learn a synthetic part: $scratch/engine.safetensors.
learn() {
    cd "$root" || return
    cargo build --release --quiet
    # A copy: what runs beside this test builds the program with other features into the same place.
    program=$scratch/crosscheck
    cp "${CARGO_TARGET_DIR:-target}/release/crosscheck" "$program"
    "$program" synthesize --part biscuit --train 8 --validation 20 --good 1 --defective 1 --out "$scratch/parts" > /dev/null
    "$program" fit --nominal "$scratch/parts/biscuit/train" --epochs "$1" -o "$scratch/engine.safetensors" > /dev/null 2>&1
    "$program" calibrate --engine "$scratch/engine.safetensors" --nominal "$scratch/parts/biscuit/validation" \
        --false-reject-rate 0.05 > /dev/null 2>&1
}

# free_ports NUMBER: prints as many ports of this machine that nobody has.
free_ports() {
    python3 -c '
import socket, sys
taken = [socket.socket() for _ in range(int(sys.argv[1]))]
for one in taken: one.bind(("127.0.0.1", 0))
print(*(one.getsockname()[1] for one in taken))' "$1"
}

# start CONFIGURATION: runs the station beside what follows. Its log is $scratch/log.
start() {
    "$program" run --config "$1" > "$scratch/log" 2>&1 &
    station=$!
}
