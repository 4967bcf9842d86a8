# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Lists of mutations: what tests/tools/mutate, which tries them, and tests/lint/mutations share.
#
# A mutation is a paragraph: lines of comment, which say what is broken; a line
#   FILE: TEST...
# where TEST is the id of a clause, the name of a program of the list's folder (of tests/fuzz: a harness,
# which runs its corpus), or one with its folder (tests/unit/disk-any-framing), and every one of them has to
# fail; with eventfds/ before that it is run on a kernel that has irqfd and ioeventfd (SIM_EVENTFDS=1).  Then
# lines of the file, which stand there once, with a "-" before each, and the lines that come in their place,
# with a "+".  Lines with a blank before them stay.

is_clause() {
	[[ $1 =~ ^[A-Z][0-9]+$ ]]
}

has_eventfds() {
	[[ $1 == eventfds/* ]]
}

# each_mutation LIST FUNCTION: hand over each paragraph: FUNCTION LIST:LINE FILE OLD NEW WHAT TEST...
# What is none goes to the caller's wrong: LIST:LINE TEXT...
each_mutation() {
	local list=$1 call=$2 line n=0 at='' old='' new='' what='' file='' tests=()
	while IFS= read -r line || [[ -n $at ]]; do
		n=$((n + 1))
		case $line in
		'#'*)
			[[ -z $at ]] || wrong "$list:$n" "no blank line before the next mutation"
			what+=${what:+ }${line#\#}
			what=${what# }
			;;
		-*) old+=${line:1}$'\n' ;;
		+*) new+=${line:1}$'\n' ;;
		' '*) old+=${line:1}$'\n' new+=${line:1}$'\n' ;;
		*:*)
			[[ -z $at ]] || wrong "$list:$n" "no blank line before the next mutation"
			at=$list:$n file=${line%%:*}
			read -ra tests <<<"${line#*:}"
			;;
		'')
			if [[ -z $at ]]; then
				[[ -z $old$new ]] || wrong "$list:$n" "no file is named above"
			elif [[ -z $old || $old == "$new" || ${#tests[@]} == 0 ]]; then
				wrong "$at" "what is the mutation \"$what\" of $file?"
			else
				$call "$at" "$file" "$old" "$new" "$what" "${tests[@]}"
			fi
			at='' old='' new='' what=''
			;;
		*) wrong "$list:$n" "what is \"$line\"?" ;;
		esac
	done <"$list"
}

# mutated AT FILE OLD NEW: the file's text, broken, is left in $text; if the lines are not there once, it
# fails and calls wrong.
mutated() {
	local old=$'\n'$3 twice="$2 has the lines twice:"
	[[ -f $2 ]] || { wrong "$1" "there is no $2"; return 1; }
	text=$'\n'$(<"$2")$'\n'
	[[ $text == *"$old"* ]] || { wrong "$1" "$2 does not have the lines any more:$old"; return 1; }
	[[ $text != *"$old"*"$old"* && $text != *"$old$3"* ]] || { wrong "$1" "$twice$old"; return 1; }
	text=${text/"$old"/$'\n'"$4"}
	text=${text#$'\n'}
}
