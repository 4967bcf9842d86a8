# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# --domain NAME serves that guest and no other.
. /share/t/lib.sh
image mine 8
image other 8
daemon_start --domain g1
guest start g1 --disk $IMAGES/mine.img || fail "guest start g1"
xenstore-write $BACKEND/9999/51712/state 1
sleep 1
[ "$(xenstore-read $BACKEND/9999/51712/state)" = 1 ] || fail "another guest's node was touched"
! grep -q 'domain 9999' $LOG || fail "another guest was looked at"
xenstore-rm $BACKEND/9999
guest stop g1 || fail "guest stop"
check_nothing_left
daemon_stop
