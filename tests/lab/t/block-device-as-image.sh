# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# A block device of dom0 is served like a file; a mounted one is refused.
. /share/t/lib.sh
image backing 32
loop=$(losetup -f)
losetup $loop $IMAGES/backing.img || fail "losetup"
daemon_start
guest start g1 --disk $loop || fail "guest start"
guest exec g1 --timeout 200 'set -e
	mkfs.ext4 -q /dev/vda; mount -t ext4 /dev/vda /mnt
	dd if=/dev/urandom of=/mnt/f bs=64k count=128 2>/dev/null; sync; umount /mnt' || fail "guest"
same_bytes g1 /dev/vda $loop
guest stop g1 || fail "guest stop"
e2fsck -fn $loop || fail "not clean"
mkdir -p /mnt/loop
mount -t ext4 $loop /mnt/loop || fail "mount in dom0"
! guest start g2 --no-wait --disk $loop || fail "a mounted device was served"
log_has "g2 xvda: $loop: cannot open for writing: mounted on /mnt/loop"
guest stop g2 >/dev/null 2>&1
umount /mnt/loop
losetup -d $loop
check_nothing_left
daemon_stop
