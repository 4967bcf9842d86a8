# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# xl shutdown and xl destroy with requests in flight end within libxl's time-outs and leave nothing.
. /share/t/lib.sh
traffic='fio --ioengine=libaio --direct=1 --rw=randrw --bsrange=4k-128k --iodepth=32 --time_based \
	--runtime=120 --size=60m --minimal --name=a --filename=/dev/vda --name=b --filename=/dev/vdb \
	>/dev/null 2>&1 & sleep 2'
image end1 64
image end2 64
daemon_start
for how in "destroy" "shutdown -F -w"; do
	guest start g1 $VIA --vcpus 2 --disk $(disk end1) --disk $(disk end2) || fail "guest start"
	guest exec g1 "$traffic" || fail "start of the traffic"
	step "xl $how"
	xl $how g1 >/tmp/end.log 2>&1 || fail "xl $how: $(cat /tmp/end.log)"
	# libxl says so when a device did not go in time.
	! grep -iE 'timed out|unable to remove' /tmp/end.log || fail "xl $how ran into a time-out"
	check_nothing_left
done
[ "$(stat -c %s $IMAGES/end1.img)" = $((64 << 20)) ] || fail "the image has another size"
daemon_stop
