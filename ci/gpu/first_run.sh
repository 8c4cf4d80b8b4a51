#!/usr/bin/env bash
# Everything there is to find out about the program on a machine with an NVIDIA GPU, of which only the driver is needed.
# usage: first_run.sh [PROGRAM [FOLDER]]
#   PROGRAM: the program, built with the feature cuda; `crosscheck` beside this script if left out
#   FOLDER:  a new folder for logs, reports and summary.txt; first_run if left out. It is packed into FOLDER.tar.gz.
# Exit code: 0 if every step passed that could be run, 1 if one failed, 2 if nothing could be started.
# Every step has its own log and time limit, and is run whatever became of the steps before it.
#
# For a shorter run, of the environment: FIRST_RUN_STEPS (patterns of names of steps, such as "doctor bench-tiny-*"),
# FIRST_RUN_FRAMES (frames of a bench, and at most so many whose scores are compared), FIRST_RUN_EPOCHS (of a fit), FIRST_RUN_SECONDS (of the station).
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
program=$(realpath "${1:-$here/crosscheck}")
out=${2:-first_run}
frames=${FIRST_RUN_FRAMES:-200} epochs=${FIRST_RUN_EPOCHS:-250} seconds=${FIRST_RUN_SECONDS:-20}
# Beside this script in a bundle, in the repository otherwise.
golden=$here/golden camera=$here/camera.toml
[ -d "$golden" ] || golden=$here/../../tests/golden
[ -f "$camera" ] || camera=$here/../../calibration/depth-848x480-colour-1280x720.toml

refuse() {
    echo "$1" >&2
    exit 2
}

[ -x "$program" ] || refuse "no program at $program: give its path as the first argument"
[ ! -e "$out" ] || refuse "$out exists: give another folder as the second argument"
mkdir -p "$out/logs" "$out/reports" "$out/work" || refuse "cannot make the folder $out"
out=$(realpath "$out")
golden=$(realpath "$golden") camera=$(realpath "$camera")
cd "$out/work" || refuse "cannot use the folder $out/work"
export program out golden camera frames epochs seconds
# How a step ends that cannot run here; the last line of its log says why.
export NOT_RUN=77
# Scores by the GPU may differ from the CPU's by this share: between its kernels values are halves.
export SCORE_BOUND=0.01

failures=0
: > "$out/steps"

is_selected() {
    [ -n "${FIRST_RUN_STEPS:-}" ] || return 0
    local pattern
    set -f
    for pattern in $FIRST_RUN_STEPS; do
        # shellcheck disable=SC2053 # a pattern is meant
        [[ $1 == $pattern ]] && { set +f; return 0; }
    done
    set +f
    return 1
}

# step NAME LIMIT_S COMMAND...: the command may be a function of this script.
step() {
    local name=$1 limit=$2 log=$out/logs/$1.log status=0 began=$SECONDS result
    shift 2
    is_selected "$name" || return 0
    printf '%-28s' "$name"
    timeout --kill-after=10 "$limit" bash -c '"$@"' step "$@" > "$log" 2>&1 < /dev/null || status=$?
    case $status in
        0) result=passed ;;
        "$NOT_RUN") result="not run: $(tail -n 1 "$log")" ;;
        124 | 137) result="FAILED: no end within $limit s" failures=$((failures + 1)) ;;
        *) result="FAILED: exit code $status" failures=$((failures + 1)) ;;
    esac
    printf '%4d s  %s\n' $((SECONDS - began)) "$result"
    printf '%-28s%4d s  %s\n' "$name" $((SECONDS - began)) "$result" >> "$out/steps"
}

machine() {
    uname -a
    cat /etc/os-release
    grep -m 1 'model name' /proc/cpuinfo
    echo "processors: $(nproc)"
    cat /proc/meminfo
    cat /proc/driver/nvidia/version 2> /dev/null || echo "no /proc/driver/nvidia/version"
    "$program" --version
}

nvidia() {
    command -v nvidia-smi || { echo "nvidia-smi is not here"; return "$NOT_RUN"; }
    nvidia-smi && nvidia-smi -q
}

# Passes where the kernels can be used.
doctor() {
    "$program" doctor
    local status=$?
    "$program" doctor --json > "$out/reports/doctor.json"
    "$program" doctor | grep -q '^ok *cuda.kernels' || { echo "the kernels cannot be used on this machine"; return 1; }
    return "$status"
}

selftest() {
    "$program" selftest --golden "$golden/$1.safetensors" --report "$out/reports/selftest-$1.json"
}

fit_on_gpu() {
    "$program" doctor | grep -q '^ok *cuda.cublas' || { echo "no cuBLAS of CUDA 12, which a fit on the GPU needs"; return "$NOT_RUN"; }
    "$program" fit --backend cuda --score product --nominal parts/biscuit/train --epochs "$epochs" -o engine-gpu.safetensors
}

calibrate() {
    "$program" calibrate --engine engine.safetensors --nominal parts/biscuit/validation --false-reject-rate 0.1 \
        --backend "$1" -o "calibrated-$1.safetensors"
}

evaluate() {
    "$program" evaluate --engine engine.safetensors --dataset parts --backend "$1" --report "$out/reports/evaluate-$1"
}

# The score of frame $2, by the back end $1.
score() {
    local frame=$2
    "$program" inspect --engine engine.safetensors --backend "$1" --json --rgb "$frame" \
        --xyz "$(dirname "$(dirname "$frame")")/xyz/$(basename "${frame%.png}").tiff" \
        | sed -n 's/.*"score":\([-0-9.e+]*\).*/\1/p'
}

# Scores of frames by both back ends.
scores() {
    local frame
    for frame in $(printf '%s\n' parts/biscuit/test/*/rgb/*.png | head -n "$frames"); do
        echo "$(score cpu "$frame") $(score cuda "$frame") $frame"
    done | tee "$out/reports/scores.txt" | awk -v bound="$SCORE_BOUND" '
        NF == 3 { apart = ($2 - $1) / $1; apart = apart < 0 ? -apart : apart; most = apart > most ? apart : most; frames += 1 }
        { print }
        END {
            printf "scores of %d frames by the GPU differ by at most %.2e of the CPU'"'"'s score, bound %g\n", frames, most, bound
            exit !(frames > 0 && frames == NR && most <= bound)
        }'
}

bench() {
    local report=$out/reports/$1.json
    shift
    "$program" bench --backend cuda --frames "$frames" --json "$@" > "$report" || return
    cat "$report"
}

# fetch PORT: the station's metrics.
fetch() {
    exec 3<> "/dev/tcp/127.0.0.1/$1" || return
    printf 'GET /metrics HTTP/1.0\r\nHost: localhost\r\n\r\n' >&3
    cat <&3
    exec 3>&-
}

# A station whose camera, engine and outputs have threads of their own.
station() {
    local port=$((20000 + RANDOM % 20000)) status=0 metrics=$out/reports/metrics.txt
    cat > station.toml << EOF
[engine]
path = "engine.safetensors"
threshold = 1e6
backend = "cuda"
[camera]
source = "synthetic"
[camera.synthetic]
part = "biscuit"
frame_rate_hz = 10.0
[trigger]
source = "frame"
[reject]
delay_ms = 2000
decision_lead_ms = 50
pulse_ms = 30
[actuator]
sink = "log"
lock_memory = false
[view]
bind = "127.0.0.1:$port"
EOF
    "$program" run --config station.toml &
    local running=$!
    local scored='^crosscheck_stage_seconds_count{stage="anomaly_map"} [1-9]'
    # The camera renders its frames first.
    for _ in $(seq 120); do
        fetch "$port" 2> /dev/null | grep -q "$scored" && break
        kill -0 "$running" 2> /dev/null || break
        sleep 1
    done
    sleep "$seconds"
    fetch "$port" > "$metrics" || echo "no metrics"
    kill -TERM "$running"
    wait "$running" || { echo "the station ended with $?"; status=1; }
    cat "$metrics"
    grep -q "$scored" "$metrics" || { echo "no frame was scored"; status=1; }
    grep -q '^crosscheck_faults_total{fault="engine_error"} 0' "$metrics" || { echo "the engine failed"; status=1; }
    return "$status"
}

sanitizer() {
    local tool
    tool=$(PATH=$PATH:/usr/local/cuda/bin command -v compute-sanitizer)
    [ -n "$tool" ] || { echo "compute-sanitizer is not here (it comes with the CUDA toolkit)"; return "$NOT_RUN"; }
    "$tool" --tool memcheck --error-exitcode 1 "$program" selftest
}

# The figures of a bench, of its JSON: the frame from capture to score, the GPU's part, the memory of weights.
figures() {
    sed -n 's/.*"capture_to_score_ms":{"min":[^,]*,"median":\([0-9.]*\),"p95":[^,]*,"p99":\([0-9.]*\).*"weights_mb":\([0-9.]*\).*"frame_ms":{"min":[^,]*,"median":\([0-9.]*\).*/\1 \2 \4 \3/p' "$1" \
        | awk -v name="$(basename "${1%.json}")" '{ printf "%-34s%10.3f%10.3f%10.3f%12.1f\n", name, $1, $2, $3, $4 }'
}

summary() {
    echo "steps:"
    cat "$out/steps"
    echo
    grep -h '^scores of' "$out"/logs/*.log
    printf '\n%-34s%10s%10s%10s%12s\n' "bench, ms" median p99 "GPU" "weights MB"
    local report
    for report in "$out"/reports/bench-*.json; do
        [ -f "$report" ] && figures "$report"
    done
    for report in "$out"/reports/evaluate-*/report.md; do
        [ -f "$report" ] && printf '\n%s\n' "${report#"$out/"}" && sed -n '/^|/p' "$report" | head -n 12
    done
    printf '\n%d of %d steps failed\n' "$failures" "$(wc -l < "$out/steps")"
}

export -f machine nvidia doctor selftest fit_on_gpu calibrate evaluate score scores bench fetch station sanitizer

step machine 60 machine
step nvidia-smi 60 nvidia
step doctor 120 doctor
for name in tiny-a tiny-b small-a small-g128-b medium-a full-a; do
    step "selftest-$name" 600 selftest "$name"
done
step synthesize 300 "$program" synthesize --part biscuit --train 16 --validation 20 --good 4 --defective 2 --out parts
step fit 1800 "$program" fit --backend cpu --nominal parts/biscuit/train --epochs "$epochs" -o engine.safetensors
step fit-gpu 900 fit_on_gpu
for backend in cpu cuda; do
    step "calibrate-$backend" 300 calibrate "$backend"
    step "evaluate-$backend" 600 evaluate "$backend"
done
step scores 600 scores
step station $((240 + 2 * seconds)) station
step bench-built-in-stride1 600 bench bench-built-in-stride1
step bench-built-in-stride2 600 bench bench-built-in-stride2 --stride 2
for variant in tiny small; do
    for k in 32 128; do
        step "import-$variant-k$k" 300 "$program" import --variant "$variant" --group-size "$k" --seeded 7 -o "$variant-$k.safetensors"
        for stride in 1 2; do
            step "bench-$variant-k$k-stride$stride" 600 bench "bench-$variant-k$k-stride$stride" \
                --engine "$variant-$k.safetensors" --stride "$stride"
        done
    done
done
step synthesize-1280x720 300 "$program" synthesize --part biscuit --frame 1280x720 --train 1 --validation 1 --good 1 --defective 1 --out large
camera_frame=(--rgb large/biscuit/train/good/rgb/000.png --xyz large/biscuit/train/good/xyz/000.tiff)
step bench-1280x720 600 bench bench-1280x720 "${camera_frame[@]}"
step bench-1280x720-streaming 600 bench bench-1280x720-streaming --streaming "${camera_frame[@]}"
step bench-registration 300 bench registration --registration "$camera"
step compute-sanitizer 1800 sanitizer

summary > "$out/summary.txt"
sed -n '/^$/,$p' "$out/summary.txt"
# Engines and frames are large, and follow from their seeds.
tar -C "$(dirname "$out")" --exclude="$(basename "$out")/work" -czf "$out.tar.gz" "$(basename "$out")" \
    || refuse "cannot write $out.tar.gz"
echo "send back $out.tar.gz"
[ "$failures" -eq 0 ]
