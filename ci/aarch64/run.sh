#!/usr/bin/env bash
# The full program for aarch64, and tests of its CPU back end under QEMU: the one place where the NEON kernels run here.
# usage: run.sh [--keep]
# What decides it has changed since all of it passed (`passed` beside this file): all of it runs. Else the program is checked for
# aarch64, and neither linked nor run.
#   --keep   all of it; then `passed` is written
# Exit code 0: passed, 1: failed, 77: not run, with the reason.
# Needs cargo and rustup, or a cargo with Rust's library for aarch64-unknown-linux-gnu; a cross compiler and qemu-user,
# which it installs as root on Debian.
set -euo pipefail
cd "$(dirname "$0")/../.."

not_run() {
    echo "aarch64 test not run: $1"
    exit 77
}

target=aarch64-unknown-linux-gnu
sysroot=/usr/aarch64-linux-gnu
if [ ! -e "$(rustc --print sysroot)/lib/rustlib/$target/lib" ]; then
    command -v rustup > /dev/null || not_run "needs Rust's library for $target, or rustup to fetch it"
    # In place, for the toolchain that builds here.
    rustup target add "$target" > /dev/null 2>&1 || not_run "rustup cannot fetch the library for $target"
fi
# shellcheck source=ci/install.sh
. ci/install.sh
missing=()
command -v aarch64-linux-gnu-g++ > /dev/null || missing+=(g++-aarch64-linux-gnu)
command -v qemu-aarch64 > /dev/null || missing+=(qemu-user)
if [ "${#missing[@]}" -gt 0 ]; then
    install_packages "${missing[@]}" || not_run "needs ${missing[*]}"
fi

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
# shellcheck source=ci/device_build.sh
. ci/device_build.sh
# TensorRT-RTX is for desktops.
unset TRT_RTX_INCLUDE_DIR
[ -n "${TRT_INCLUDE_DIR:-}" ] || echo "without TensorRT's shim: cannot fetch trtx-sys from crates.io"
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER="qemu-aarch64 -L $sysroot"
if [[ $features == *v4l* ]]; then
    # The kernel's headers are the target's.
    export BINDGEN_EXTRA_CLANG_ARGS_aarch64_unknown_linux_gnu=-I$sysroot/include
else
    echo "without v4l: its crate needs libclang at build time (Debian: libclang1-14 libclang-common-14-dev)"
fi
crossed() {
    cargo test --quiet --release --target "$target" --features "$features" "$@"
}

# shellcheck source=ci/passed.sh
. ci/passed.sh
decides=(ci/aarch64/passed ci/aarch64/run.sh ci/device_build.sh cross systemd/install.sh Cargo.toml Cargo.lock build.rs src/backend.rs
    src/backend/cpu.rs src/backend/cpu ':!src/backend/cpu/kernel/avx*' ':!src/backend/cpu/kernel/amx.rs' src/vectorised.rs tests/method tests/support tests/golden/tiny-a.safetensors)
if [ $# -eq 0 ] && has_passed "${decides[@]}"; then
    cargo check --quiet --release --target "$target" --features "$features"
    echo "checked for aarch64 with $features; built, packed and run it was with the same kernels (ci/aarch64/passed)"
    exit
fi

# The program is built with its tests.
crossed --no-run --lib --test method
program=${CARGO_TARGET_DIR:-target}/$target/release/crosscheck
echo "built for aarch64 with $features: $(stat -c %s "$program") bytes"
# glibc 2.34 and before is JetPack 5's business: cross/README.md.
echo "it needs $(aarch64-linux-gnu-objdump -T "$program" | grep -o 'GLIBC_[0-9.]*' | sort -Vu | tail -1)"
qemu-aarch64 -L "$sysroot" "$program" --version

# The package for a device installs, below a folder of its own.
package=$(cross/package.sh "$program" "$scratch")
tar -C "$scratch" -xf "$package"
unpacked=$(echo "$scratch"/crosscheck-*-aarch64)
DESTDIR=$scratch/device "$unpacked/systemd/install.sh" --program "$unpacked/crosscheck" > /dev/null
cmp "$program" "$scratch/device/usr/local/bin/crosscheck"
echo "packed and installed: $(basename "$package"), $(stat -c %s "$package") bytes"

# Kernels, layers, searches and filters of the CPU back end, each against its twin.
crossed --lib backend::cpu
# Twins on ties, few points and empty clouds.
crossed --test method twin::
# The published method's results: every stage of Tiny, with its weights as they are. The others take too long here.
crossed --test method -- --exact golden::tiny_a
if [ "${1:-}" = --keep ]; then
    keep_passed "${decides[@]}"
fi
