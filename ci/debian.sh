# Sourced by checks that need programs of Debian's packages. `provide PROGRAM PACKAGE` finds the program, or downloads the
# package with what it needs and unpacks all of it into target/debian. Nothing is installed, so no service is started and
# no root is needed. Returns 1 where that does not work, as on another system than Debian.
# shellcheck shell=bash
debian=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)/target/debian
export PATH=$PATH:$debian/usr/bin:$debian/usr/sbin:$debian/bin
libraries=$(uname -m)-linux-gnu
export LD_LIBRARY_PATH=$debian/usr/lib/$libraries:$debian/lib/$libraries${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
export PYTHONPATH=$debian/usr/lib/python3/dist-packages${PYTHONPATH:+:$PYTHONPATH}

provide() {
    ! command -v "$1" > /dev/null || return 0
    unpack "$2" && command -v "$1" > /dev/null
}

# unpack PACKAGE
unpack() {
    command -v apt-get > /dev/null || return 1
    echo "downloading Debian's $1 into target/debian"
    mkdir -p "$debian/archives/partial"
    local fetch=(apt-get install -qqy --no-install-recommends --download-only -o Debug::NoLocking=1 -o "Dir::Cache::archives=$debian/archives" "$1")
    # The lists may be older than what is installed, and than what the servers still have.
    "${fetch[@]}" > "$debian/archives/log" 2>&1 \
        || { apt-get update -qq > /dev/null 2>&1 && "${fetch[@]}" > "$debian/archives/log" 2>&1; } || return 1
    for archive in "$debian"/archives/*.deb; do
        dpkg-deb -x "$archive" "$debian" || return 1
        rm "$archive"
    done
}
