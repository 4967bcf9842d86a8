# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# A generic virtio device (Xen 4.20) whose image the configuration names is a disk of the guest.
. /share/t/lib.sh
image generic 16
dd if=/dev/urandom of=$IMAGES/generic.img bs=1M count=16 conv=notrunc 2>/dev/null
# A driver domain may not read the guest's name.
name=g1
[ -z "$DOMD" ] || name='*'
at_daemon "echo 'guests = ( { name = \"$name\"; disks = (
	{ vdev = \"virtio0\"; image = \"$(disk generic)\"; serial = \"generic\"; } ); } );' >/tmp/generic.conf"
daemon_start --config /tmp/generic.conf
guest start g1 --set "virtio=[ 'type=virtio,device2, transport=mmio, ${DOMD:+backend=$DOMD, }grant_usage=0' ]" ||
	fail "guest start"
guest exec g1 '[ "$(cat /sys/block/vda/serial)" = generic ]' || fail "not the serial of the configuration"
same_bytes g1 /dev/vda $IMAGES/generic.img
guest exec g1 'dd if=/dev/urandom of=/dev/vda bs=64k count=16 conv=fsync 2>/dev/null' || fail "write"
same_bytes g1 /dev/vda $IMAGES/generic.img
guest stop g1 || fail "guest stop"
check_nothing_left
log_has "$(called g1) virtio0: served .* 0 errors, 0 unsupported, 0 guest faults"
daemon_stop
