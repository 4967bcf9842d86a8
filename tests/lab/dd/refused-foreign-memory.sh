# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# The policy gives a driver domain only what a guest grants: a disk with grant_usage=0 can't be served,
# and the log says which boolean would allow it; while the same disk is served by grants.
. /share/t/lib.sh
driver_domain domd
image foreign 8
daemon_start
guest start g1 --backend domd --grant-usage 0 --disk $(disk foreign) --no-wait 2>/tmp/refused.log
said() { daemon_log | grep -qE 'flask-set-bool domd_foreign 1.*Permission denied'; }
wait_for 120 said || fail "the log does not say what is missing"
xl destroy g1 2>/dev/null
check_nothing_left
guest start g2 --backend domd --disk $(disk foreign) || fail "guest start g2"
writes g2 $IMAGES/foreign.img
guest stop g2 || fail "guest stop g2"
check_nothing_left
daemon_stop
guest stop domd || fail "guest stop domd"
