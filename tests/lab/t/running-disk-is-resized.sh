# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# After SIGHUP a running guest sees the size that its image has now, and can use what was added.
. /share/t/lib.sh
image disk 16
daemon_start
guest start g1 --vcpus 2 --disk $IMAGES/disk.img || fail "guest start g1"
has_size() {
	[ "$(guest exec g1 'cat /sys/block/vda/size')" = "$1" ]
}
has_size 32768 || fail "the guest does not see 16 MiB"
truncate -s 24M $IMAGES/disk.img
kill -HUP $DAEMON
wait_for 60 has_size 49152 || fail "the guest does not see 24 MiB"
log_has 'g1.*vda.*(25165824|49152)'
guest exec g1 'dd if=/dev/urandom of=/dev/vda bs=1M seek=20 count=4 oflag=direct 2>/dev/null' ||
	fail "write to what was added"
same_bytes g1 /dev/vda $IMAGES/disk.img
truncate -s 8M $IMAGES/disk.img
kill -HUP $DAEMON
wait_for 60 has_size 16384 || fail "the guest does not see 8 MiB"
same_bytes g1 /dev/vda $IMAGES/disk.img
guest stop g1 || fail "guest stop"
check_nothing_left
daemon_stop
