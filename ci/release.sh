#!/usr/bin/env bash
# Makes what a release consists of, in FOLDER: archives and packages for x86-64 and aarch64, the licences of the libraries
# in them, a list of these libraries (SBOM, CycloneDX), and SHA-256 sums, which are written last.
# usage: ci/release.sh FOLDER              the tag vVERSION must be on this commit, and nothing may be uncommitted
#        ci/release.sh --rehearse FOLDER   the same without a tag and with what is here
# Needs Debian 12 or later, cargo, rustup's library for aarch64, g++-aarch64-linux-gnu, dpkg-dev, and cargo-cyclonedx
# (cargo install cargo-cyclonedx). With libclang the cameras of V4L2 are built in.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=packaging/program.sh
. packaging/program.sh
rehearses=no
if [ "${1:-}" = --rehearse ]; then
    rehearses=yes
    shift
fi
[ $# -eq 1 ] || { sed -n '4,5s/^# //p' "$0" >&2; exit 2; }
folder=$1
fail() { echo "no release: $1" >&2; exit 1; }

version=$(version)
if [ "$rehearses" = no ]; then
    [ -z "$(git status --porcelain)" ] || fail "something is not committed; commit it, or rehearse"
    git tag --points-at HEAD | grep -qx "v$version" || fail "the tag v$version of Cargo.toml's version is not on this commit"
    grep -q "^## \[$version\] - [0-9]\{4\}-[0-9]\{2\}-[0-9]\{2\}$" CHANGELOG.md \
        || fail "CHANGELOG.md has no heading \"## [$version] - YEAR-MONTH-DAY\""
fi
command -v cargo-cyclonedx > /dev/null || fail "cargo-cyclonedx is not installed: cargo install --locked cargo-cyclonedx"
[ ! -e "$folder/SHA256SUMS" ] || fail "$folder has a release already"
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)

features=mqtt,cuda
if ci/v4l/libclang.sh; then
    features+=,v4l
else
    echo "without v4l: its crate needs libclang at build time (Debian: libclang1-14 libclang-common-14-dev)"
fi
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc
export BINDGEN_EXTRA_CLANG_ARGS_aarch64_unknown_linux_gnu=-I/usr/aarch64-linux-gnu/include
for target in x86_64-unknown-linux-gnu aarch64-unknown-linux-gnu; do
    [ -e "$(rustc --print sysroot)/lib/rustlib/$target/lib" ] || rustup target add "$target"
    # The oldest processors that are served: those since 2009, and all of ARMv8. Wider instructions are chosen at run time.
    flags=
    [ "$target" = aarch64-unknown-linux-gnu ] || flags="-C target-cpu=x86-64-v2"
    RUSTFLAGS=$flags cargo build --release --locked --target "$target" --features "$features"
done

programs=${CARGO_TARGET_DIR:-target}
host=$programs/$(rustc -vV | sed -n 's/^host: //p')/release/crosscheck
python3 packaging/licences.py --features "$features" > "$folder/THIRD-PARTY-LICENCES"
for target in x86_64-unknown-linux-gnu aarch64-unknown-linux-gnu; do
    cross/package.sh "$programs/$target/release/crosscheck" "$folder" "$folder/THIRD-PARTY-LICENCES"
    packaging/deb.sh "$programs/$target/release/crosscheck" "$folder" "$host" "$folder/THIRD-PARTY-LICENCES"
done
if command -v buildah > /dev/null; then
    packaging/image/run.sh "$host" "$folder/crosscheck-$version-x86_64.oci.tar"
else
    echo "without the image: buildah is not installed"
fi
cargo cyclonedx --format json --features "$features" --override-filename "crosscheck-$version.cdx" --quiet
mv "crosscheck-$version.cdx.json" "$folder/"
(cd "$folder" && sha256sum -- * > SHA256SUMS.new && mv SHA256SUMS.new SHA256SUMS && cat SHA256SUMS)
