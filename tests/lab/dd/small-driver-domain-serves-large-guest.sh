# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# A driver domain of 64 MiB serves a guest of 1 GiB, which uses all its memory for the disk.
# By foreign mapping: that costs address space, and the pages of the kernel that describe it.
. /share/t/lib.sh
trap 'flask-set-bool domd_foreign 0' EXIT
flask-set-bool domd_foreign 1 || fail "no FLASK"
# As much as Xen needs to map 1 GiB, and then some: see docs/driver-domain.md.
driver_domain domd --memory 64 --set shadow_memory=6
image large 1024
dd if=/dev/urandom of=$IMAGES/large.img bs=1M count=16 seek=900 conv=notrunc 2>/dev/null
daemon_start
guest start g1 --memory 1024 --backend domd --grant-usage 0 --disk $(disk large) || fail "guest start"
# Pages of all the guest's memory become page cache, and the driver domain's mappings.  The cache is
# empty when nobody has the disk open.
guest exec g1 --timeout 800 'exec 3</dev/vda; dd if=/dev/vda of=/dev/null bs=1M 2>/dev/null
	grep -E "^(Mem|Cached|Buffers)" /proc/meminfo | tr "\n" " "
	[ $(awk "/^Cached|^Buffers/ { n += \$2 } END { print n }" /proc/meminfo) -gt 700000 ]' >/tmp/used ||
	fail "the guest has not used its memory: $(cat /tmp/used)"
step "$(at_daemon 'grep -E "^Mem(Total|Available)" /proc/meminfo' | tr '\n' ' ')"
same_bytes g1 /dev/vda $IMAGES/large.img
guest exec g1 --timeout 300 'dd if=/dev/urandom of=/dev/vda bs=1M count=64 conv=fsync 2>/dev/null' ||
	fail "write"
same_bytes g1 /dev/vda $IMAGES/large.img
at_daemon 'dmesg' | grep -iE 'out of memory|oom-kill|allocation failure' && fail "memory ran out"
guest stop g1 || fail "guest stop"
check_nothing_left
log_has "$(called g1) xvda: served .* 0 errors, 0 unsupported, 0 guest faults"
daemon_stop
guest stop domd || fail "guest stop domd"
