# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# FLASK: a driver domain may do nothing to a guest with a label that the policy does not name, while it
# serves another one.
. /share/t/lib.sh
. /share/t/refused.sh
driver_domain domd
refused 'policy/xvirtiod.te.*Permission denied' --seclabel system_u:system_r:isolated_domU_t
