# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# access=ro: the guest sees a read-only disk, its writes fail, the image stays as it is.
. /share/t/lib.sh
image ro 8
dd if=/dev/urandom of=$IMAGES/ro.img bs=1M count=8 conv=notrunc 2>/dev/null
before=$(md5sum <$IMAGES/ro.img)
daemon_start
guest start g1 $VIA --disk $(disk ro),ro || fail "guest start"
guest exec g1 '[ "$(cat /sys/block/vda/ro)" = 1 ]' || fail "the guest does not see that it is read-only"
same_bytes g1 /dev/vda $IMAGES/ro.img
# Linux stops writes by itself; without its flag they reach the device, which refuses, too.
guest exec g1 'blockdev --setrw /dev/vda 2>/dev/null
	dd if=/dev/zero of=/dev/vda bs=4k count=4 oflag=direct conv=notrunc' && fail "a write went through"
guest stop g1 || fail "guest stop"
[ "$(md5sum <$IMAGES/ro.img)" = "$before" ] || fail "the image has changed"
check_nothing_left
daemon_stop
