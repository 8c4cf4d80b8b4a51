#!/usr/bin/env bash
# Inside the virtual machine: installs the service as a user would and runs the tests against it.
set -euo pipefail
cd "$(dirname "$0")"
export PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
echo "guest: kernel $(uname -r), $(systemctl --version | head -n 1), up $(cut -d. -f1 /proc/uptime) s"
modprobe gpio-sim
# Two cameras that capture what is put out to them.
modprobe vivid n_devs=2 node_types=0x101,0x101 num_inputs=1,1 input_types=0x3,0x3 num_outputs=1,1 output_types=0x1,0x1
mountpoint -q /sys/kernel/config || mount -t configfs none /sys/kernel/config
systemd/install.sh --program ./crosscheck > /dev/null
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
