# Sourced by checks that need Debian's packages. `install_packages PACKAGE...` installs them as root on Debian, and returns 1
# where that does not work.
# shellcheck shell=bash
install_packages() {
    if [ "$(id -u)" -ne 0 ] || ! command -v apt-get > /dev/null; then
        return 1
    fi
    local install=(apt-get install -qqy --no-install-recommends "$@")
    echo "installing $*"
    "${install[@]}" > /dev/null 2>&1 && return
    # The lists may be older than what is installed, which the packages in them do not fit then.
    apt-get update -qq > /dev/null 2>&1 && "${install[@]}" > /dev/null 2>&1
}
