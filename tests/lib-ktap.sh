# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Turns what jobs print into KTAP version 1 and counts it; sourced by tests/check, never run.

KTAP_PASSED=0 KTAP_FAILED=0 KTAP_SKIPPED=0 KTAP_JOBS=0
# Lines "JOB: CASE" for the summary; at most so many lines of details are shown for a failure.
KTAP_BAD=() KTAP_SKIPS=() KTAP_REPEATED=()
KTAP_DETAILS=40

# ktap_begin JOBS
ktap_begin() {
	echo "KTAP version 1"
	echo "1..$1"
}

# ktap_case JOB NUMBER LINE - one line of a result, counted. A "#" would begin a directive.
ktap_case() {
	local text=${3#*ok - } why=''

	case $3 in
	"ok - "*)
		KTAP_PASSED=$((KTAP_PASSED + 1))
		echo "    ok $2 ${text//\#/\\#}"
		;;
	"not ok - "*)
		KTAP_FAILED=$((KTAP_FAILED + 1))
		KTAP_BAD+=("$1: $text")
		echo "    not ok $2 ${text//\#/\\#}"
		;;
	"skip - "*)
		KTAP_SKIPPED=$((KTAP_SKIPPED + 1))
		text=${3#skip - }
		[[ $text != *" # "* ]] || why=${text#* \# }
		KTAP_SKIPS+=("$1: $text")
		text=${text%% \# *}
		echo "    ok $2 ${text//\#/\\#} # SKIP $why"
		;;
	esac
}

# ktap_cases JOB LOG - the job's results, in KTAP_CASES how many; the details of a failure
# follow it, all else stays in the log.
ktap_cases() {
	local line failing='' shown=0

	KTAP_CASES=0
	while IFS= read -r line; do
		case $line in
		"ok - "*|"not ok - "*|"skip - "*)
			KTAP_CASES=$((KTAP_CASES + 1)) shown=0 failing=''
			[ "${line:0:3}" != not ] || failing=1
			ktap_case "$1" $KTAP_CASES "$line"
			;;
		"# repeated: "*)
			KTAP_REPEATED+=("$1: ${line#\# repeated: }")
			echo "    $line"
			# why it failed the first time
			shown=0 failing=1
			;;
		"# took "*)
			line=${line#\# took }
			printf '%s %s (%s)\n' "${line%% *}" "${line#* ms: }" "$1" >>"$NFO_RUN/tests"
			;;
		*)
			shown=$((shown + 1))
			[ -z "$failing" ] || [ $shown -gt $KTAP_DETAILS ] || echo "    # ${line#\# }"
			;;
		esac
	done <"$2"
}

# ktap_job JOB STATUS SECONDS LOG - a job's subtest and its result; false when it failed.
# A stage ends with 0, 1 or 4 (everything skipped); any other end is a failure of its own, so
# is no case at all.
ktap_job() {
	local job=$1 rc=$2 failed=$KTAP_FAILED passed=$KTAP_PASSED line=''

	KTAP_JOBS=$((KTAP_JOBS + 1))
	echo "    KTAP version 1"
	echo "    # Subtest: $job"
	ktap_cases "$job" "$4"
	case $rc in
	0|4) [ $KTAP_CASES -ne 0 ] || line="no case was run (status $rc)" ;;
	1) [ "$KTAP_FAILED" != "$failed" ] || line="status 1 without a failed case" ;;
	*) line="ended with status $rc" ;;
	esac
	if [ -n "$line" ]; then
		KTAP_CASES=$((KTAP_CASES + 1))
		ktap_case "$job" $KTAP_CASES "not ok - $line"
		tail -n 20 "$4" 2>/dev/null | sed 's/^/    # /'
	fi
	echo "    1..$KTAP_CASES"
	if [ "$KTAP_FAILED" != "$failed" ]; then
		echo "not ok $KTAP_JOBS $job ($3 s)"
		return 1
	fi
	line=''
	[ "$KTAP_PASSED" != "$passed" ] || line=" # SKIP nothing of it could run"
	echo "ok $KTAP_JOBS $job ($3 s)$line"
}

# ktap_list TITLE LINE... - a part of the summary.
ktap_list() {
	[ $# -gt 1 ] || return 0
	echo "# $1:"
	shift
	printf '#   %s\n' "$@"
}

# ktap_end SECONDS - the summary; true when something passed and nothing failed.
ktap_end() {
	local lines

	ktap_list skipped ${KTAP_SKIPS[@]+"${KTAP_SKIPS[@]}"}
	mapfile -t lines < <(sort -rn "$NFO_RUN/seconds" 2>/dev/null |
		awk '{ printf "%s s, %s s of a processor: %s\n", $1, $3, $2 }')
	ktap_list "times of the jobs" ${lines[@]+"${lines[@]}"}
	mapfile -t lines < <(sort -rn "$NFO_RUN/tests" 2>/dev/null | head -n 10 |
		awk '{ printf "%.1f s %s %s\n", $1 / 1000, $2, $3 }')
	ktap_list "slowest tests" ${lines[@]+"${lines[@]}"}
	ktap_list repeated ${KTAP_REPEATED[@]+"${KTAP_REPEATED[@]}"}
	ktap_list failed ${KTAP_BAD[@]+"${KTAP_BAD[@]}"}
	echo "# together $1 s in $NFO_LANES lanes; logs: $NFO_RUN"
	echo "$KTAP_PASSED passed, $KTAP_FAILED failed, $KTAP_SKIPPED skipped"
	[ "$KTAP_FAILED" = 0 ] && [ "$KTAP_PASSED" != 0 ]
}
