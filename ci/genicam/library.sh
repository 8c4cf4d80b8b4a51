#!/usr/bin/env bash
# Provides Aravis, which the feature `genicam` needs at build time: as root on Debian it installs libaravis-dev,
# libusb-1.0-0-dev, and aravis-tools-cli for the test. Where that does not work it says what is missing, and ends with 1.
set -euo pipefail
packages="libaravis-dev libusb-1.0-0-dev aravis-tools-cli"
is_there() {
    command -v pkg-config > /dev/null && pkg-config --exists 'aravis-0.8 >= 0.8.25'
}
cd "$(dirname "$0")/../.."
# shellcheck source=ci/install.sh
. ci/install.sh
if ! is_there; then
    # shellcheck disable=SC2086
    install_packages pkg-config $packages || true
fi
is_there && exit
echo "needs pkg-config and Aravis 0.8.25 or later (Debian: $packages)"
exit 1
