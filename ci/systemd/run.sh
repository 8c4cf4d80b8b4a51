#!/usr/bin/env bash
# The service files without a running systemd: shell scripts linted, the unit verified and its hardening scored,
# install and uninstall run twice each. Exit code 0: passed, 1: failed, 77: not run, with the reason.
# As root on Debian it installs what is missing: shellcheck, systemd.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
# The worst exposure that is allowed, of 10 (systemd-analyze security), in tenths.
exposure_max=15

not_run() {
    echo "service test not run: $1"
    exit 77
}

cd "$root"
# shellcheck source=ci/install.sh
. ci/install.sh
missing=()
command -v shellcheck > /dev/null || missing+=(shellcheck)
command -v systemd-analyze > /dev/null || missing+=(systemd)
if [ ${#missing[@]} -gt 0 ]; then
    install_packages "${missing[@]}" || not_run "needs ${missing[*]}: apt install ${missing[*]}"
fi

mapfile -t scripts < <(git ls-files '*.sh' .ci/run packaging/deb/{pre,post}{inst,rm})
shellcheck "${scripts[@]}"
echo "shellcheck: ${#scripts[@]} scripts"

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
# verify looks at whether the program can be executed, not at what it is.
printf '#!/bin/sh\n' > "$scratch/program"
chmod +x "$scratch/program"
export DESTDIR=$scratch/root
mkdir -p "$DESTDIR"
tree() { (cd "$DESTDIR" && find . -type f -exec sha256sum {} + | sort && find . -printf '%m %p\n' | sort); }

systemd/install.sh --program "$scratch/program" > /dev/null
first=$(tree)
systemd/install.sh --program "$scratch/program" > /dev/null
[ "$first" = "$(tree)" ] || { echo "a second installation changes something"; exit 1; }
echo "install.sh: the second run changes nothing"

# What the unit stands on in a real system.
mkdir -p "$DESTDIR/usr/lib/systemd/system" "$DESTDIR/bin"
for unit in basic sysinit multi-user shutdown; do
    printf '[Unit]\nDescription=%s\n' $unit > "$DESTDIR/usr/lib/systemd/system/$unit.target"
done
install -m 755 "$scratch/program" "$DESTDIR/bin/kill"
# verify WHAT WORDS UNIT...: nothing is said of these words.
verify() {
    local what=$1 words=$2 found
    shift 2
    found=$(systemd-analyze verify --root="$DESTDIR" --man=no "$@" 2>&1 | grep -i "$words" || true)
    [ -z "$found" ] || { echo "systemd-analyze verify$what: $found"; exit 1; }
}
verify "" crosscheck crosscheck@station.service
echo "systemd-analyze verify: nothing found"
systemd-analyze security --root="$DESTDIR" --offline=true --threshold=$exposure_max --no-pager crosscheck@station.service \
    | tail -n 1

# The same with the drop-in of a GenICam camera.
drop_ins=$DESTDIR/etc/systemd/system/crosscheck@.service.d
mkdir -p "$drop_ins" "$DESTDIR/usr/bin"
cp systemd/genicam.conf "$drop_ins"
verify ", with the drop-in of a GenICam camera" 'crosscheck\|genicam' crosscheck@station.service
rm "$drop_ins/genicam.conf"

# The same with the drop-ins of a GPU.
cp systemd/gpu.conf systemd/gpu-desktop.conf "$drop_ins"
install -m 755 "$scratch/program" "$DESTDIR/usr/bin/nvidia-modprobe"
verify ", with the drop-ins of a GPU" 'crosscheck\|gpu' crosscheck@station.service crosscheck-nvidia.service
# The devices must be there before the station's service starts, and none of its own processes can make them.
set_to() { sed -n "s/^$2=//p" "$drop_ins/$1"; }
for setting in Wants After; do
    [[ " $(set_to gpu-desktop.conf $setting) " == *" crosscheck-nvidia.service "* ]] || { echo "gpu-desktop.conf: no $setting=crosscheck-nvidia.service"; exit 1; }
done
grep -q '^ExecStart=-/usr/bin/nvidia-modprobe -c0 -u$' "$DESTDIR/etc/systemd/system/crosscheck-nvidia.service" || { echo "crosscheck-nvidia.service makes no devices"; exit 1; }
cat "$DESTDIR/etc/systemd/system/crosscheck@.service" "$drop_ins"/*.conf | grep -q '^ExecStartPre=.*modprobe' && { echo "ExecStartPre= under DevicePolicy= cannot make devices"; exit 1; }
# Where the driver keeps compiled kernels, the service must be able to write.
[[ $(set_to gpu.conf Environment) == CUDA_CACHE_PATH=%C/$(set_to gpu.conf CacheDirectory)/* ]] || { echo "gpu.conf: CUDA_CACHE_PATH is not in CacheDirectory="; exit 1; }
echo "drop-ins of a GPU: nothing found"
rm -rf "${DESTDIR:?}/usr/lib" "${DESTDIR:?}/usr/bin" "${DESTDIR:?}/bin" "$drop_ins"

# A service that is ended last when memory runs out must have a limit of its own.
unit=$DESTDIR/etc/systemd/system/crosscheck@.service
grep -q '^OOMScoreAdjust=-' "$unit" && ! grep -q '^MemoryMax=[1-9]' "$unit" && { echo "OOMScoreAdjust without MemoryMax"; exit 1; }

# A symbolic link in the place of a folder is refused, with every option.
for folder in etc/crosscheck var/lib/crosscheck var/cache/crosscheck etc/systemd/system/crosscheck@.service.d; do
    mkdir -p "$scratch/elsewhere" "$scratch/kept" "$DESTDIR/${folder%/*}"
    [ ! -e "$DESTDIR/$folder" ] || mv "$DESTDIR/$folder" "$scratch/kept/folder"
    touch "$scratch/elsewhere/station.example.toml"
    chmod 700 "$scratch/elsewhere"
    ln -s "$scratch/elsewhere" "$DESTDIR/$folder"
    before=$(tree; find "$scratch/elsewhere" -printf '%m %p\n')
    for options in "--program $scratch/program" --uninstall "--uninstall --purge"; do
        # shellcheck disable=SC2086
        said=$(systemd/install.sh $options 2>&1) && { echo "install.sh $options follows the link $folder"; exit 1; }
        [[ $said == *"$folder is a symbolic link to $scratch/elsewhere"* ]] || { echo "install.sh $options: $said"; exit 1; }
    done
    [ "$before" = "$(tree; find "$scratch/elsewhere" -printf '%m %p\n')" ] || { echo "a refusal changed something"; exit 1; }
    rm "$DESTDIR/$folder"
    [ ! -e "$scratch/kept/folder" ] || mv "$scratch/kept/folder" "$DESTDIR/$folder"
done
echo "install.sh: links are refused"

kept=(etc/crosscheck/station.toml etc/systemd/system/crosscheck@.service.d/gpu.conf etc/systemd/system/crosscheck@line.service.d/override.conf
    var/cache/crosscheck/a.plan var/lib/crosscheck/line/recording/rgb/1.png)
for file in "${kept[@]}"; do
    mkdir -p "$DESTDIR/${file%/*}"
    touch "$DESTDIR/$file"
done
systemd/install.sh --uninstall > /dev/null
systemd/install.sh --uninstall > /dev/null
left=$(cd "$DESTDIR" && find . -type f | sort)
[ "$left" = "$(printf './%s\n' "${kept[@]}" | sort)" ] || { echo "uninstall left or took: $left"; exit 1; }
systemd/install.sh --uninstall --purge > /dev/null
[ -z "$(cd "$DESTDIR" && find . -type f)" ] || { echo "--purge left files"; exit 1; }
echo "install.sh --uninstall: configurations stay until --purge"
echo "service test passed"
