#!/usr/bin/env bash
# The program as a real systemd service on a simulated GPIO chip, in a virtual machine (Debian 12's 6.12 kernel, QEMU in software).
# usage: [CROSSCHECK_VM_PARTS=500] run.sh   Exit code 0: passed, 1: failed, 77: not run, with the reason.
# Keeps about 150 MB in ${XDG_CACHE_HOME:-$HOME/.cache}/crosscheck-vm. As root on Debian 12 it installs what is missing:
# qemu-system-x86, mmdebstrap, cpio, dpkg-dev, libclang1-14 and libclang-common-14-dev (the crate v4l reads the kernel's headers with
# them); elsewhere it says what is missing and does not run.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/crosscheck-vm
# A part takes four seconds, the rest ten minutes on a busy machine.
time_s_max=$((1200 + 8 * ${CROSSCHECK_VM_PARTS:-15}))

not_run() {
    echo "virtual machine test not run: $1"
    exit 77
}

# shellcheck source=ci/install.sh
. "$root/ci/install.sh"
install_missing() {
    local missing=()
    command -v qemu-system-x86_64 > /dev/null || missing+=(qemu-system-x86)
    command -v mmdebstrap > /dev/null || missing+=(mmdebstrap)
    command -v cpio > /dev/null || missing+=(cpio)
    command -v x86_64-linux-gnu-objdump > /dev/null || missing+=(dpkg-dev binutils)
    "$root/ci/v4l/libclang.sh" || missing+=(libclang1-14 libclang-common-14-dev)
    [ ${#missing[@]} -eq 0 ] && return
    install_packages "${missing[@]}" && return
    # Where libraries of QEMU come from bookworm-backports already, QEMU must too.
    install_packages -t bookworm-backports "${missing[@]}" \
        || not_run "needs ${missing[*]}: apt install ${missing[*]}, with bookworm-backports in apt's sources"
}

[ "$(uname -m)" = x86_64 ] || not_run "the virtual machine is x86_64, this machine is $(uname -m)"
grep -q '^VERSION_CODENAME=bookworm' /etc/os-release 2> /dev/null || not_run "the guest is Debian 12 and runs what this machine builds: it must be Debian 12 too"
[ "$(id -u)" -eq 0 ] || [ -f "$cache/image.cpio" ] || not_run "the image is made by root; run it as root once"
install_missing

cd "$root"
# shellcheck source=ci/device_build.sh
. "$root/ci/device_build.sh"
cargo build --release --quiet --features "$features"
test_program=$(cargo test --release --features "$features" --test vm --no-run --message-format=json 2> /dev/null \
    | sed -n 's/.*"executable":"\([^"]*\/vm-[^"]*\)".*/\1/p' | tail -n 1)
[ -x "$test_program" ] || { echo "the test program vm was not built"; exit 1; }
program=$(dirname "$(dirname "$test_program")")/crosscheck

share=$(mktemp -d)
trap 'rm -rf "$share"' EXIT
# Copies, before all that takes long: what runs beside this test builds the program with other features into the same place.
# Line tables are half of a program, and the share is slow.
strip -o "$share/crosscheck" "$program"
strip -o "$share/vm" "$test_program"
"$here/image.sh" "$cache" || not_run "cannot make the image (see above)"
cp "$here/guest.sh" "$share/"
python3 "$root/packaging/licences.py" --features "$features" > "$share/licences"
# shellcheck source=packaging/program.sh
. "$root/packaging/program.sh"
version=$(version)
for package in "crosscheck $version" "newer $version+newer"; do
    read -r name version <<< "$package"
    made=$(PACKAGE_VERSION=$version "$root/packaging/deb.sh" "$share/crosscheck" "$share" "$share/crosscheck" "$share/licences")
    mv "$made" "$share/$name.deb"
done
cp -r "$root/systemd" "$share/systemd"
echo "${CROSSCHECK_VM_PARTS:-15}" > "$share/parts"
CROSSCHECK_VM_SHARE=$share "$share/vm" --ignored --exact host::makes_what_the_guest_needs

# A kernel that hangs must not hang the run. QEMU emulates SSE several times as fast as AVX: hence this processor.
timeout "$time_s_max" qemu-system-x86_64 -accel tcg,thread=multi -machine q35 -cpu Nehalem -smp 2 -m 1024 \
    -display none -nodefaults -no-reboot -kernel "$cache/vmlinuz" -initrd "$cache/image.cpio" \
    -append "console=ttyS0 quiet loglevel=3 systemd.show_status=0 mitigations=off panic=-1 rdinit=/init" \
    -serial stdio -device virtio-rng-pci -virtfs "local,path=$share,mount_tag=share,security_model=none" \
    < /dev/null 2>&1 | sed -u 's/\r//g' || true

if [ "$(cat "$share/status" 2> /dev/null)" = 0 ]; then
    echo "virtual machine test passed"
else
    echo "virtual machine test FAILED"
    exit 1
fi
