# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# The body of *-cycles-leak-nothing: guests come, use two disks and go.  The daemon's descriptors and
# memory, and the free memory of its domain and of dom0, end where they began.  The first cycles warm
# up what is allocated once.  cycles_leak_nothing NUMBER
daemon_rss() { at_daemon "awk '/^VmRSS/ { print \$2 }' /proc/$DAEMON/status"; }
daemon_fds() { at_daemon "ls /proc/$DAEMON/fd | wc -l"; }
free='sync; echo 3 >/proc/sys/vm/drop_caches; awk "/^MemAvailable/ { print \$2 }" /proc/meminfo'
daemon_free() { at_daemon "$free"; }
dom0_free() { sh -c "$free"; }
cycle() {
	guest run g1 $VIA --disk $(disk cycle1) --disk $(disk cycle2) 'set -e
		dd if=/dev/urandom of=/dev/vda bs=64k count=16 oflag=direct 2>/dev/null
		cat /dev/vda >/dev/vdb; sync
		dd if=/dev/vda of=/dev/null bs=64k iflag=direct 2>/dev/null' || fail "cycle $1"
}
# compare WHAT BEFORE AFTER: one leaked guest would be 192 MB; logs and slabs grow a little.
compare_free() {
	step "$1: $2 -> $3 kB free"
	[ "$3" -ge $(($2 - 24576)) ] || fail "$1 loses memory: $2 -> $3 kB"
}
cycles_leak_nothing() {
	image cycle1 2
	image cycle2 2
	daemon_start
	for i in 1 2 3; do cycle $i; done
	check_nothing_left
	fds=$(daemon_fds) rss=$(daemon_rss) mine=$(daemon_free) dom0=$(dom0_free)
	for i in $(seq 4 $1); do cycle $i; done
	check_nothing_left
	step "descriptors $fds -> $(daemon_fds), RSS $rss -> $(daemon_rss) kB"
	[ "$(daemon_fds)" = "$fds" ] || fail "descriptors leak: $fds -> $(daemon_fds)"
	[ "$(daemon_rss)" -le $((rss + 256)) ] || fail "memory leaks: $rss -> $(daemon_rss) kB"
	compare_free "the daemon's domain" $mine $(daemon_free)
	compare_free dom0 $dom0 $(dom0_free)
	cmp $IMAGES/cycle1.img $IMAGES/cycle2.img || fail "the disks differ"
	daemon_stop
}
