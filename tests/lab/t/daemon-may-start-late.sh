# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# The daemon may start after xl has written the nodes: libxl waits 10 s for it.
. /share/t/lib.sh
image late 8
guest start g1 --no-wait --disk $IMAGES/late.img &
create=$!
there() { xenstore-ls $BACKEND 2>/dev/null | grep -q 'state = "1"'; }
wait_for 60 there || fail "xl wrote no nodes"
daemon_start
wait $create || fail "guest start"
guest exec g1 --timeout 200 'dd if=/dev/vda of=/dev/null bs=64k iflag=direct 2>/dev/null' || fail "read"
guest stop g1 || fail "guest stop"
check_nothing_left
daemon_stop
