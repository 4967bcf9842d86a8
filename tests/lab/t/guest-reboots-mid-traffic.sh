# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# A guest reboots in the middle of its writes: a new domain, the same disk, the old bytes still there.
. /share/t/lib.sh
image reboot 64
daemon_start
guest start g1 --on-reboot restart --vcpus 2 $VIA --disk $(disk reboot) || fail "guest start"
first=$(xl domid g1)
guest exec g1 'mkfs.ext4 -q /dev/vda && mount -t ext4 /dev/vda /mnt &&
	echo kept >/mnt/kept && sync && umount /mnt' || fail "first life"
guest exec g1 'dd if=/dev/urandom of=/dev/null bs=1k count=1 2>/dev/null
	fio --ioengine=libaio --direct=1 --rw=randwrite --bs=64k --iodepth=16 --time_based \
	--runtime=60 --offset=32m --size=30m --minimal --name=a --filename=/dev/vda >/dev/null 2>&1 &
	sleep 2' || fail "start of the traffic"
xl reboot -F g1 || fail "xl reboot"
reborn() { second=$(xl domid g1 2>/dev/null) && [ "$second" != "$first" ]; }
wait_for 60 reborn || fail "the guest did not come again"
guest exec g1 --timeout 120 'mount -t ext4 /dev/vda /mnt && cat /mnt/kept && umount /mnt' >/tmp/kept ||
	fail "second life"
grep -q kept /tmp/kept || fail "what was written is gone"
[ "$(workers)" = 1 ] || fail "$(workers) workers after the reboot"
guest stop g1 || fail "guest stop"
check_nothing_left
daemon_stop
