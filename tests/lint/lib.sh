# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# What the lint scripts share.  Each is called as SCRIPT [TREE], looks at the tree (default: the
# current directory), prints what is wrong as FILE:LINE: TEXT, and exits 1 if anything is.
set -u

cd "${1:-.}" || exit 2

# Files of the tree that are ours: find(1)'s tests come as arguments.
# shellcheck disable=SC2120
files() {
	find . \( -name .git -o -name build -o -name .cache \) -prune -o -type f "$@" -print |
		sed 's|^\./||' | sort
}

# Scripts with a shell's first line, and pieces that are sourced.
shell_files() {
	# shellcheck disable=SC2119
	files | while IFS= read -r f; do
		case $f in
		*.sh) echo "$f" ;;
		*.*) ;;
		*) head -c 64 "$f" | head -n 1 | grep -aqE '^#!(/usr)?/bin/(env )?(ba)?sh( |$)' && echo "$f" ;;
		esac
	done
}

# run_tool [XARGS-OPTION...] COMMAND... < FILES: what it says about them, on either channel.  That a tool
# is missing or has crashed is a complaint as well; one that has found something may end badly, too.
run_tool() {
	xargs -r "$@" 2>&1 || echo "$0:1: error: the tool ended badly"
}

# complain < OUTPUT: print it, and fail if there is any.
complain() {
	! grep .
}
