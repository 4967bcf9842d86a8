# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC2016 # what is in single quotes is for the guest
# What the demo does in dom0.
IMAGE=/images/demo.img
LOG=/tmp/xvirtiod.log
set -e

say() {
	echo
	echo "== [$(cut -d. -f1 /proc/uptime) s] $*"
}

# in_guest COMMAND: shown, then run
in_guest() {
	echo "demo# $1"
	guest exec demo --timeout 300 "$1"
}

trap '[ $? = 0 ] || { echo "--- the daemon said:"; cat $LOG; } >&2' EXIT
say "dom0 is up"
xl info | grep -E '^(release|xen_version|xen_caps)'
mkdir /images
mkfs.ext4 -q -F /dev/vda
mount -t ext4 /dev/vda /images
truncate -s 64M $IMAGE

say "the daemon starts, and serves any guest that xl creates"
xvirtiod 2>$LOG &
daemon=$!
until grep -q 'is ready' $LOG; do usleep 100000; done
cat $LOG

say "xl creates a guest with this disk"
guest cfg demo --vcpus 2 --disk $IMAGE | grep -E '^(name|kernel|memory|vcpus|disk)'
guest start demo --timeout 400 --vcpus 2 --disk $IMAGE
xl list
in_guest 'uname -sr; dmesg | grep -i virtio_blk'
in_guest 'ls -l /sys/block/vda | sed "s/.*-> //"; cat /sys/block/vda/size /sys/block/vda/serial'

say "ext4 on it, and files copied to it"
in_guest 'mkfs.ext4 -q /dev/vda && mount -t ext4 /dev/vda /mnt && df -T /mnt'
in_guest 'for i in $(seq 40); do head -c 300000 /dev/urandom >/mnt/file$i; done
      cd /mnt && md5sum file* >SUMS && sync && cd / && umount /mnt && echo copied'

say "fio: random writes, 4 to 64 KiB, 16 at a time, each read back and verified"
in_guest 'fio --name=verify --filename=/dev/vda --offset=40m --size=16m --rw=randwrite \
      --bsrange=4k-64k --iodepth=16 --ioengine=libaio --direct=1 --verify=crc32c \
      --verify_fatal=1 --verify_state_save=0 | grep -E "READ:|WRITE:|err="'

say "xl destroys the guest"
guest stop demo
xl list
! xenstore-ls /local/domain/0/backend/virtio_disk 2>/dev/null || exit 1

say "dom0 looks at the image"
e2fsck -fn $IMAGE
mount -t ext4 -o loop,ro $IMAGE /mnt
(cd /mnt && md5sum -c -s SUMS && echo "$(wc -l <SUMS) files, every byte as the guest wrote it")
umount /mnt

say "the daemon's log"
kill $daemon
wait $daemon
cat $LOG

say "shown: an unmodified Debian guest ($(uname -r)), created by stock xl on real Xen, found a"
echo "   virtio disk served by xvirtiod, made ext4 on it, wrote files and verified random traffic;"
echo "   after its end dom0 found every file right, and nothing of the guest was left behind."
