# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC2034
# What the lab tests share; each sources it.  They run in dom0, whose sh is dash.  A test that ends
# with status 0 has kept its promise.
#
# The daemon runs in dom0, or, if $DOMD is the name of a domain, in that driver domain: then each
# image of dom0 is a disk there, by xen-blkback.  Tests that know where it runs only by these serve
# for both:
#   $VIA             options of "guest start" in front of those for disks
#   disk NAME        the path of an image where the daemon is; $IMAGES/NAME.img is its path in dom0
#   at_daemon TEXT   run a command there
#   amount MEGABYTES how much a test should transfer
#   called GUEST     what the log calls a guest, as a regular expression
DOMD=${DOMD-}
VIA=${VIA-}
LOG=/tmp/xvirtiod.log
IMAGES=/images # a file system with O_DIRECT, see prepare_images
DAEMON=
BACKEND=/local/domain/0/backend/virtio_disk
[ -z "$DOMD" ] || ! domid=$(xl domid $DOMD 2>/dev/null) || BACKEND=/local/domain/$domid/backend/virtio_disk

# Each on standard error, so that it is seen whatever the test does with its output.
fail() {
	echo "FAILED: $*" >&2
	exit 1
}

step() {
	echo "- $*" >&2
}

# driver_domain NAME [OPTION]...: start one, without the daemon; from now on the daemon is there
driver_domain() {
	DOMD=$1
	guest start "$@" --driver-domain --daemon none --timeout 600 || fail "guest start $1"
	BACKEND=/local/domain/$(xl domid $DOMD)/backend/virtio_disk
}

at_daemon() {
	if [ -n "$DOMD" ]; then guest exec $DOMD --timeout 300 "$1"; else sh -c "$1"; fi
}

daemon_log() {
	at_daemon "cat $LOG"
}

called() {
	if [ -n "$DOMD" ]; then echo 'domain [0-9]+'; else echo $1; fi
}

# daemon_start [ARGUMENT]...
daemon_start() {
	if [ -n "$DOMD" ]; then
		at_daemon "rm -f /tmp/status; : >$LOG
			{ xvirtiod --log-level debug $* 2>>$LOG; echo \$? >/tmp/status; } &"
	else
		: >$LOG
		xvirtiod --log-level debug "$@" 2>>$LOG &
		DAEMON=$!
	fi
	wait_for 30 at_daemon "grep -q 'is ready to serve' $LOG" || fail "the daemon does not start"
	[ -z "$DOMD" ] || DAEMON=$(at_daemon 'pidof xvirtiod')
}

daemon_stop() {
	if [ -n "$DOMD" ]; then
		at_daemon "kill -TERM $DAEMON; until [ -s /tmp/status ]; do usleep 50000; done
			exit \$(cat /tmp/status)"
	else
		kill -TERM $DAEMON
		wait $DAEMON
	fi || fail "the daemon ended with status $?"
	DAEMON=
}

# wait_for SECONDS COMMAND...: until it succeeds.  COMMAND may be a function that sets variables.
wait_for() {
	local wait_for_left=$(($1 * 5))
	shift
	while ! "$@"; do
		wait_for_left=$((wait_for_left - 1))
		[ $wait_for_left -gt 0 ] || return 1
		usleep 200000
	done
}

workers() {
	at_daemon "cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\0' ' ' | grep -o 'xvirtiod --[w]orker' | wc -l"
}

no_workers() {
	[ "$(workers)" = 0 ]
}

# Guests; a driver domain's name begins with "domd".
domains() {
	xl list | tail -n +3 | grep -vc '^domd'
}

no_domains() {
	[ "$(domains)" = 0 ]
}

# Nothing of any guest is left: domains (zombies show in xl list, too), nodes, processes, mappings.
check_nothing_left() {
	wait_for 30 no_domains || fail "domains are left: $(xl list)"
	wait_for 30 no_workers || fail "workers are left"
	! xenstore-ls $BACKEND 2>/dev/null | grep -q . || fail "nodes are left: $(xenstore-ls $BACKEND)"
	[ -z "$DAEMON" ] && return
	held=$(at_daemon "for fd in /proc/$DAEMON/fd/*; do readlink \$fd; done |
		grep -E 'xvirtiod-state|\.img|/dev/xvd|pidfd'")
	[ -z "$held" ] || fail "the daemon still holds $held"
}

# image NAME MEGABYTES: an empty one in $IMAGES, and where the daemon is
image() {
	rm -f $IMAGES/$1.img
	truncate -s ${2}M $IMAGES/$1.img
	[ -z "$DOMD" ] || guest attach $DOMD $IMAGES/$1.img >$IMAGES/$1.disk || fail "$1.img in $DOMD"
}

disk() {
	if [ -n "$DOMD" ]; then cat $IMAGES/$1.disk; else echo $IMAGES/$1.img; fi
}

# amount MEGABYTES: as many, or fewer where each goes through two more domains
amount() {
	if [ -n "$DOMD" ]; then echo $(($1 / 4))m; else echo $1m; fi
}

# After a test: no image is left.
remove_images() {
	for used in "$IMAGES"/*.disk; do
		[ -z "$DOMD" ] || [ ! -e "$used" ] || guest detach $DOMD "$(cat "$used")"
	done
	rm -rf $IMAGES/*.img $IMAGES/*.disk
}

# prepare_images DEVICE: dom0's extra disk becomes $IMAGES
prepare_images() {
	mkdir -p $IMAGES
	grep -q " $IMAGES " /proc/mounts && return
	mkfs.ext4 -q -F "$1" && mount -t ext4 "$1" $IMAGES
}

# log_has PATTERN [MESSAGE]
log_has() {
	daemon_log | grep -qE "$1" || fail "${2:-the log does not say}: $1"
}

# A guest writes to its first disk, and image has it.  writes GUEST IMAGE
writes() {
	guest exec $1 --timeout 200 'dd if=/dev/urandom of=/dev/vda bs=64k count=64 conv=fsync 2>/dev/null' ||
		fail "write in $1"
	same_bytes $1 /dev/vda $2
}

# The two sides of a disk hold the same bytes.  same_bytes GUEST DEVICE IMAGE
same_bytes() {
	local inside outside
	inside=$(guest exec $1 --timeout 300 "echo 3 >/proc/sys/vm/drop_caches; md5sum <$2") || fail "md5sum in $1"
	outside=$(md5sum <$3)
	[ "$inside" = "$outside" ] || fail "$1 $2 and $3 differ"
}
