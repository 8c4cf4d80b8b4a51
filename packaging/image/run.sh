#!/usr/bin/env bash
# Makes an OCI image with nothing in it but the program and the libraries that it is linked with, and runs it.
# usage: packaging/image/run.sh PROGRAM [IMAGE.tar]   IMAGE.tar: an archive for `podman load` or `docker load`
# Needs buildah to write the archive (Debian: buildah); without it, or as another user than root, the image's folder is
# made and, as root, tried by chroot. Exit code 0: passed, 1: failed, 77: not run, with the reason.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
program=${1:?the program}
image=${2:-}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
folder=$scratch/rootfs
mkdir -p "$folder/tmp" "$folder/etc/crosscheck" "$folder/var/lib/crosscheck"
chmod 1777 "$folder/tmp"
install -D -m 755 "$program" "$folder/usr/bin/crosscheck"
strip "$folder/usr/bin/crosscheck"
# The loader and the libraries, where the program looks for them.
for library in $(ldd "$program" | grep -o '/[^ ]*'); do
    install -D -m 755 "$library" "$folder$library"
done
echo 'crosscheck:x:10001:10001::/var/lib/crosscheck:' > "$folder/etc/passwd"
echo 'crosscheck:x:10001:' > "$folder/etc/group"
chown -R 10001:10001 "$folder/var/lib/crosscheck" 2> /dev/null || true
cp "$here/Containerfile" "$scratch/"
echo "the image has $(du -sk "$folder" | cut -f1) kB: $(cd "$folder" && find . -type f | wc -l) files"

if [ "$(id -u)" -eq 0 ]; then
    chroot "$folder" /usr/bin/crosscheck --version
    chroot "$folder" /usr/bin/crosscheck count > /dev/null
else
    echo "not tried by chroot: needs root"
fi
if ! command -v buildah > /dev/null; then
    echo "no archive: buildah is not installed"
    [ -z "$image" ] || exit 77
    exit 0
fi
buildah --storage-driver vfs --root "$scratch/storage" --runroot "$scratch/run" build --isolation chroot \
    --tag crosscheck --file "$scratch/Containerfile" "$scratch"
if [ -n "$image" ]; then
    buildah --storage-driver vfs --root "$scratch/storage" --runroot "$scratch/run" push -q crosscheck "oci-archive:$image:crosscheck"
    echo "$image"
fi
