# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# FLASK: a driver domain without the policy's label may do nothing to a guest.
. /share/t/lib.sh
. /share/t/refused.sh
driver_domain domd --seclabel ''
refused 'policy/xvirtiod.te.*Permission denied'
