# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# Without FLASK, Xen lets no driver domain serve a guest.
. /share/t/lib.sh
. /share/t/refused.sh
driver_domain domd --seclabel ''
refused 'built with FLASK.*Operation not permitted'
