# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# Two guests, 2 vCPUs and 2 disks each, under load at the same time; each disk keeps its own bytes.
. /share/t/lib.sh
for i in a b c d; do image two$i 32; done
daemon_start
guest start g1 $VIA --vcpus 2 --disk $(disk twoa) --disk $(disk twob) || fail "guest start g1"
guest start g2 $VIA --vcpus 2 --disk $(disk twoc) --disk $(disk twod) || fail "guest start g2"
[ "$(workers)" = 2 ] || fail "$(workers) workers for two guests"
work="fio --ioengine=libaio --direct=1 --rw=randwrite --bs=16k --iodepth=16 --size=$(amount 24) \
	--verify=crc32c --do_verify=1 --verify_state_save=0 --minimal \
	--name=a --filename=/dev/vda --name=b --filename=/dev/vdb >/dev/null"
guest exec g1 --timeout 400 "$work" &
one=$!
guest exec g2 --timeout 400 "$work" || fail "fio in g2"
wait $one || fail "fio in g1"
same_bytes g1 /dev/vda $IMAGES/twoa.img
same_bytes g1 /dev/vdb $IMAGES/twob.img
same_bytes g2 /dev/vda $IMAGES/twoc.img
same_bytes g2 /dev/vdb $IMAGES/twod.img
guest stop g1 || fail "guest stop g1"
guest exec g2 'dd if=/dev/vda of=/dev/null bs=64k count=16 iflag=direct 2>/dev/null' ||
	fail "g2 suffers from the end of g1"
guest stop g2 || fail "guest stop g2"
check_nothing_left
daemon_stop
