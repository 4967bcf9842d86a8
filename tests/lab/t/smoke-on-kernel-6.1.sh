# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# A short life on the stable kernel (6.1) for dom0 and guest, on both data paths.
. /share/t/lib.sh
uname -r | grep -q '^6\.1\.' || fail "this is kernel $(uname -r)"
image old 32
for cache in direct buffered; do
	echo "defaults = { cache = \"$cache\"; };" >/tmp/old.conf
	daemon_start --config /tmp/old.conf
	guest start g1 --vcpus 2 --disk $IMAGES/old.img || fail "guest start"
	log_has "g1 xvda: .*, $cache,"
	guest exec g1 --timeout 300 'set -e; mkfs.ext4 -q /dev/vda; mount -t ext4 /dev/vda /mnt
		cp /bin/busybox /mnt; sync; cmp /bin/busybox /mnt/busybox; umount /mnt' || fail "guest"
	same_bytes g1 /dev/vda $IMAGES/old.img
	guest stop g1 || fail "guest stop"
	e2fsck -fn $IMAGES/old.img || fail "not clean"
	check_nothing_left
	daemon_stop
done
