# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# The body of driver-domain-is-*: a driver domain goes while its guest reads and writes.  That guest
# waits, until it is destroyed; another one, with a disk of dom0, goes on; when both have gone nothing is
# left.  A new driver domain serves a new guest, who finds what was flushed.  lost COMMAND...
lost() {
	image other 8
	xvirtiod --log-level debug 2>/tmp/dom0.log &
	here=$!
	wait_for 30 grep -q 'is ready to serve' /tmp/dom0.log || fail "no daemon in dom0"
	guest start g2 --disk $IMAGES/other.img || fail "guest start g2"
	driver_domain domd --on-reboot destroy
	image lost 8
	daemon_start
	guest start g1 --vcpus 2 --backend domd --disk $(disk lost) || fail "guest start g1"
	writes g1 $IMAGES/lost.img
	sum=$(head -c 4194304 $IMAGES/lost.img | md5sum)
	# All of it is done by the second vCPU, which then waits; the first one can say so.
	guest exec g1 'echo 2 >/proc/irq/$(awk -F: "/virtio/ { print \$1 + 0 }" /proc/interrupts)/smp_affinity
		taskset 2 sh -c "while dd if=/dev/vda of=/dev/null bs=4k count=1 iflag=direct 2>/dev/null; do
			echo tick >>/tmp/ticks; done" & echo $! >/tmp/traffic' || fail "start of the traffic"
	wait_for 30 reads || fail "g1 reads nothing"
	first=$(xl domid domd)
	step "$*"
	"$@"
	wait_for 60 domd_gone || fail "domd is still there"
	waits || fail "the guest does not wait"
	step "what the guest sees: $(guest exec g1 --timeout 20 'dmesg | tail -n 3; ps | grep "[d]d if"' 2>&1)"
	step "domains: $(xl list | tail -n +2)"
	xl list | grep -q '^(null)' || fail "nothing is left of domd, which g1 has a disk of"
	writes g2 $IMAGES/other.img
	rm -f $IMAGES/lost.disk
	driver_domain domd
	[ "$(xl domid domd)" != "$first" ] || fail "the same domid again"
	guest attach domd $IMAGES/lost.img >$IMAGES/lost.disk || fail "the disk of the new domd"
	daemon_start
	step "the new domd: $(xenstore-ls $BACKEND 2>&1)"
	xl destroy g1 || fail "xl destroy g1"
	guest start g3 --backend domd --disk $(disk lost) || fail "guest start g3"
	is=$(guest exec g3 --timeout 200 'head -c 4194304 /dev/vda | md5sum') || fail "read in g3"
	[ "$is" = "$sum" ] || fail "what was flushed is gone"
	guest stop g3 || fail "guest stop g3"
	guest stop g2 || fail "guest stop g2"
	check_nothing_left
	! xl list | grep -q '(null)' || fail "a zombie is left: $(xl list)"
	daemon_stop
	guest stop domd || fail "guest stop domd"
	kill -TERM $here
	wait $here || fail "the daemon in dom0"
}

domd_gone() {
	! xl domid domd >/dev/null 2>&1
}

# How many reads g1 has done; nothing if it does no more, since one has failed.
ticks() {
	guest exec g1 --timeout 20 'kill -0 $(cat /tmp/traffic) && wc -l </tmp/ticks' 2>/dev/null
}

reads() {
	[ "$(ticks)" -gt 0 ] 2>/dev/null
}

# They come to a stop, without an error.
waits() {
	before=$(ticks)
	sleep 10
	[ -n "$before" ] && [ "$(ticks)" = "$before" ]
}
