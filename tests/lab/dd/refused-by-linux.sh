# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# Where the driver domain's own Linux keeps hypercalls to itself, the log says so, and which option of
# its kernel is missing.
. /share/t/lib.sh
. /share/t/refused.sh
driver_domain domd --restricted
refused 'xen_privcmd.unrestricted=1.*Operation not permitted'
