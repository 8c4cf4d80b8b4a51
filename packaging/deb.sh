#!/usr/bin/env bash
# Packs a built program, its service, man pages and completions into crosscheck_VERSION_MACHINE.deb.
# usage: packaging/deb.sh PROGRAM FOLDER HOST_PROGRAM LICENCES
# HOST_PROGRAM is the same program for this machine; it writes man pages and completions. LICENCES is what
# packaging/licences.py prints. PACKAGE_VERSION replaces the version of Cargo.toml.
# Needs dpkg-deb, objdump and strip of either machine (Debian: dpkg-dev, binutils, binutils-aarch64-linux-gnu).
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=packaging/program.sh
. "$root/packaging/program.sh"
[ $# -eq 4 ] || { sed -n '3,5s/^# //p' "$0" >&2; exit 2; }
program=$1 folder=$2 host_program=$3 licences=$4
[ -x "$program" ] || { echo "$program is not there: cargo build --release" >&2; exit 1; }

machine=$(machine "$program")
tools=$machine-linux-gnu-
case $machine in
    aarch64) machine=arm64 ;;
    x86_64) machine=amd64 ;;
esac
command -v "${tools}objdump" > /dev/null || { echo "needs ${tools}objdump (Debian: binutils, binutils-aarch64-linux-gnu)" >&2; exit 1; }
version=${PACKAGE_VERSION:-$(version)}
# The program runs where the C library has the newest symbol that it was linked with.
glibc=$("${tools}objdump" -T "$program" | grep -o 'GLIBC_[0-9.]*' | sort -Vu | tail -1 | cut -d_ -f2)

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
tree=$scratch/tree
put() { install -D -m "$1" "$2" "$tree/$3"; }

put 755 "$program" usr/bin/crosscheck
"${tools}strip" "$tree/usr/bin/crosscheck"
for unit in crosscheck@.service crosscheck-nvidia.service; do
    sed 's|/usr/local/bin/|/usr/bin/|' "$root/systemd/$unit" > "$scratch/$unit"
    put 644 "$scratch/$unit" "usr/lib/systemd/system/$unit"
done
put 644 "$root/systemd/60-crosscheck.rules" usr/lib/udev/rules.d/60-crosscheck.rules
put 644 "$root/systemd/crosscheck.sysusers" usr/lib/sysusers.d/crosscheck.conf
put 644 "$root/systemd/station.example.toml" etc/crosscheck/station.example.toml
for drop_in in gpu.conf gpu-desktop.conf genicam.conf; do
    put 644 "$root/systemd/$drop_in" "usr/share/doc/crosscheck/examples/$drop_in"
done
for file in prometheus/{prometheus,stations,recording,alerts}.yml grafana/stations.json; do
    put 644 "$root/deploy/$file" "usr/share/doc/crosscheck/examples/deploy/$file"
done
put 644 "$root/README.md" usr/share/doc/crosscheck/README.md
put 644 "$root/packaging/deb/copyright" usr/share/doc/crosscheck/copyright
put 644 "$root/LICENSE-MIT" usr/share/doc/crosscheck/LICENSE-MIT
put 644 "$root/LICENSE-APACHE" usr/share/doc/crosscheck/LICENSE-APACHE
put 644 "$licences" usr/share/doc/crosscheck/THIRD-PARTY-LICENCES
mkdir -p "$tree/usr/share/man/man1" "$scratch/man"
gzip -9nc "$root/CHANGELOG.md" > "$tree/usr/share/doc/crosscheck/changelog.gz"
"$host_program" man "$scratch/man"
for page in "$scratch"/man/*.1; do
    gzip -9nc "$page" > "$tree/usr/share/man/man1/$(basename "$page").gz"
done
completion() {
    "$host_program" completions "$1" > "$scratch/completion"
    put 644 "$scratch/completion" "$2"
}
completion bash usr/share/bash-completion/completions/crosscheck
completion zsh usr/share/zsh/vendor-completions/_crosscheck
completion fish usr/share/fish/vendor_completions.d/crosscheck.fish

mkdir "$tree/DEBIAN"
cat > "$tree/DEBIAN/control" << CONTROL
Package: crosscheck
Version: $version
Architecture: $machine
Section: science
Priority: optional
Maintainer: The crosscheck maintainers <crosscheck@localhost>
Installed-Size: $(du -sk --exclude=DEBIAN "$tree" | cut -f1)
Depends: libc6 (>= $glibc), libgcc-s1, systemd
Recommends: udev
Suggests: ca-certificates
Description: finds bad parts with a colour-and-depth camera
 crosscheck learns a part from a handful of good ones, detects defects in colour,
 in shape and in the mismatch of the two, and drives a reject output in real time.
 The package has the program, its systemd service, and udev rules for GPIO chips
 and cameras. A station is configured by /etc/crosscheck/NAME.toml.
CONTROL
echo /etc/crosscheck/station.example.toml > "$tree/DEBIAN/conffiles"
for script in preinst postinst prerm postrm; do
    install -m 755 "$root/packaging/deb/$script" "$tree/DEBIAN/$script"
done
package=$folder/crosscheck_${version}_$machine.deb
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git -C "$root" log -1 --format=%ct 2> /dev/null || date +%s)} \
    dpkg-deb --root-owner-group -Zxz --build "$tree" "$package" > /dev/null
echo "$package"
