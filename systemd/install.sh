#!/bin/sh
# Installs or removes the program and its service. It may be run repeatedly.
# usage: install.sh [--program FILE]     install; FILE defaults to target/release/crosscheck
#        install.sh --uninstall          remove what was installed; configurations and recordings stay
#        install.sh --uninstall --purge  also remove those, drop-ins of the unit, cached plans and the user
# With DESTDIR set, files are written below it and the running system is not changed (for packages).
set -eu
here=$(cd "$(dirname "$0")" && pwd)
program=$here/../target/release/crosscheck
uninstall=no
purge=no
root=${DESTDIR:-}

while [ $# -gt 0 ]; do
    case $1 in
        --program)
            [ $# -ge 2 ] || { echo "--program needs a file" >&2; exit 2; }
            program=$2
            shift
            ;;
        --uninstall) uninstall=yes ;;
        --purge) purge=yes ;;
        *)
            sed -n '2,6s/^# //p' "$0" >&2
            exit 2
            ;;
    esac
    shift
done
if [ "$purge" = yes ] && [ "$uninstall" = no ]; then
    echo "--purge goes with --uninstall" >&2
    exit 2
fi
if [ -z "$root" ] && [ "$(id -u)" -ne 0 ]; then
    echo "must be root: sudo $0" >&2
    exit 1
fi

bin=$root/usr/local/bin
units=$root/etc/systemd/system
rules=$root/etc/udev/rules.d
users=$root/etc/sysusers.d
configurations=$root/etc/crosscheck
recordings=$root/var/lib/crosscheck
plans=$root/var/cache/crosscheck

# If a symbolic link were followed, the chown, chmod or rm below would change files elsewhere.
for folder in "$configurations" "$recordings" "$plans" "$units/crosscheck@.service.d"; do
    if [ -L "$folder" ]; then
        echo "$folder is a symbolic link to $(readlink "$folder"): nothing was done. Put a folder in its place, or mount one there" >&2
        exit 1
    fi
done

# Installs a file whole or not at all, even over a program that is running.
put() {
    mkdir -p "$(dirname "$3")"
    install -m "$1" "$2" "$3.new"
    mv -f "$3.new" "$3"
}

reload() {
    [ -z "$root" ] || return 0
    systemctl daemon-reload
    if command -v udevadm > /dev/null; then
        udevadm control --reload
        udevadm trigger --subsystem-match=gpio --subsystem-match=video4linux --subsystem-match=usb --action=change
        udevadm settle --timeout=10 || true
    fi
}

if [ "$uninstall" = yes ]; then
    if [ -z "$root" ]; then
        for unit in $(systemctl list-units --all --plain --no-legend 'crosscheck@*.service' | cut -d' ' -f1); do
            systemctl disable --now "$unit" || true
        done
        systemctl stop crosscheck-nvidia.service 2> /dev/null || true
    fi
    rm -f "$bin/crosscheck" "$units/crosscheck@.service" "$units/crosscheck-nvidia.service" "$rules/60-crosscheck.rules" "$users/crosscheck.conf" \
        "$configurations/station.example.toml"
    if [ "$purge" = yes ]; then
        rm -rf "$configurations" "$recordings" "$plans" "$units"/crosscheck@*.service.d
        if [ -z "$root" ] && getent passwd crosscheck > /dev/null; then
            userdel crosscheck
        fi
    fi
    reload
    echo "crosscheck is uninstalled"
    exit 0
fi

if [ ! -x "$program" ]; then
    echo "$program is not there: cargo build --release, or name it with --program" >&2
    exit 1
fi
put 755 "$program" "$bin/crosscheck"
put 644 "$here/crosscheck@.service" "$units/crosscheck@.service"
put 644 "$here/crosscheck-nvidia.service" "$units/crosscheck-nvidia.service"
put 644 "$here/60-crosscheck.rules" "$rules/60-crosscheck.rules"
put 644 "$here/crosscheck.sysusers" "$users/crosscheck.conf"
put 644 "$here/station.example.toml" "$configurations/station.example.toml"
chmod 750 "$configurations"
if [ -z "$root" ]; then
    systemd-sysusers crosscheck.conf
    # A configuration may contain a token.
    chown root:crosscheck "$configurations"
fi
reload
echo "crosscheck is installed. Write /etc/crosscheck/NAME.toml (station.example.toml is beside it), then:"
echo "    crosscheck check-config /etc/crosscheck/NAME.toml && crosscheck doctor --config /etc/crosscheck/NAME.toml"
echo "    systemctl enable --now crosscheck@NAME"
