#!/usr/bin/env bash
# Builds the C library and installs it: header, C++ header, shared and static library, pkg-config files, CMake package.
#
#     bindings/c/install.sh [--prefix DIR] [--libdir DIR] [--features LIST] [--target TRIPLE]
#
#   --prefix DIR      where it is installed, /usr/local if it is not given
#   --libdir DIR      where the libraries are within that, lib if it is not given; Debian's is lib/x86_64-linux-gnu
#   --features LIST   cuda, tensorrt
#   --target TRIPLE   the processor to build for, as cargo has it
#
# DESTDIR is put before every path, for packages. The tree that is installed may be moved as a whole. cargo-c does the same, but
# takes minutes to compile, which a check of every change cannot spend; this is a copy and five names.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
prefix=/usr/local
libdir=lib
build=(cargo build --release --package crosscheck-c)
folder=release

usage() {
    sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "$0"
    exit "$1"
}
while [ $# -gt 0 ]; do
    [ "$1" != --help ] || usage 0
    [ $# -ge 2 ] || usage 2
    case $1 in
        --prefix) prefix=$2 ;;
        --libdir) libdir=$2 ;;
        --features) build+=(--features "$2") ;;
        --target)
            build+=(--target "$2")
            folder=$2/release
            ;;
        *) usage 2 ;;
    esac
    shift 2
done
[[ $prefix == /* ]] || { echo "--prefix is $prefix where a path that begins with / is expected"; exit 2; }

cd "$root"
"${build[@]}"
built=${CARGO_TARGET_DIR:-target}/$folder
version=$(sed -n 's/^version = "\(.*\)"/\1/p' "$here/Cargo.toml" | head -n 1)
IFS=. read -r major minor _ <<< "$version"
lib=$prefix/$libdir
# What Rust's standard library needs of the system's, by rustc --print native-static-libs.
static_libs=(gcc_s util rt pthread m dl c)

# fill TEMPLATE FOLDER LIBRARIES: writes the file without .in, with every @NAME@ replaced.
fill() {
    local name
    name=$(basename "$1" .in)
    sed -e "s|@VERSION@|$version|g" -e "s|@SOVERSION@|$major.$minor|g" -e "s|@MAJOR@|$major|g" -e "s|@MINOR@|$minor|g" \
        -e "s|@PREFIX_FROM_PC@|$(realpath -m --relative-to="$lib/pkgconfig" "$prefix")|g" \
        -e "s|@INCLUDE_FROM_CMAKE@|$(realpath -m --relative-to="$lib/cmake/crosscheck" "$prefix/include")|g" \
        -e "s|@STATIC_LIBS@|$3|g" "$1" > "$to$2/$name"
    chmod 644 "$to$2/$name"
}

to=${DESTDIR:-}
install -d "$to$prefix/include" "$to$lib/pkgconfig" "$to$lib/cmake/crosscheck"
install -m 644 "$here/include/crosscheck.h" "$here/include/crosscheck.hpp" "$to$prefix/include"
install -m 755 "$built/libcrosscheck_c.so" "$to$lib/libcrosscheck.so.$version"
install -m 644 "$built/libcrosscheck_c.a" "$to$lib/libcrosscheck.a"
ln -sfn "libcrosscheck.so.$version" "$to$lib/libcrosscheck.so.$major.$minor"
ln -sfn "libcrosscheck.so.$major.$minor" "$to$lib/libcrosscheck.so"
for template in "$here"/package/*.pc.in; do
    fill "$template" "$lib/pkgconfig" "${static_libs[*]/#/-l}"
done
joined=$(IFS=';' && echo "${static_libs[*]}")
for template in "$here"/package/*.cmake.in; do
    fill "$template" "$lib/cmake/crosscheck" "$joined"
done
echo "installed crosscheck $version in $to$prefix"
