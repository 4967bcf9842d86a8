# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# One guest has a disk from each of two driver domains and one from dom0.
. /share/t/lib.sh
for i in domd1 domd2 dom0; do image $i 16; done
daemon_start
for i in domd1 domd2; do
	guest start $i --driver-domain $DOMD_OPTIONS --disk $IMAGES/$i.img || fail "guest start $i"
done
guest start g1 --vcpus 2 --disk $IMAGES/dom0.img --backend domd1 --disk /dev/xvda \
	--backend domd2 --disk /dev/xvda || fail "guest start g1"
guest exec g1 --timeout 300 'fio --ioengine=libaio --direct=1 --rw=randwrite --bs=16k --iodepth=16 \
	--size=12m --verify=crc32c --do_verify=1 --verify_state_save=0 --minimal --name=a \
	--filename=/dev/vda --name=b --filename=/dev/vdb --name=c --filename=/dev/vdc >/dev/null' ||
	fail "fio"
same_bytes g1 /dev/vda $IMAGES/dom0.img
same_bytes g1 /dev/vdb $IMAGES/domd1.img
same_bytes g1 /dev/vdc $IMAGES/domd2.img
! cmp -s $IMAGES/domd1.img $IMAGES/domd2.img || fail "both driver domains' disks are the same"
guest stop g1 || fail "guest stop g1"
check_nothing_left
for DOMD in domd1 domd2; do
	BACKEND=/local/domain/$(xl domid $DOMD)/backend/virtio_disk
	no_workers || fail "workers are left in $DOMD"
	! xenstore-ls $BACKEND 2>/dev/null | grep -q . || fail "nodes are left: $(xenstore-ls $BACKEND)"
	guest stop $DOMD || fail "guest stop $DOMD"
done
DOMD=''
daemon_stop
