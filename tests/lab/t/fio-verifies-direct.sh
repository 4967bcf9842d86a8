# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# Random verified traffic through O_DIRECT and bounce buffers.
. /share/t/lib.sh
. /share/t/fio-verify.sh
daemon_start
fio_verify direct
daemon_stop
