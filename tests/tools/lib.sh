# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# What the analysers share.  They are called, and complain, as those in tests/lint do.
. "$(dirname "$0")/../lint/lib.sh"

export FLAGS='-std=gnu11 -I. -D_GNU_SOURCE -DXVIRTIOD_VERSION="0" -DSYSCONFDIR="/etc"'

# C files of the program itself; tests may be less careful.
program_files() {
	files -name '*.c' | grep -v '^tests/'
}
