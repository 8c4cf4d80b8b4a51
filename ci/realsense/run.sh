#!/usr/bin/env bash
# The RealSense source against librealsense itself, which stands in for the camera as well: a software device is recorded
# and the recording played. Exit code 0: passed, 1: failed, 77: not run, with the reason.
# The library is taken out of PyPI's pyrealsense2 and kept in ${XDG_CACHE_HOME:-$HOME/.cache}/crosscheck-realsense (70 MB).
# As root on Debian it installs what is missing: patchelf, libusb-1.0-0, libudev1.
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=ci/camera_build.sh
. ci/camera_build.sh
# shellcheck source=ci/install.sh
. ci/install.sh

not_run() {
    echo "RealSense test not run: $1"
    exit 77
}

install_missing() {
    local missing=()
    command -v patchelf > /dev/null || missing+=(patchelf)
    ldconfig -p | grep 'libusb-1\.0\.so\.0 ' > /dev/null || missing+=(libusb-1.0-0)
    ldconfig -p | grep 'libudev\.so\.1 ' > /dev/null || missing+=(libudev1)
    [ ${#missing[@]} -eq 0 ] && return
    install_packages "${missing[@]}" || not_run "needs ${missing[*]}: apt install ${missing[*]}"
}

# The wheel has librealsense inside a Python module: with its name, and stubs for Python's symbols, it is a plain library.
make_library() {
    local made module
    rm -rf "$realsense_cache"/making.*
    made=$(mktemp -d "$realsense_cache/making.XXXXXX")
    python3 -m pip download -q --no-deps --only-binary :all: --python-version 3.11 --platform manylinux1_x86_64 \
        -d "$made/wheel" "pyrealsense2==$realsense_version" || not_run "cannot get pyrealsense2 $realsense_version from PyPI"
    python3 -m zipfile -e "$made"/wheel/*.whl "$made/module"
    module=$(find "$made/module" -name 'pyrealsense2.cpython-*.so')
    mkdir "$made/lib"
    cp "$module" "$made/lib/librealsense2.so.2.56"
    ln -s librealsense2.so.2.56 "$made/lib/librealsense2.so"
    # Data is zero, functions abort: none of them is reached from the C interface.
    nm -D --undefined-only "$module" | awk '{ print $NF }' | grep -E '^_?Py' | sort -u | awk '
        BEGIN { print "#include <stdlib.h>" }
        /^(PyExc_|_Py_NoneStruct|_Py_TrueStruct|_Py_FalseStruct|_Py_NotImplementedStruct|_Py_EllipsisObject|Py_.*Flag)|_Type$/ {
            print "void *" $1 "[64];"; next
        }
        { print "void " $1 "(void) { abort(); }" }' > "$made/python.c"
    gcc -w -shared -fPIC -O1 -Wl,-soname,libpython-stub.so -o "$made/lib/libpython-stub.so" "$made/python.c"
    # One change at a time: patchelf 0.14 mixes up the names of several.
    # shellcheck disable=SC2016
    for change in "--set-soname librealsense2.so.2.56" "--add-needed libpython-stub.so" '--set-rpath $ORIGIN'; do
        # shellcheck disable=SC2086
        patchelf $change "$made/lib/librealsense2.so.2.56"
    done
    rm -rf "$made/wheel" "$made/module" "$made/python.c"
    rm -rf "${realsense_cache:?}/$realsense_version"
    mv "$made" "$realsense_cache/$realsense_version"
}

[ "$(uname -sm)" = "Linux x86_64" ] || not_run "the wheel is for Linux on x86_64, this is $(uname -sm)"
for tool in python3 gcc nm; do
    command -v $tool > /dev/null || not_run "needs $tool"
done
python3 -m pip --version > /dev/null 2>&1 || not_run "needs pip for python3"
install_missing
mkdir -p "$realsense_cache"
[ -e "$realsense_library/librealsense2.so" ] || make_library
cargo test --release --features "$(camera_features)" --test realsense -- --nocapture
