#!/usr/bin/env bash
# A trace through kill -9 and a full disk: 10,000 parts, killed at random moments until all were announced, and a small disk
# that fills up and is freed again. Exit code 0: passed, 1: failed, 77: not run, with the reason.
set -euo pipefail
cd "$(dirname "$0")/../.."

disk=$(mktemp -d)
trap 'umount "$disk" 2> /dev/null; rmdir "$disk"' EXIT
if [ "$(id -u)" -ne 0 ] || ! mount -t tmpfs -o size=16m tmpfs "$disk" 2> /dev/null; then
    echo "trace test not run: a small disk is made by mount, which needs root"
    exit 77
fi
CROSSCHECK_TRACE_DISK=$disk cargo test --release --test station trace:: -- --ignored --nocapture --test-threads 1
