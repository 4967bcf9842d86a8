# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# FLASK: a driver domain may do nothing to a guest with a label that the policy does not name, while it
# serves another one.
. /share/t/lib.sh
. /share/t/refused.sh
driver_domain domd
image served 8
daemon_start
guest start g0 --backend domd --disk $(disk served) || fail "guest start g0"
refuse 'policy/xvirtiod.te.*Permission denied' --seclabel system_u:system_r:isolated_domU_t
writes g0 $IMAGES/served.img
guest stop g0 || fail "guest stop g0"
check_nothing_left
daemon_stop
guest stop domd || fail "guest stop domd"
