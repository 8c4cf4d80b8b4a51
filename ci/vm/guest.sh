#!/usr/bin/env bash
# Inside the virtual machine: installs the package as a user would and runs the tests against its service.
set -euo pipefail
cd "$(dirname "$0")"
export PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive
echo "guest: kernel $(uname -r), $(systemctl --version | head -n 1), up $(cut -d. -f1 /proc/uptime) s"
modprobe gpio-sim
# Two cameras that capture what is put out to them.
modprobe vivid n_devs=2 node_types=0x101,0x101 num_inputs=1,1 input_types=0x3,0x3 num_outputs=1,1 output_types=0x1,0x1
mountpoint -q /sys/kernel/config || mount -t configfs none /sys/kernel/config
# Where the script has installed the program, the package refuses; once it is removed, the package installs.
systemd/install.sh --program ./crosscheck > /dev/null
if apt-get install -qq -y ./crosscheck.deb > /run/refusal 2>&1 || ! grep -q "systemd/install.sh --uninstall" /run/refusal; then
    cat /run/refusal
    echo "guest: the package does not refuse an installation by install.sh"
    exit 1
fi
systemd/install.sh --uninstall > /dev/null
apt-get install -qq -y ./crosscheck.deb
echo "guest: $(command -v crosscheck), package $(dpkg-query -W -f '${Version}' crosscheck)"
crosscheck doctor || [ $? -eq 1 ]
cp -r station/* /etc/crosscheck/
chgrp -R crosscheck /etc/crosscheck
chmod -R g+rX /etc/crosscheck
# An emulated processor needs seconds for a frame, on a busy machine ten.
mkdir -p /etc/systemd/system/crosscheck@.service.d
printf '[Unit]\nStartLimitBurst=100\n[Service]\nWatchdogSec=60\n' > /etc/systemd/system/crosscheck@.service.d/slow.conf
# A disk of 256 kB.
mkdir -p /var/lib/crosscheck/full/recording
mount -t tmpfs -o "size=256k,mode=700,uid=$(id -u crosscheck),gid=$(id -g crosscheck)" none /var/lib/crosscheck/full/recording
chown crosscheck:crosscheck /var/lib/crosscheck/full
systemctl daemon-reload
cp vm /run/vm
/run/vm --ignored vivid:: --test-threads=1 --nocapture
/run/vm --ignored guest:: --test-threads=1 --nocapture
/run/vm --ignored package:: --test-threads=1 --nocapture
