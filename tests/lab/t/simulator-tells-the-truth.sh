# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# What a guest sees of a disk on real Xen is line by line what one of the simulator sees
# (tests/truth): registers, answers to requests, interrupts.
. /share/t/lib.sh
VUART=/var/log/xen/guest-truth-vuart0.log
image truth 8
daemon_start
cat >/tmp/truth.cfg <<EOF
name="truth"
type="pvh"
memory=32
vcpus=1
kernel="/share/t/Image"
vuart="sbsa_uart"
disk=[ 'format=raw, vdev=xvda, access=rw, backendtype=standalone, specification=virtio, target=$IMAGES/truth.img' ]
EOF
rm -f $VUART
xl create /tmp/truth.cfg || fail "xl create"
wait_for 120 grep -q '^== end' $VUART || fail "the guest did not come to its end: $(tail -n 5 $VUART)"
tr -d '\r' <$VUART >/tmp/transcript
diff /share/t/transcript.txt /tmp/transcript || fail "the simulator and real Xen differ"
wait_for 30 no_domains || fail "the guest has not gone"
check_nothing_left
daemon_stop
