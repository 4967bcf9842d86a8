# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# Linux can switch the disk's write cache off and on (CONFIG_WCE): with it off it sends no flushes, and
# relies on each write being stable.
. /share/t/lib.sh
image disk 16
daemon_start
guest start g1 --disk $IMAGES/disk.img || fail "guest start g1"
cache_is() {
	[ "$(guest exec g1 'cat /sys/block/vda/cache_type')" = "$1" ]
}
cache_is 'write back' || fail "the cache is not on at first"
guest exec g1 'echo "write through" >/sys/block/vda/cache_type' || fail "switch it off"
cache_is 'write through' || fail "it is not off"
guest exec g1 'dd if=/dev/urandom of=/dev/vda bs=64k count=64 conv=fsync 2>/dev/null' || fail "dd"
same_bytes g1 /dev/vda $IMAGES/disk.img
guest exec g1 'echo "write back" >/sys/block/vda/cache_type' || fail "switch it on"
cache_is 'write back' || fail "it is not on again"
guest exec g1 'dd if=/dev/urandom of=/dev/vda bs=64k count=64 conv=fsync 2>/dev/null' || fail "dd"
same_bytes g1 /dev/vda $IMAGES/disk.img
guest stop g1 || fail "guest stop"
log_has 'served .* [1-9][0-9]* flushes'
check_nothing_left
daemon_stop
