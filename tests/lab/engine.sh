# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2034,SC2030,SC2031 # sourced by "lab"; CHILDREN
# Stage engine of the lab, sourced by "lab".  A stage is a function
# build_NAME [ARG] that fills the directory $OUT.  Its result is kept as
# $CACHE/NAME[-ARG].KEY, where KEY is a hash of the function, of its inputs and
# of the keys of the stages that it depends on: a changed recipe gives a new
# name, and an old result is never written to while something still uses it.

declare -A STAGE_DEPS=() STAGE_KEY=()
STAGES=()

# stage NAME[:ARG] "DEPENDENCIES" [INPUT...]: declare a stage.  An INPUT is
# hashed: a file below the lab's directory, a function's name, or any text.
stage() {
	local name=$1 deps=$2 dep input
	shift 2
	STAGES+=("$name")
	STAGE_DEPS[$name]=$deps
	STAGE_KEY[$name]=$(
		{
			declare -f "build_${name%%:*}"
			printf '%s\n' "$name"
			for dep in $deps; do
				printf '%s\n' "${STAGE_KEY[$dep]}"
			done
			for input; do
				if [[ -f $LAB_DIR/$input ]]; then
					cat "$LAB_DIR/$input"
				elif declare -f "$input"; then
					:
				else
					printf '%s\n' "$input"
				fi
			done
		} | sha256sum | cut -c1-12
	)
}

# stage_dir NAME[:ARG]: where the result is, or will be
stage_dir() {
	printf '%s/%s.%s\n' "$CACHE" "${1//:/-}" "${STAGE_KEY[$1]}"
}

stage_log() {
	printf '%s/setup-%s.log\n' "$LOGS" "${1//:/-}"
}

say() {
	printf '[%5.1fs] %s\n' "$(elapsed)" "$*" >&2
}

die() {
	printf 'lab: %s\n' "$*" >&2
	exit "${STATUS:-1}"
}

elapsed() {
	local now=${EPOCHREALTIME/[.,]/} start=${LAB_START/[.,]/}
	printf '%d.%d\n' $(((now - start) / 1000000)) $(((now - start) / 100000 % 10))
}

# stages_missing NAME...: succeed if any of them, or what it needs, is not
# there.  A stage's dependencies are only looked at if it is missing itself.
stages_missing() {
	local name
	for name; do
		[[ -d $(stage_dir "$name") ]] || return 0
	done
	return 1
}

# ensure NAME...: build what is missing, dependencies first.  Call it with the
# lock held only.
ensure() {
	local name dir
	for name; do
		dir=$(stage_dir "$name")
		[[ ! -d $dir ]] || continue
		# shellcheck disable=SC2086 # a list
		ensure ${STAGE_DEPS[$name]}
		build_stage "$name" "$dir"
	done
}

build_stage() {
	local name=$1 dir=$2 log arg=
	log=$(stage_log "$name")
	[[ $name != *:* ]] || arg=${name#*:}
	rm -rf "$dir.tmp"
	mkdir -p "$dir.tmp"
	say "$name ..."
	# A separate shell, because "set -e" does not work where a status is
	# tested; what it runs is written to the log.
	( set -ex; OUT=$dir.tmp; "build_${name%%:*}" "$arg" ) >"$log" 2>&1 &
	CHILDREN+=($!)
	if ! wait $!; then
		tail -n 15 "$log" >&2
		rm -rf "$dir.tmp"
		die "stage $name failed; its log is $log"
	fi
	mv -T "$dir.tmp" "$dir"
	say "$name done"
}

# in_background FUNCTION...: run it at the same time as what follows; the
# statuses are collected by finish_background.
in_background() {
	( CHILDREN=(); trap kill_children EXIT; trap 'exit 1' TERM; "$@" ) &
	CHILDREN+=($!)
	BACKGROUND+=($!)
}

finish_background() {
	local pid
	for pid in "${BACKGROUND[@]}"; do
		wait "$pid" || exit 1
	done
	BACKGROUND=()
}

# Set-up runs with job control (set -m): each child has its own process group,
# so that ending it reaches make and the compilers below it, and nothing else.
CHILDREN=()
BACKGROUND=()
kill_children() {
	local pid
	for pid in "${CHILDREN[@]}"; do
		kill -TERM -- "-$pid" 2>/dev/null || :
	done
}

# One set-up at a time.  Those who use results hold $CACHE/in-use shared, and
# outdated results are removed only while nobody does.
lock_setup() {
	exec {SETUP_LOCK}>"$CACHE/setup.lock"
	if ! flock -n "$SETUP_LOCK"; then
		say "waiting for another set-up"
		flock "$SETUP_LOCK"
	fi
}

unlock_setup() {
	exec {SETUP_LOCK}>&-
}

lock_in_use() {
	exec {IN_USE}>"$CACHE/in-use.lock"
	flock -s "$IN_USE"
}

remove_outdated() {
	local name dir current=" "
	for name in "${STAGES[@]}"; do
		current+="$(stage_dir "$name") "
	done
	exec {IN_USE}>"$CACHE/in-use.lock"
	if flock -n "$IN_USE"; then
		for dir in "$CACHE"/*.????????????{,.tmp}; do
			[[ ! -d $dir || $current == *" $dir "* ]] || rm -rf "$dir"
		done
	fi
	exec {IN_USE}>&-
}
