# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# The kernel of a driver domain panics under a guest's traffic.
. /share/t/lib.sh
. /share/t/lost.sh
lost guest exec domd --timeout 10 'kill -ALRM 1'
