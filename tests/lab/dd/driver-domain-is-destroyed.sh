# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# xl destroy of a driver domain under a guest's traffic.
. /share/t/lib.sh
. /share/t/lost.sh
lost xl destroy domd
