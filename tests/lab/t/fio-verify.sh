# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# The body of fio-verifies-*: fio checks what it wrote, on two disks at once, in a guest with 2 vCPUs;
# then both sides are compared.  fio_verify PATH-IN-THE-LOG
fio_verify() {
	image fio1 48
	image fio2 48
	guest start g1 $VIA --vcpus 2 --disk $(disk fio1) --disk $(disk fio2) || fail "guest start"
	log_has "xvda: .*, $1," "the disk is not served $1"
	guest exec g1 --timeout 400 "fio --ioengine=libaio --direct=1 --rw=randrw --bsrange=4k-256k \
		--iodepth=32 --size=$(amount 40) --verify=crc32c --verify_fatal=1 --verify_state_save=0 \
		--minimal --name=a --filename=/dev/vda --name=b --filename=/dev/vdb >/dev/null" ||
		fail "fio in the guest"
	for d in a b; do
		guest exec g1 "dmesg | grep -q 'I/O error'" && fail "I/O errors in the guest"
		case $d in a) same_bytes g1 /dev/vda $IMAGES/fio1.img ;; b) same_bytes g1 /dev/vdb $IMAGES/fio2.img ;; esac
	done
	guest stop g1 || fail "guest stop"
	check_nothing_left
	log_has "$(called g1) xvda: served .* 0 errors, 0 unsupported, 0 guest faults"
	log_has "$(called g1) xvdb: served .* 0 errors, 0 unsupported, 0 guest faults"
}
