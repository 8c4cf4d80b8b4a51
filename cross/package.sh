#!/usr/bin/env bash
# Packs a program that was built for a device, its service and documents into crosscheck-VERSION-MACHINE.tar.gz.
# usage: cross/package.sh [PROGRAM [FOLDER [LICENCES]]]   LICENCES: what packaging/licences.py prints, for whoever passes it on
# On the device: tar xf crosscheck-*.tar.gz && sudo crosscheck-*/systemd/install.sh --program crosscheck-*/crosscheck
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=packaging/program.sh
. "$root/packaging/program.sh"
program=${1:-$root/target/aarch64-unknown-linux-gnu/release/crosscheck}
folder=${2:-.}
[ -f "$program" ] || { echo "$program is not there: build it first (cross/README.md)" >&2; exit 1; }

machine=$(machine "$program")
name=crosscheck-$(version)-$machine
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir -p "$scratch/$name/docs"
install -m 755 "$program" "$scratch/$name/crosscheck"
cp -r "$root/systemd" "$scratch/$name/"
mkdir "$scratch/$name/deploy"
cp -r "$root"/deploy/prometheus "$root"/deploy/grafana "$scratch/$name/deploy/"
cp "$root"/README.md "$root"/LICENSE-* "$scratch/$name/"
if [ -n "${3:-}" ]; then
    cp "$3" "$scratch/$name/THIRD-PARTY-LICENCES"
fi
cp -r "$root"/docs/station "$root"/docs/security.md "$root"/docs/jetson.md "$root"/docs/gpu.md "$root"/docs/page.png "$scratch/$name/docs/"
tar --owner=0 --group=0 --numeric-owner -C "$scratch" -czf "$folder/$name.tar.gz" "$name"
echo "$folder/$name.tar.gz"
