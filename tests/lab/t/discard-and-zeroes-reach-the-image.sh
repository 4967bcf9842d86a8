# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# libxl's discard-enable is honoured: blkdiscard in the guest frees the image's space, or, with
# discard-enable=0, is refused; zeroing (fstrim's and mkfs's friend) works either way.
. /share/t/lib.sh
blocks() { stat -c %b $1; }
image trim1 16
image trim2 16
daemon_start
guest start g1 --disk $IMAGES/trim1.img --disk $IMAGES/trim2.img,no-discard || fail "guest start"
guest exec g1 'for d in vda vdb; do dd if=/dev/urandom of=/dev/$d bs=64k oflag=direct 2>/dev/null; done
	[ $(cat /sys/block/vda/queue/discard_max_bytes) -gt 0 ] &&
	[ $(cat /sys/block/vdb/queue/discard_max_bytes) = 0 ]' || fail "the guest sees the wrong limits"
full=$(blocks $IMAGES/trim1.img)
guest exec g1 'blkdiscard /dev/vda' || fail "blkdiscard"
sync
[ "$(blocks $IMAGES/trim1.img)" -lt $((full / 8)) ] || fail "no space was freed"
guest exec g1 'blkdiscard /dev/vdb' 2>/dev/null && fail "discard-enable=0 was ignored"
guest exec g1 'blkdiscard -z /dev/vdb && cmp -n 16777216 /dev/vdb /dev/zero' || fail "zeroing"
guest stop g1 || fail "guest stop"
cmp -n 16777216 $IMAGES/trim2.img /dev/zero || fail "the image is not zero"
[ "$(stat -c %s $IMAGES/trim2.img)" = 16777216 ] || fail "the image has another size"
check_nothing_left
daemon_stop
