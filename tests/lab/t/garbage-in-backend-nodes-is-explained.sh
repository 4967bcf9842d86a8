# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# Garbage in any node of a backend directory, as a broken toolstack might write it: the error node
# and one line of the log name the node, nothing is served, closing works, the other guest goes on.
# Nodes that come late, in any order, are waited for.
. /share/t/lib.sh
image nodes 8
image other 8
daemon_start
guest start g1 --disk $IMAGES/other.img || fail "guest start"
id=$(xl domid g1)
dir=$BACKEND/$id/51728 # a second disk for g1, of which libxl does not know
dir_relative=backend/virtio_disk/$id/51728

state_is() { [ "$(xenstore-read $dir/state 2>/dev/null)" = "$1" ]; }
has_error() { xenstore-read $dir/error 2>/dev/null | grep -q "$1"; }
write_nodes() {
	for pair; do
		[ "${pair%%=*}" = "$except" ] || xenstore-write "$dir/${pair%%=*}" "${pair#*=}"
	done
}
# all_nodes [EXCEPT]
all_nodes() {
	except=$1
	write_nodes irq=34 base=33554944 transport=mmio specification=virtio frontend-id=$id \
		dev=xvdb mode=w discard-enable=1 online=1 params=$IMAGES/nodes.img
}
close_disk() {
	xenstore-write $dir/state 5
	wait_for 10 state_is 6 || fail "$1: no state 6 after 5"
	xenstore-rm $dir
}

# garbage NODE VALUE [PATTERN]: the text names the node, or says PATTERN
garbage() {
	pattern=${3:-$dir_relative/$1 }
	: >$LOG
	all_nodes $1
	xenstore-write -- $dir/$1 "$2" $dir/state 1
	wait_for 10 has_error "$pattern" || fail "$1='$2': the error node says '$(xenstore-read $dir/error)'"
	state_is 1 || fail "$1='$2': state $(xenstore-read $dir/state)"
	n=$(grep -c "error: .*$pattern" $LOG)
	[ $n = 1 ] || fail "$1='$2': $n lines in the log: $(cat $LOG)"
	close_disk "$1='$2'"
}
garbage frontend-id 7777
garbage frontend-id -1
garbage specification xen
garbage transport pci
garbage dev ../../etc
garbage dev "$(printf %080d 1)"
garbage mode rw
garbage base zebra
garbage base 33554945
garbage base 99999999999999999999999
garbage irq 3
garbage irq 4096
garbage irq ''
garbage discard-enable maybe
garbage params relative/path
garbage params /no/such/file '/no/such/file: cannot open .*No such file'
garbage params $IMAGES 'is a directory'
garbage params /dev/null 'neither file nor block device'
garbage params "$(printf '/tmp/\001\377')"

step "nodes that come late"
for late in irq params frontend-id mode; do
	all_nodes $late
	xenstore-write $dir/state 1
	sleep 1
	state_is 1 || fail "without $late it went to state $(xenstore-read $dir/state)"
	all_nodes
	wait_for 10 state_is 2 || fail "with a late $late: $(xenstore-read $dir/error)"
	close_disk "late $late"
done

step "a mistake that is mended"
all_nodes mode
xenstore-write $dir/mode zebra $dir/state 1
wait_for 10 has_error mode || fail "no error node"
xenstore-write $dir/mode r
wait_for 10 state_is 2 || fail "mended, but not served: $(xenstore-read $dir/error)"
close_disk mended

guest exec g1 'dd if=/dev/urandom of=/dev/vda bs=64k count=16 oflag=direct 2>/dev/null' ||
	fail "g1 suffers"
guest stop g1 || fail "guest stop"
check_nothing_left
daemon_stop
