#!/usr/bin/env bash
# The commands of the documents, run as a reader would run them, and the completions of shells.
# usage: commands.sh [PROGRAM]   PROGRAM: built here if left out
# Exit code 0: passed, 1: failed, 77: not run, or not all of it, with the reason. Needs Python 3.11 and curl.
set -euo pipefail
cd "$(dirname "$0")/../.."
python3 -c 'import tomllib' 2> /dev/null || { echo "commands not run: need Python 3.11"; exit 77; }
command -v curl > /dev/null || { echo "commands not run: need curl"; exit 77; }
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
if [ $# -eq 0 ]; then
    cargo build --release --quiet
fi
# A copy: what runs beside this test builds the program with other features into the same place.
cp "${1:-${CARGO_TARGET_DIR:-target}/release/crosscheck}" "$scratch/crosscheck"
python3 ci/book/walk.py "$scratch/crosscheck"
ci/book/completions.sh "$scratch/crosscheck"
