# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# irqfd and ioeventfd in a driver domain: a disk gives the same with them as without.
. /share/t/lib.sh
for use in true false; do
	step "irqfd and ioeventfd: $use"
	image ev 16
	at_daemon "echo 'irqfd = $use; ioeventfd = $use;' >/tmp/ev.conf"
	daemon_start --config /tmp/ev.conf
	guest start g1 --vcpus 2 $VIA --disk $(disk ev) || fail "guest start"
	if $use; then
		log_has 'irqfd: yes; ioeventfd: yes'
	else
		! daemon_log | grep -q 'fd: yes' || fail "it is used though it is off"
	fi
	guest exec g1 --timeout 600 'fio --name=a --filename=/dev/vda --rw=randrw --bsrange=4k-64k \
		--size=2M --numjobs=2 --offset_increment=8M --iodepth=16 --ioengine=libaio \
		--direct=1 --verify=crc32c >/tmp/fio 2>&1 || { tail /tmp/fio; exit 1; }' || fail "fio"
	same_bytes g1 /dev/vda $IMAGES/ev.img
	guest stop g1 || fail "guest stop"
	check_nothing_left
	log_has "$(called g1) xvda: served .* 0 errors, 0 unsupported, 0 guest faults"
	daemon_stop
	remove_images
done
