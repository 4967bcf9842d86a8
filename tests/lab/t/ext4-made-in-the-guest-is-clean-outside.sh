# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# A guest makes ext4, copies a tree, syncs, unmounts; dom0 finds it clean, and every byte right.
. /share/t/lib.sh
image tree 96
daemon_start
guest start g1 $VIA --disk $(disk tree) || fail "guest start"
guest exec g1 --timeout 300 'set -e
	mkfs.ext4 -q /dev/vda
	mount -t ext4 /dev/vda /mnt
	mkdir /mnt/tree
	cp -a /usr /etc /mnt/tree/
	mkdir /mnt/tree/many
	for i in $(seq 200); do head -c $((i * 331)) /dev/urandom >/mnt/tree/many/$i; done
	dd if=/dev/urandom of=/mnt/tree/random bs=64k count=256 2>/dev/null
	cd /mnt/tree && find . -type f -exec md5sum {} + >/mnt/sums
	sync
	cd / && umount /mnt' || fail "the guest's work"
guest stop g1 || fail "guest stop"
e2fsck -fn $IMAGES/tree.img || fail "the file system is not clean"
mkdir -p /mnt/tree
mount -t ext4 -o loop,ro $IMAGES/tree.img /mnt/tree || fail "mount in dom0"
n=$(wc -l </mnt/tree/sums)
(cd /mnt/tree/tree && md5sum -c -s ../sums) || fail "bytes are wrong"
umount /mnt/tree
[ "$n" -gt 200 ] || fail "only $n files were compared"
step "$n files compared"
check_nothing_left
daemon_stop
