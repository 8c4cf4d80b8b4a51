#!/usr/bin/env bash
# The files of deploy/ for several stations: names in rules and dashboard, the rules by their unit tests, and the example with
# three stations, Prometheus and a broker. Exit code 0: passed, 1: failed, 77: not run, with the reason.
# usage: run.sh [PROGRAM]   PROGRAM: built with the features of a device if left out
# Needs python3. On Debian it downloads prometheus, mosquitto and python3-yaml where they are not installed.
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=ci/debian.sh
. ci/debian.sh

not_run() {
    echo "fleet test not run: $1"
    exit 77
}

command -v python3 > /dev/null || not_run "needs python3"
python3 -c 'import yaml' 2> /dev/null || unpack python3-yaml || not_run "needs python3-yaml"
provide promtool prometheus || not_run "needs promtool (Debian: prometheus)"
python3 ci/fleet/names.py
promtool check config deploy/prometheus/prometheus.yml
promtool test rules deploy/prometheus/tests.yml deploy/prometheus/usual_tests.yml

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
if [ $# -eq 0 ]; then
    # shellcheck source=ci/device_build.sh
    . ci/device_build.sh
    cargo build --release --quiet --features "$features"
fi
# A copy: what runs beside this test builds the program with other features into the same place.
cp "${1:-${CARGO_TARGET_DIR:-target}/release/crosscheck}" "$scratch/crosscheck"
deploy/example/run.sh --program "$scratch/crosscheck" python3 ci/fleet/arrivals.py
