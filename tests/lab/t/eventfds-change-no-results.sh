# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# On a kernel that has irqfd and ioeventfd a disk gives the same with them as without; they do what
# they are for: with irqfd there is no dm_op for an interrupt, with ioeventfd no answer to a kick.
. /share/t/lib.sh

# count CALLS: so many of them did the worker make while the guest wrote
count() {
	awk -v what="$1" '$NF == what { print $4 }' /tmp/trace | grep . || echo 0
}

for use in true false; do
	step "irqfd and ioeventfd: $use"
	image ev 16
	echo "irqfd = $use; ioeventfd = $use;" >/tmp/ev.conf
	daemon_start --config /tmp/ev.conf
	guest start g1 --vcpus 2 --disk $IMAGES/ev.img || fail "guest start"
	if $use; then
		log_has 'irqfd: yes; ioeventfd: yes'
	else
		! grep -q 'fd: yes' $LOG || fail "it is used though it is off"
	fi
	worker=$(ps | awk '/xvirtiod --worker/ && !/awk/ { print $1 }')
	strace -c -o /tmp/trace -p $worker &
	tracer=$!
	sleep 1
	guest exec g1 --timeout 600 'fio --name=a --filename=/dev/vda --rw=randwrite --bs=4k \
		--size=256k --iodepth=1 --ioengine=libaio --direct=1 --verify=crc32c >/dev/null' ||
		fail "fio, one at a time"
	kill $tracer
	wait $tracer
	eval "ioctls_$use=$(count ioctl)"
	step "calls of the worker: $(awk 'NR > 2 && $NF != "total" { printf "%s %s, ", $NF, $4 }' /tmp/trace)"
	guest exec g1 --timeout 600 'fio --name=b --filename=/dev/vda --rw=randrw --bsrange=4k-64k \
		--size=4M --numjobs=2 --offset_increment=8M --iodepth=16 --ioengine=libaio \
		--direct=1 --verify=crc32c >/tmp/fio 2>&1 || { tail /tmp/fio; exit 1; }' ||
		fail "fio, many at a time"
	same_bytes g1 /dev/vda $IMAGES/ev.img
	guest stop g1 || fail "guest stop"
	step "$(tail -n 3 $LOG | grep interrupts)"
	check_nothing_left
	daemon_stop
done
# shellcheck disable=SC2154 # by eval
[ $ioctls_true -lt $ioctls_false ] ||
	fail "$ioctls_true ioctls with them, $ioctls_false without"
