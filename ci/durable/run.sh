#!/usr/bin/env bash
# Ends every command that writes at system calls with which it writes, and lets such calls fail as on a full or a bad
# disk: at 32 of them for each command, and at N times as many with CROSSCHECK_HARMS=N. Exit code 0: passed, 1: failed, 77: not run, with the reason.
# As root on Debian it installs strace where it is missing.
set -euo pipefail
cd "$(dirname "$0")/../.."

not_run() {
    echo "durability test not run: $1"
    exit 77
}

# shellcheck source=ci/install.sh
. ci/install.sh
if ! command -v strace > /dev/null; then
    install_packages strace || not_run "needs strace: apt install strace"
fi
strace -f -o /dev/null true 2> /dev/null || not_run "strace may not trace here (ptrace is not permitted)"
cargo test --release --test cli durable:: -- --ignored --nocapture --test-threads 2
