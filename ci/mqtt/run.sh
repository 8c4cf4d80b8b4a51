#!/usr/bin/env bash
# MQTT against a real broker, with and without TLS. Exit code 0: passed, 1: failed, 77: not run, with the reason.
# As root on Debian it installs what is missing: mosquitto, mosquitto-clients, openssl, python3-jsonschema.
set -euo pipefail
cd "$(dirname "$0")/../.."

# shellcheck source=ci/install.sh
. ci/install.sh
missing=()
command -v mosquitto > /dev/null || missing+=(mosquitto)
command -v mosquitto_sub > /dev/null || missing+=(mosquitto-clients)
command -v openssl > /dev/null || missing+=(openssl)
# Debian's own Python has its packages.
python=python3
"$python" -c 'import jsonschema' 2> /dev/null || python=/usr/bin/python3
"$python" -c 'import jsonschema' 2> /dev/null || missing+=(python3-jsonschema)
if [ "${#missing[@]}" -gt 0 ]; then
    install_packages "${missing[@]}" || { echo "MQTT test not run: needs ${missing[*]}"; exit 77; }
fi
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
# shellcheck source=ci/device_build.sh
. ci/device_build.sh
# The tests keep every message that the broker passed on.
CROSSCHECK_MQTT_MESSAGES=$scratch/messages \
    cargo test --release --features "$features" --test station mqtt:: -- --ignored
"$python" ci/mqtt/check_messages.py "$scratch/messages"
