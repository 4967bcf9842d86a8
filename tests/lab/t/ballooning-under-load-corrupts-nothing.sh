# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# Pages leave and come back to the guest while fio runs: no corruption, and Xen's word that mappings
# are stale (IOREQ_TYPE_INVALIDATE) is heard.
. /share/t/lib.sh
image balloon 64
daemon_start
# Without acpi=0, said outright, libxl 4.17's mem-set aborts on Arm (an assertion of its own).
guest start g1 --memory 256 --vcpus 2 --set 'maxmem=256' --set 'acpi=0' --disk $IMAGES/balloon.img || fail "guest start"
guest exec g1 'fio --ioengine=libaio --direct=1 --rw=randrw --bsrange=4k-128k --iodepth=16 \
	--size=56m --loops=3 --verify=crc32c --verify_fatal=1 --verify_state_save=0 --minimal \
	--name=a --filename=/dev/vda >/tmp/fio.log 2>&1; echo $? >/tmp/fio.rc' --timeout 500 &
exec_pid=$!
sleep 3
for mb in 160 256 176 256; do
	xl mem-set g1 $mb || fail "xl mem-set $mb"
	sleep 3
done
wait $exec_pid || fail "guest exec"
guest exec g1 'cat /tmp/fio.log; exit $(cat /tmp/fio.rc)' >/tmp/fio.log || fail "fio: $(tail -3 /tmp/fio.log)"
same_bytes g1 /dev/vda $IMAGES/balloon.img
guest stop g1 || fail "guest stop"
check_nothing_left
n=$(sed -n 's/.* \([0-9]*\) invalidates,.*/\1/p' $LOG | tail -1)
step "$n invalidates"
# Some come with every boot; ballooning by 100 MB brings many more.
[ "${n:-0}" -ge 10 ] || fail "only $n invalidates were counted"
log_has 'g1 xvda: served .* 0 errors, 0 unsupported, 0 guest faults'
daemon_stop
