# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2034 # status is for who sources this
# What check and check-driver-domain share; sourced by them.
set -uo pipefail
LAB_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
SHARE=$(mktemp -d)
trap 'rm -rf "$SHARE"' EXIT
status=0

# The guest without an operating system, for simulator-tells-the-truth.
TRUTH=build/arm64/tests/lab/truth/Image
cd "$LAB_DIR/../.." && make -s $TRUTH || exit 1

# boot "OPTIONS OF LAB RUN" "VARIABLES FOR t/run" TEST...: run tests in one boot of the lab, and say
# so if one has not run.  Sets status to 1 if any has not passed.
boot() {
	local options variables=$2 out=$SHARE/out test
	read -ra options <<<"$1"
	shift 2
	rm -rf "$SHARE/t" && mkdir "$SHARE/t"
	cp "$LAB_DIR"/t/* "$LAB_DIR"/dd/* "$TRUTH" "$LAB_DIR/../truth/transcript.txt" "$SHARE/t/"
	echo "== boot with ${options[*]} for $# tests"
	"$LAB_DIR/lab" run --timeout 3000 --share "$SHARE" --disk 2G "${options[@]}" \
		"$variables sh /share/t/run $*" | tee "$out" || status=1
	for test; do
		grep -qE "^(PASS|FAIL) $test " "$out" || { echo "FAIL $test (did not run)"; status=1; }
	done
}
