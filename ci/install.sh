# Sourced by checks that need Debian's packages. `install_packages PACKAGE...` installs them as root on Debian, and returns 1
# where that does not work.
# shellcheck shell=bash
install_packages() {
    if [ "$(id -u)" -ne 0 ] || ! command -v apt-get > /dev/null; then
        return 1
    fi
    # Checks run side by side, and only one of them may install.
    local install=(apt-get install -qqy --no-install-recommends -o DPkg::Lock::Timeout=300 "$@")
    echo "installing $*"
    "${install[@]}" > /dev/null 2>&1 && return
    # The lists may be older than what is installed, which the packages in them do not fit then.
    apt-get update -qq > /dev/null 2>&1 && "${install[@]}" > /dev/null 2>&1
}
