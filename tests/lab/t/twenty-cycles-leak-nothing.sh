# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# Twenty guests come, use two disks and go: nothing leaks.
. /share/t/lib.sh
. /share/t/cycles.sh
cycles_leak_nothing 20
