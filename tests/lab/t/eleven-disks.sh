# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# As many disks as libxl gives a guest, each with its own name, size and bytes.
. /share/t/lib.sh
options=
for i in a b c d e f g h i j k; do
	image eleven$i 2
	echo "this is disk xvd$i" | dd of=$IMAGES/eleven$i.img conv=notrunc 2>/dev/null
	options="$options --disk $IMAGES/eleven$i.img"
done
daemon_start
guest start g1 --vcpus 2 $options || fail "guest start"
guest exec g1 'ls /sys/block | grep -c "^vd"' >/tmp/n
[ "$(cat /tmp/n)" = 11 ] || fail "the guest sees $(cat /tmp/n) disks"
guest exec g1 'for d in /sys/block/vd*; do
	s=$(cat $d/serial); read -r line </dev/${d##*/}
	[ "$line" = "this is disk $s" ] || exit 1
	echo "written by $s" | dd of=/dev/${d##*/} bs=512 seek=8 conv=notrunc 2>/dev/null
	done; sync' || fail "a disk has the wrong bytes"
guest stop g1 || fail "guest stop"
for i in a b c d e f g h i j k; do
	dd if=$IMAGES/eleven$i.img bs=512 skip=8 count=1 2>/dev/null | grep -q "^written by xvd$i" ||
		fail "xvd$i has not got its own bytes"
done
check_nothing_left
daemon_stop
