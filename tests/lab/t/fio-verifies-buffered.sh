# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# Random verified traffic between the page cache and guest memory.
. /share/t/lib.sh
. /share/t/fio-verify.sh
echo 'defaults = { cache = "buffered"; };' >/tmp/buffered.conf
daemon_start --config /tmp/buffered.conf
fio_verify buffered
daemon_stop
