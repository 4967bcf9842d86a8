# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# The body of refused-*: the daemon in the driver domain cannot serve a guest.

# refuse PATTERN [GUEST-OPTION]...: xl create fails, and the log says why
refuse() {
	local pattern=$1
	shift
	image refused 8
	! guest start g1 --backend $DOMD "$@" --disk $(disk refused) --no-wait 2>/tmp/refused.log ||
		fail "the guest was served"
	log_has "error: $(called g1).*$pattern"
}

# The same, and the daemon goes on; nothing of the guest is left.
refused() {
	daemon_start
	refuse "$@"
	check_nothing_left
	daemon_stop
	guest stop $DOMD || fail "guest stop $DOMD"
}
