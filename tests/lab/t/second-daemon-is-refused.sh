# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# A second daemon for the same guests refuses to start and says who serves them; one that is killed
# with no guest leaves nothing.
. /share/t/lib.sh
daemon_start
xvirtiod --foreground 2>/tmp/second.log && fail "a second daemon started"
grep -q "pid $DAEMON" /tmp/second.log || fail "it does not say who is there: $(cat /tmp/second.log)"
xvirtiod --domain g1 --foreground 2>/dev/null && fail "a daemon for g1 started beside the one for all"
kill -9 $DAEMON
wait $DAEMON
image restart 8
daemon_start
guest run g1 --disk $IMAGES/restart.img 'dd if=/dev/vda of=/dev/null bs=64k 2>/dev/null' || fail "guest run"
check_nothing_left
daemon_stop
