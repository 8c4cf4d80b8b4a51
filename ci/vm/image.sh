#!/usr/bin/env bash
# Makes what the virtual machine boots: Debian's 6.12 kernel, gpio-sim built for it, and a root file system with systemd.
# usage: image.sh FOLDER. Everything stays in FOLDER; a second run finds it made. Needs root, apt, mmdebstrap, cpio, gcc, make.
set -euo pipefail
folder=$1
here=$(cd "$(dirname "$0")" && pwd)
suite=bookworm
made=$folder/made-by.sha256
mkdir -p "$folder"
cd "$folder"
folder=$PWD

# An image of another version of these files is made again.
if [ -f image.cpio ] && [ -f vmlinuz ] && (cd "$here" && sha256sum --quiet --check "$made") 2>/dev/null; then
    exit 0
fi
rm -rf image.cpio vmlinuz "$made" apt kernel headers module rootfs packages

# The machine's own apt sources stay as they are: this one has the security suite, where the 6.12 kernel is.
private_apt() {
    mkdir -p apt/parts apt/lists/partial apt/cache/archives/partial
    cat > apt/parts/debian.sources <<SOURCES
Types: deb
URIs: ${DEBIAN_MIRROR:-http://deb.debian.org/debian}
Suites: $suite
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: ${DEBIAN_SECURITY_MIRROR:-http://deb.debian.org/debian-security}
Suites: $suite-security
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
SOURCES
    cat > apt/apt.conf <<CONF
Dir::Etc::SourceList "/dev/null";
Dir::Etc::SourceParts "$folder/apt/parts";
Dir::State::Lists "$folder/apt/lists";
Dir::Cache "$folder/apt/cache";
CONF
    export APT_CONFIG=$folder/apt/apt.conf
    apt-get update -qq
}

# The newest 6.12 kernel whose headers and source are there in the same version.
fetch_kernel() {
    abi=$(apt-cache search --names-only '^linux-image-6\.12\.[0-9]+\+deb12-amd64$' | cut -d' ' -f1 | sort -V | tail -n 1)
    [ -n "$abi" ] || { echo "no 6.12 kernel in $suite-security" >&2; return 1; }
    abi=${abi#linux-image-}
    version=$(apt-cache show "linux-image-$abi" | sed -n 's/^Version: //p' | head -n 1)
    base=${abi%-amd64}
    mkdir -p packages kernel headers
    (cd packages && apt-get download -qq "linux-image-$abi" "linux-headers-$abi" "linux-headers-$base-common" \
        "linux-kbuild-$base" "linux-source-6.12=$version")
    dpkg -x packages/linux-image-*.deb kernel
    for package in packages/linux-headers-*.deb packages/linux-kbuild-*.deb packages/linux-source-*.deb; do
        dpkg -x "$package" headers
    done
}

# No Debian kernel has gpio-sim. It needs irq_sim, which is off as well and goes into the module.
build_gpio_sim() {
    mkdir -p module
    tar -C headers --occurrence=1 -xf headers/usr/src/linux-source-6.12.tar.xz \
        linux-source-6.12/drivers/gpio/gpio-sim.c linux-source-6.12/kernel/irq/irq_sim.c
    cp headers/linux-source-6.12/drivers/gpio/gpio-sim.c module/gpio_sim_main.c
    # irq_to_desc is not exported to modules; the exported call does the same from the number.
    sed 's/handle_simple_irq(irq_to_desc(\(.*\)));/generic_handle_irq(\1);/' \
        headers/linux-source-6.12/kernel/irq/irq_sim.c > module/irq_sim.c
    printf 'obj-m := gpio-sim.o\ngpio-sim-y := gpio_sim_main.o irq_sim.o\n' > module/Kbuild
    sed -i "s#/usr/src/#$folder/headers/usr/src/#" "headers/usr/src/linux-headers-$abi/Makefile"
    make -s -C "headers/usr/src/linux-headers-$abi" M="$folder/module" CONFIG_DEBUG_INFO_BTF_MODULES= modules \
        > module/log 2>&1 || { tail -n 20 module/log >&2; return 1; }
}

root_file_system() {
    mmdebstrap -q --mode=root --variant=minbase --include=systemd,systemd-sysv,udev,kmod,curl,v4l-utils \
        --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
        --dpkgopt='path-exclude=/usr/share/locale/*' --aptopt='Apt::Install-Recommends "false"' \
        "$suite" rootfs "${DEBIAN_MIRROR:-http://deb.debian.org/debian}"
    local modules=rootfs/lib/modules needed path
    mkdir -p $modules
    cp -a "kernel/lib/modules/$abi" $modules/
    chroot rootfs depmod "$abi"
    needed=$(for module in configfs 9p 9pnet_virtio virtio_pci vivid; do
        chroot rootfs modprobe -S "$abi" --show-depends $module | awk '$1 == "insmod" { print $2 }'
    done | sort -u)
    rm -rf "${modules:?}/$abi"
    for path in $needed; do
        path=${path#/lib/modules/}
        install -D "kernel/lib/modules/$path" "$modules/$path"
    done
    cp "kernel/lib/modules/$abi"/modules.{builtin,order,builtin.modinfo} "$modules/$abi/"
    mkdir -p "$modules/$abi/extra"
    strip -g -o "$modules/$abi/extra/gpio-sim.ko" module/gpio-sim.ko
    chroot rootfs depmod "$abi"
    ln -sfn /lib/systemd/systemd rootfs/init
    echo crosscheck-vm > rootfs/etc/hostname
    : > rootfs/etc/fstab
    for unit in serial-getty@ttyS0.service getty@tty1.service systemd-timesyncd.service apt-daily.timer dpkg-db-backup.timer; do
        ln -sfn /dev/null "rootfs/etc/systemd/system/$unit"
    done
    install -m 644 "$here/guest.service" rootfs/etc/systemd/system/
    mkdir -p rootfs/etc/systemd/system/multi-user.target.wants
    ln -sfn ../guest.service rootfs/etc/systemd/system/multi-user.target.wants/guest.service
    rm -rf rootfs/var/lib/apt/lists/* rootfs/var/cache/apt/* rootfs/usr/share/{i18n,zoneinfo,perl} rootfs/{usr/,}lib/udev/hwdb.*
}

private_apt
fetch_kernel
echo "kernel $abi"
build_gpio_sim
echo "gpio-sim built"
root_file_system
(cd rootfs && find . -xdev | cpio -o -H newc --quiet) > image.cpio.part
cp "kernel/boot/vmlinuz-$abi" vmlinuz
mv image.cpio.part image.cpio
rm -rf apt kernel headers module rootfs packages
(cd "$here" && sha256sum image.sh guest.service) > "$made"
echo "image of $(stat -c %s image.cpio) bytes"
