# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# Ten guests come, use two disks and go: nothing leaks where the daemon is, nor in dom0.
. /share/t/lib.sh
. /share/t/cycles.sh
cycles_leak_nothing 10
