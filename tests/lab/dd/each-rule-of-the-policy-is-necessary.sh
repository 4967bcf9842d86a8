# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# A driver domain serves a guest with the policy /share/policy/all, and with none of the others there,
# each of which lacks a rule.  For policy/necessary, which makes them.
. /share/t/lib.sh

load() {
	flask-loadpolicy /share/policy/$1 >/tmp/load.out 2>&1 || fail "load $1: $(cat /tmp/load.out)"
	[ -z "$FOREIGN" ] || flask-set-bool domd_foreign 1 || fail "flask-set-bool"
}

# Serve a guest, which reads and writes, and let go of it.
serve() {
	local served=1
	daemon_start
	if guest start g1 $VIA --disk $(disk rules) --timeout 90 >/tmp/serve.out 2>&1; then
		guest exec g1 --timeout 60 'dd if=/dev/urandom of=/tmp/data bs=64k count=8 2>/dev/null
			dd if=/tmp/data of=/dev/vda bs=64k oflag=direct 2>/dev/null &&
			dd if=/dev/vda bs=64k count=8 iflag=direct 2>/dev/null | cmp - /tmp/data' >>/tmp/serve.out 2>&1 &&
			served=0
	fi
	! xl domid g1 >/dev/null 2>&1 || guest stop g1 >/dev/null 2>&1
	wait_for 30 no_domains || served=1
	at_daemon "cat $LOG" | grep -E 'error|warning' | head -n 3 >&2
	daemon_stop
	return $served
}

driver_domain domd
image rules 8
bad=''
# Without the rule for unmapping a guest's pages stay mapped: that comes last.
cd /share/policy || fail "no policies"
set -- all
for policy in *; do
	case $policy in all | *unmap) ;; *) set -- "$@" $policy ;; esac
done
for policy in "$@" all *unmap; do
	[ -e $policy ] || continue
	load $policy
	step "with $policy"
	if serve; then result=served; else result=refused; fi
	echo "$policy $result" >&2
	case $policy-$result in
	all-served) ;;
	all-*) fail "not served with the whole policy: $(cat /tmp/serve.out)" ;;
	*-served) bad="$bad $policy" ;;
	esac
done
guest stop domd
rm -f $IMAGES/rules.disk
[ -z "$bad" ] || fail "served without:$bad"
