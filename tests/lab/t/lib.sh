# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC2034
# What the lab tests share; each sources it.  They run in dom0, whose sh is dash.  A test that ends
# with status 0 has kept its promise.
BACKEND=/local/domain/0/backend/virtio_disk
LOG=/tmp/xvirtiod.log
IMAGES=/images # a file system with O_DIRECT, see prepare_images
DAEMON=

# Each on standard error, so that it is seen whatever the test does with its output.
fail() {
	echo "FAILED: $*" >&2
	exit 1
}

step() {
	echo "- $*" >&2
}

# daemon_start [ARGUMENT]...
daemon_start() {
	: >$LOG
	xvirtiod --log-level debug "$@" 2>>$LOG &
	DAEMON=$!
	wait_for 30 grep -q 'is ready to serve' $LOG || fail "the daemon does not start"
}

daemon_stop() {
	kill -TERM $DAEMON
	wait $DAEMON || fail "the daemon ended with status $?"
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
	cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\0' ' ' | grep -o 'xvirtiod --[w]orker' | wc -l
}

no_workers() {
	[ "$(workers)" = 0 ]
}

domains() {
	xl list | tail -n +3 | wc -l
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
	for fd in "/proc/$DAEMON/fd"/*; do
		case $(readlink $fd) in *xvirtiod-state* | *.img* | *pidfd*)
			fail "the daemon still holds $(readlink $fd)" ;;
		esac
	done
}

# image NAME MEGABYTES: an empty one in $IMAGES
image() {
	rm -f $IMAGES/$1.img
	truncate -s ${2}M $IMAGES/$1.img
}

# prepare_images DEVICE: dom0's extra disk becomes $IMAGES
prepare_images() {
	mkdir -p $IMAGES
	grep -q " $IMAGES " /proc/mounts && return
	mkfs.ext4 -q -F "$1" && mount -t ext4 "$1" $IMAGES
}

# log_has PATTERN [MESSAGE]
log_has() {
	grep -qE "$1" $LOG || fail "${2:-the log does not say}: $1"
}

# The two sides of a disk hold the same bytes.  same_bytes GUEST DEVICE IMAGE
same_bytes() {
	local inside outside
	inside=$(guest exec $1 --timeout 300 "echo 3 >/proc/sys/vm/drop_caches; md5sum <$2") || fail "md5sum in $1"
	outside=$(md5sum <$3)
	[ "$inside" = "$outside" ] || fail "$1 $2 and $3 differ"
}
