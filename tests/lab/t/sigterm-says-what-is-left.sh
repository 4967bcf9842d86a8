# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# SIGTERM with a guest running: the daemon says what it leaves behind and ends with status 0; the
# guest can still be destroyed, and a new daemon serves the next one.
. /share/t/lib.sh
image term 16
daemon_start
guest start g1 --disk $IMAGES/term.img || fail "guest start"
guest exec g1 'dd if=/dev/urandom of=/dev/vda bs=64k count=16 oflag=direct 2>/dev/null' || fail "write"
daemon_stop
log_has 'g1 xvda: left attached to domain' "nothing is said of what is left"
no_workers || fail "a worker is left"
daemon_start
log_has 'g1 xvda: an earlier xvirtiod served this disk' "the new daemon does not say what it found"
guest stop g1 || fail "guest stop"
check_nothing_left
guest run g2 --disk $IMAGES/term.img 'dd if=/dev/vda of=/dev/null bs=64k iflag=direct 2>/dev/null' ||
	fail "the next guest is not served"
check_nothing_left
daemon_stop
