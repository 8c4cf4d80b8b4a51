#!/usr/bin/env bash
# MQTT against a real broker. Exit code 0: passed, 1: failed, 77: not run, with the reason.
# As root on Debian it installs what is missing: mosquitto, mosquitto-clients.
set -euo pipefail
cd "$(dirname "$0")/../.."

if ! command -v mosquitto > /dev/null || ! command -v mosquitto_sub > /dev/null; then
    if [ "$(id -u)" -ne 0 ] || ! command -v apt-get > /dev/null; then
        echo "MQTT test not run: needs mosquitto and mosquitto-clients"
        exit 77
    fi
    echo "installing mosquitto mosquitto-clients"
    apt-get install -qy --no-install-recommends mosquitto mosquitto-clients > /dev/null 2>&1 \
        || { echo "MQTT test not run: cannot install mosquitto"; exit 77; }
fi
cargo test --release --features "$(ci/feature_set.sh)" --test station mqtt:: -- --ignored
