# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# A worker that does not answer any more is ended in time: xl destroy keeps within libxl's 10 s, no
# zombie is left, and the image can be used again.
. /share/t/lib.sh
image stuck 16
daemon_start
guest start g1 --vcpus 2 --disk $IMAGES/stuck.img || fail "guest start"
guest exec g1 'dd if=/dev/urandom of=/dev/vda bs=64k count=16 oflag=direct 2>/dev/null' || fail "write"
worker=$(sed -n 's/.*is served by worker \([0-9]*\)$/\1/p' $LOG)
kill -STOP "$worker" || fail "no worker $worker"
xl destroy g1 >/tmp/stuck.log 2>&1 || fail "xl destroy: $(cat /tmp/stuck.log)"
! grep -iE 'timed out|unable to remove' /tmp/stuck.log || fail "xl destroy ran into a time-out"
log_has "g1: the worker \(pid $worker\) has not let go in 5 s and is killed"
check_nothing_left
guest run g2 --disk $IMAGES/stuck.img 'dd if=/dev/vda of=/dev/null bs=64k iflag=direct 2>/dev/null' ||
	fail "the image can't be used again"
check_nothing_left
daemon_stop
