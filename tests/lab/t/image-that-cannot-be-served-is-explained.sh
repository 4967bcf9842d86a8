# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# An image that can't be served: xl create fails, one line of the log and the error node say why, the
# daemon and another guest go on.
. /share/t/lib.sh
image good 16
image odd 1
truncate -s 1000001 $IMAGES/odd.img
: >$IMAGES/empty.img
mkdir -p $IMAGES/directory.img
daemon_start
guest start g1 --disk $IMAGES/good.img || fail "guest start"

# refused IMAGE REASON
refused() {
	step "$1"
	before=$(grep -c "g2 xvda: .*$1" $LOG)
	! guest start g2 --no-wait --disk $IMAGES/$1 >/tmp/refused.log 2>&1 || fail "$1 was served"
	! xl domid g2 >/dev/null 2>&1 || fail "domain g2 is left"
	n=$(grep -c "error: g2 xvda: .*$1.*$2" $LOG)
	[ $((n - before)) = 1 ] ||
		fail "$((n - before)) lines say why $1 is refused; xl said: $(cat /tmp/refused.log)"
}
# These two libxl refuses by itself.
for image in directory.img missing.img; do
	! guest start g2 --no-wait --disk $IMAGES/$image 2>/dev/null || fail "$image was served"
done
refused odd.img 'multiple of 512'
refused empty.img 'empty'
refused good.img 'in use by .*g1'
guest exec g1 'dd if=/dev/urandom of=/dev/vda bs=64k count=16 oflag=direct 2>/dev/null' ||
	fail "g1 suffers"
guest stop g1 || fail "guest stop"
check_nothing_left
daemon_stop
