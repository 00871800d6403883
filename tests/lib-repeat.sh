# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Repeats, with nothing beside them, the few tests that failed while other jobs ran; sourced by
# tests/check, never run.
#
# Machines that share two processors with four others may be seconds late, and a case may then
# fail for no other reason. A test of such a job that fails twice has failed, and so has one in a
# machine that had anything else to say: a report in the kernel log, a leak, an early end. The
# summary names what was repeated, with the log of the first time.

# More tests than this do not fail by chance: none is repeated then.
REPEAT_MOST=3
# Jobs that are to be repeated, and the tests of each.
REPEAT_JOBS=()
declare -A REPEAT_TESTS=()

# repeat_hold JOB STATUS LOG - note the job if cases of its tests failed and nothing else; false
# if its result stands.
repeat_hold() {
	local line test tests=''

	[ "$2" = 1 ] && [ "${JOB_RUNNER[$1]}" != host ] || return 1
	while IFS= read -r line; do
		[[ $line == "not ok - "* ]] || continue
		line=${line#not ok - } test=${line%%: *}
		[[ " ${JOB_TESTS[$1]} " == *" $test "* ]] || return 1
		[[ ${line#*: } != @(the machine ended|ended with|status)" "* ]] || return 1
		[[ " $tests " == *" $test "* ]] || tests+="${tests:+ }$test"
	done <"$3"
	[ -n "$tests" ] || return 1
	REPEAT_JOBS+=("$1")
	REPEAT_TESTS[$1]=$tests
}

# repeat_few - are there so few tests that it may have been chance?
repeat_few() {
	local words

	read -ra words <<<"${REPEAT_TESTS[*]}"
	[ ${#words[@]} -le $REPEAT_MOST ]
}

# repeat_merge FIRST AGAIN - the first log, with the cases that passed the second time as passed;
# false if one did not, or something else failed then.
repeat_merge() {
	! grep '^not ok - ' "$2" >/dev/null || return 1
	awk -v first="$1" 'NR == FNR { if (/^ok - /) passed[$0]; next }
		/^not ok - / {
			line = substr($0, 5)
			if (!(line in passed)) bad = 1
			print line "\n# repeated: " substr(line, 6) " failed beside other jobs, and passed alone (log: " first ")"
			next
		}
		{ print }
		END { exit bad }' "$2" "$1"
}

# repeat_job JOB DIRECTORY COMMAND... - run the command, which is that of the job with the tests
# that failed. Return: the job's status; its log is DIRECTORY/log, and that of the first time beside it.
repeat_job() {
	local job=$1 dir=$2
	shift 2

	echo "# $job: repeated alone: ${REPEAT_TESTS[$job]}"
	mv "$dir/log" "$dir/first.log"
	if NFO_STAGE=$dir/again "$@" >"$dir/again.log" 2>&1 </dev/null &&
	   repeat_merge "$dir/first.log" "$dir/again.log" >"$dir/log"; then
		return 0
	fi
	{ cat "$dir/first.log"; sed 's/^/# the second time: /' "$dir/again.log"; } >"$dir/log"
	return 1
}
