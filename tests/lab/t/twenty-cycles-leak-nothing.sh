# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# Twenty guests come, use two disks and go: the daemon's descriptors and memory, and dom0's free
# memory, end where they began.  The first cycles warm up what is allocated once.
. /share/t/lib.sh
daemon_rss() { awk '/^VmRSS/ { print $2 }' /proc/$DAEMON/status; }
daemon_fds() { ls /proc/$DAEMON/fd | wc -l; }
dom0_free() { sync; echo 3 >/proc/sys/vm/drop_caches; awk '/^MemAvailable/ { print $2 }' /proc/meminfo; }
cycle() {
	guest run g1 --disk $IMAGES/cycle1.img --disk $IMAGES/cycle2.img 'set -e
		dd if=/dev/urandom of=/dev/vda bs=64k count=16 oflag=direct 2>/dev/null
		cat /dev/vda >/dev/vdb; sync
		dd if=/dev/vda of=/dev/null bs=64k iflag=direct 2>/dev/null' || fail "cycle $1"
}
image cycle1 2
image cycle2 2
daemon_start
for i in 1 2 3; do cycle $i; done
check_nothing_left
fds=$(daemon_fds) rss=$(daemon_rss) free=$(dom0_free)
for i in $(seq 4 20); do cycle $i; done
check_nothing_left
step "descriptors $fds -> $(daemon_fds), RSS $rss -> $(daemon_rss) kB, dom0 $free -> $(dom0_free) kB"
[ "$(daemon_fds)" = "$fds" ] || fail "descriptors leak: $fds -> $(daemon_fds)"
[ "$(daemon_rss)" -le $((rss + 256)) ] || fail "memory leaks: $rss -> $(daemon_rss) kB"
# One leaked guest would be 192 MB; console logs and slabs grow a little.
[ "$(dom0_free)" -ge $((free - 24576)) ] || fail "dom0 loses memory: $free -> $(dom0_free) kB"
daemon_stop
