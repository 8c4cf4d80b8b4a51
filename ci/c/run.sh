#!/usr/bin/env bash
# The C interface as its users have it: installed into a tree, which is moved, and found there by pkg-config and CMake. Programs
# in C and C++, with the shared and the static library, get the Rust library's results to the last bit. Others under
# AddressSanitizer, UndefinedBehaviorSanitizer and ThreadSanitizer call it wrongly, at random, and in threads; one counts
# allocations. The sanitisers see these programs and what the library does by functions of libc, not the library's own code:
# that needs a Rust compiler that is not stable. Exit code 0: passed, 1: failed, 77: not run, with the reason.
# RANDOM_CALLS sets the number of random calls. Needs gcc, g++, make, pkg-config and CMake, which it downloads on Debian.
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=ci/debian.sh
. ci/debian.sh

not_run() {
    echo "C test not run: $1"
    exit 77
}
for tool in gcc g++ make readelf; do
    command -v "$tool" > /dev/null || not_run "needs $tool"
done
provide pkg-config pkg-config || not_run "needs pkg-config"
provide cmake cmake || not_run "needs cmake: apt install cmake"

cargo fmt --check --package crosscheck-c
cargo clippy --quiet --release --package crosscheck-c --all-targets -- -D warnings
cargo test --quiet --release --package crosscheck-c

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
fail() {
    echo "C test: $1"
    exit 1
}
tree() { (cd "$1" && find . -type f -exec sha256sum {} + | sort && find . -printf '%m %p %l\n' | sort); }

# Installed as for a package, and moved.
DESTDIR=$scratch/stage bindings/c/install.sh --prefix /opt/crosscheck > "$scratch/log" 2>&1 || { cat "$scratch/log"; exit 1; }
first=$(tree "$scratch/stage")
DESTDIR=$scratch/stage bindings/c/install.sh --prefix /opt/crosscheck > "$scratch/log" 2>&1
[ "$first" = "$(tree "$scratch/stage")" ] || fail "a second installation changes something"
prefix=$scratch/moved
mv "$scratch/stage/opt/crosscheck" "$prefix"
version=$(sed -n 's/^version = "\(.*\)"/\1/p' bindings/c/Cargo.toml | head -n 1)
[ "$version" = "$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)" ] || fail "the crate and its C interface have two versions"
expected="include/crosscheck.h include/crosscheck.hpp lib/cmake/crosscheck/crosscheck-config-version.cmake
lib/cmake/crosscheck/crosscheck-config.cmake lib/libcrosscheck.a lib/libcrosscheck.so lib/libcrosscheck.so.${version%.*}
lib/libcrosscheck.so.$version lib/pkgconfig/crosscheck-static.pc lib/pkgconfig/crosscheck.pc"
installed=$(cd "$prefix" && find . ! -type d -printf '%P\n' | LC_ALL=C sort)
[ "$installed" = "$(tr ' ' '\n' <<< "$expected" | LC_ALL=C sort)" ] || fail "other files are installed than expected: $installed"
if grep -rqs -e "$scratch" -e @ "$prefix"/lib/pkgconfig "$prefix"/lib/cmake; then
    fail "a package file has a path of this machine, or a name that was not replaced"
fi
library=$prefix/lib/libcrosscheck.so.$version
readelf -d "$library" | grep -F "Library soname: [libcrosscheck.so.${version%.*}]" > /dev/null || fail "the library has another soname"
foreign=$(nm -D --defined-only "$library" | awk '{ print $NF }' | grep -v '^crosscheck_' || true)
[ -z "$foreign" ] || fail "the library exports $foreign"
needed=$(readelf -d "$library" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | grep -vE '^(libc|libm|libgcc_s|ld-linux.*)\.so\.[0-9]+$' || true)
[ -z "$needed" ] || fail "the library needs $needed"
echo "installed: $(wc -l <<< "$installed") files, $(stat -c %s "$library") bytes the shared library, soname ${version%.*}, nothing needed but libc"

DESTDIR=$scratch/other bindings/c/install.sh --prefix /usr --libdir lib/machine > "$scratch/log" 2>&1
found=$(PKG_CONFIG_PATH=$scratch/other/usr/lib/machine/pkgconfig pkg-config --variable includedir crosscheck)
[ -e "$found/crosscheck.h" ] || fail "with --libdir no header is found in $found"

export PKG_CONFIG_PATH=$prefix/lib/pkgconfig
[ "$(pkg-config --modversion crosscheck)" = "$version" ] || fail "pkg-config knows another version"
read -ra shared <<< "$(pkg-config --cflags --libs crosscheck)"
read -ra static <<< "$(pkg-config --cflags --libs crosscheck-static)"
strict=(-Wall -Wextra -Wpedantic -Werror)
rpath=-Wl,-rpath,$prefix/lib

# What the Rust library finds.
cargo run --quiet --release --package crosscheck-c --example reference -- "$scratch" > "$scratch/reference"
score() { sed -n "s/^$1 score \([0-9a-f]*\) .*/\1/p" "$scratch/reference"; }

# compare PROGRAM: the example must print the score of the Rust library, by points and by depth, and end as for a reject.
compared=0
compare() {
    local status=0 given
    for given in "points $scratch/part.xyz" "depth $scratch/part.pgm $scratch/camera.toml"; do
        read -ra files <<< "${given#* }"
        status=0
        "$1" "$scratch/golden.safetensors" "$scratch/part.ppm" "${files[@]}" > "$scratch/out" 2>&1 || status=$?
        if [ "$status" -ne 1 ] || ! grep -qE "^score .*\(bits $(score "${given%% *}")\)$" "$scratch/out" || ! grep -q "^defect " "$scratch/out"; then
            cat "$scratch/out"
            fail "$1 ${given%% *}: exit code $status, and another score than $(score "${given%% *}")"
        fi
        compared=$((compared + 1))
    done
}
examples=bindings/c/examples
gcc -std=c99 "${strict[@]}" -O2 -o "$scratch/shared_c" $examples/inspect.c "${shared[@]}" "$rpath"
gcc -std=c99 "${strict[@]}" -O2 -o "$scratch/static_c" $examples/inspect.c "${static[@]}"
for kind in OFF ON; do
    cmake -S $examples -B "$scratch/cmake-$kind" -DCMAKE_PREFIX_PATH="$prefix" -DCROSSCHECK_STATIC=$kind -DCMAKE_BUILD_TYPE=Release \
        -DCMAKE_C_FLAGS="${strict[*]}" -DCMAKE_CXX_FLAGS="${strict[*]}" > "$scratch/log" 2>&1 || { cat "$scratch/log"; exit 1; }
    cmake --build "$scratch/cmake-$kind" > "$scratch/log" 2>&1 || { cat "$scratch/log"; exit 1; }
done
for program in shared_c static_c cmake-OFF/inspect_c cmake-OFF/inspect_cpp cmake-ON/inspect_c cmake-ON/inspect_cpp; do
    compare "$scratch/$program"
    linked=$(ldd "$scratch/$program" | grep -c 'libcrosscheck' || true)
    case $program in
        static_c | cmake-ON/*) [ "$linked" -eq 0 ] || fail "$program needs the shared library" ;;
        *) [ "$linked" -eq 1 ] || fail "$program does not use the shared library" ;;
    esac
done
echo "examples: $compared scores of C and C++, shared and static, are those of the Rust library to the last bit"
status=0
"$scratch/cmake-OFF/inspect_cpp" "$scratch/none" "$scratch/part.ppm" "$scratch/part.xyz" 2> "$scratch/out" || status=$?
if [ "$status" -ne 2 ] || ! grep -q "cannot read the engine" "$scratch/out"; then
    fail "the C++ example does not say what is wrong"
fi
mkdir "$scratch/later"
printf 'cmake_minimum_required(VERSION 3.16)\nproject(later LANGUAGES C)\nfind_package(crosscheck 0.9 CONFIG QUIET)\nif(crosscheck_FOUND)\nmessage(FATAL_ERROR "found")\nendif()\n' \
    > "$scratch/later/CMakeLists.txt"
cmake -S "$scratch/later" -B "$scratch/later/build" -DCMAKE_PREFIX_PATH="$prefix" > "$scratch/log" 2>&1 \
    || fail "CMake takes this version for a later one"

# build NAME FLAG...: a test program, with flags of gcc.
build() {
    gcc -std=c11 "${strict[@]}" -g -O1 -D_GNU_SOURCE -o "$scratch/$1" "bindings/c/tests/c/${1%%-*}.c" "${@:2}" "${shared[@]}" "$rpath" -lpthread
}
build bits
"$scratch/bits" "$scratch" > "$scratch/found"
golden=$(grep -v "^part " "$scratch/reference")
printf '%s\n' "$golden" "$golden" | diff - "$scratch/found" || fail "C finds something else than the Rust library (above, < is Rust's)"
echo "bits: scores, maps, valid pixels and defects are equal, by points and by depth, with and without gaps between rows"
g++ -std=c++17 "${strict[@]}" -g -O1 -fsanitize=address,undefined -fno-sanitize-recover=all -o "$scratch/wrapper" bindings/c/tests/c/wrapper.cpp \
    "${shared[@]}" "$rpath"
"$scratch/wrapper" "$scratch" > "$scratch/found"
grep "^part " "$scratch/reference" | diff - "$scratch/found" || fail "C++ finds other parts than the Rust library (above, < is Rust's)"
echo "wrapper: $(wc -l < "$scratch/found") parts of a frame, each inspected by itself, as the Rust library does"
build steady
"$scratch/steady" "$scratch"

# sanitised NAME SANITISER COMMAND...: builds a test program and runs it by the command.
sanitised() {
    build "$1-${2%%,*}" "-fsanitize=$2" -fno-sanitize-recover=all
    local calls=()
    [ "$1" != random ] || calls=("${RANDOM_CALLS:-20000}")
    "${@:3}" "$scratch/$1-${2%%,*}" "$scratch" "${calls[@]}" > "$scratch/out" || { cat "$scratch/out"; fail "$1 with -fsanitize=$2"; }
    [ "$1" = bits ] || sed "s/$/ ($2)/" "$scratch/out"
}
export UBSAN_OPTIONS=print_stacktrace=1
for program in bits misuse threads random; do
    sanitised $program address,undefined env
done
# The library's threads wait for each other by futexes, which the sanitiser does not know of: what functions of libc do for the
# library is left out. With addresses as random as some kernels make them the sanitiser does not start.
export TSAN_OPTIONS=ignore_noninstrumented_modules=1:halt_on_error=1
for program in misuse threads random; do
    sanitised $program thread setarch "$(uname -m)" -R
done
echo "C test passed"
