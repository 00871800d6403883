# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034 # tests/check uses what it sets
# Reads tests/matrix, tests/seconds and the tags of tests/functional; sourced, never run.

MATRIX=${NFO_MATRIX:-$NFO_TOP/tests/matrix}
MATRIX_SECONDS=${MATRIX%/*}/seconds
MATRIX_DIR=${NFO_FUNCTIONAL:-$NFO_TOP/tests/functional}
# A test with one of these tags runs only in machines of these flavours.
MATRIX_FLAVOURS="base debug smp stock igb x86 kcsan"
MATRIX_TAGS="compat core hw life long pending race $MATRIX_FLAVOURS"

# JOBS: names of jobs, ROW or ROW.N. The others are indexed by these names.
JOBS=()
declare -A JOB_ROW=() JOB_KERNEL=() JOB_FLAVOUR=() JOB_RUNNER=() JOB_SECONDS=() JOB_TESTS=() JOB_NEED=()
declare -A TEST_TAGS=() TEST_SECONDS=()

# matrix_tags - the tags of every test, in TEST_TAGS: " WORD WORD ".
matrix_tags() {
	local file name line tag n

	for file in "$MATRIX_DIR"/*.sh; do
		name=${file##*/} name=${name%.sh} n=0
		while IFS= read -r line && [ $((n += 1)) -le 5 ]; do
			[[ $line != "# tags: "* ]] || TEST_TAGS[$name]=" ${line#\# tags: } "
		done <"$file"
		[ -n "${TEST_TAGS[$name]:-}" ] || die "$name.sh has no line '# tags: WORD...' among its first five"
		for tag in ${TEST_TAGS[$name]}; do
			[[ " $MATRIX_TAGS " == *" $tag "* ]] || die "$name.sh: unknown tag '$tag' (there are: $MATRIX_TAGS)"
		done
	done
}

# matrix_suits TEST FLAVOUR - may this test run in machines of this flavour?
matrix_suits() {
	local flavour words=''

	for flavour in $MATRIX_FLAVOURS; do
		[[ ${TEST_TAGS[$1]} != *" $flavour "* ]] || words+=" $flavour"
	done
	[ -z "$words" ] || [[ "$words " == *" ${2#smp-} "* ]]
}

# matrix_term TEST TERM - does this tag or name mean this test?
matrix_term() {
	# shellcheck disable=SC2053 # a term may be a pattern
	[ "$2" = all ] || [[ ${TEST_TAGS[$1]} == *" $2 "* ]] || [[ $1 == $2 ]]
}

# matrix_select FLAVOUR LONG TERM... - the tests that the terms mean, in SELECTED. A pending
# test is not among them: it waits for the module to do what it asks for.
matrix_select() {
	local flavour=$1 long=$2 test term chosen
	shift 2

	SELECTED=()
	while IFS= read -r test; do
		matrix_suits "$test" "$flavour" || continue
		[[ ${TEST_TAGS[$test]} != *" pending "* ]] || continue
		[ -n "$long" ] || [[ ${TEST_TAGS[$test]} != *" long "* ]] || continue
		chosen=''
		for term; do
			if [ "${term:0:1}" = - ]; then
				! matrix_term "$test" "${term:1}" || chosen=''
			else
				! matrix_term "$test" "$term" || chosen=1
			fi
		done
		[ -z "$chosen" ] || SELECTED+=("$test")
	done < <(printf '%s\n' "${!TEST_TAGS[@]}" | sort)
}

# matrix_job NAME ROW KERNEL FLAVOUR RUNNER SECONDS TESTS
matrix_job() {
	JOBS+=("$1")
	JOB_ROW[$1]=$2 JOB_KERNEL[$1]=$3 JOB_FLAVOUR[$1]=$4 JOB_RUNNER[$1]=$5 JOB_SECONDS[$1]=$6 JOB_TESTS[$1]=$7
	JOB_NEED[$1]=''
	[ "$3" = - ] || JOB_NEED[$1]=$3-${4#smp-}
}

# matrix_seconds - how long tests take, in TEST_SECONDS.
matrix_seconds() {
	local name seconds

	[ -e "$MATRIX_SECONDS" ] || return 0
	while read -r name seconds; do
		case $name in ''|'#'*) continue ;; esac
		[ -n "${TEST_TAGS[$name]:-}" ] || die "tests/seconds: no test '$name' in tests/functional"
		TEST_SECONDS[$name]=$seconds
	done <"$MATRIX_SECONDS"
}

# matrix_deal MACHINES - the tests of SELECTED among so many machines, in DEALT: those that take
# longest first, each to the machine that has least to do yet. Each machine has its tests in the
# order of their names.
matrix_deal() {
	local seconds test n least load=()

	DEALT=()
	for ((n = 0; n < $1; n++)); do load[n]=0 DEALT[n]=''; done
	while read -r seconds test; do
		least=0
		for ((n = 1; n < $1; n++)); do [ "${load[n]}" -ge "${load[least]}" ] || least=$n; done
		load[least]=$((load[least] + seconds))
		DEALT[least]+="$test "
	done < <(for test in "${SELECTED[@]}"; do echo "${TEST_SECONDS[$test]:-10} $test"; done | sort -k 1,1nr -k 2)
	for ((n = 0; n < $1; n++)); do
		# shellcheck disable=SC2086 # words
		DEALT[n]=$(printf '%s\n' ${DEALT[n]} | sort | paste -sd ' ')
	done
}

# matrix_row LONG NAME KERNEL FLAVOUR RUNNER MACHINES SECONDS TERM... - the jobs of one row.
matrix_row() {
	local long=$1 name=$2 kernel=$3 flavour=$4 runner=$5 machines=$6 seconds=$7 n
	shift 7

	if [ "$runner" = host ]; then
		matrix_job "$name" "$name" "$kernel" "$flavour" host "$seconds" "$*"
		return
	fi
	matrix_select "$flavour" "$long" "$@"
	[ ${#SELECTED[@]} -ne 0 ] || die "tests/matrix: row '$name' selects no test"
	[ "$machines" -le ${#SELECTED[@]} ] || machines=${#SELECTED[@]}
	matrix_deal "$machines"
	for ((n = 0; n < machines; n++)); do
		matrix_job "$name$([ "$machines" = 1 ] || echo ".$((n + 1))")" "$name" "$kernel" "$flavour" \
			"$runner" "$seconds" "${DEALT[n]}"
	done
}

# matrix_read check|long - all jobs of that run.
matrix_read() {
	local want=$1 name in kernel flavour runner machines seconds rest terms long=''

	[ "$want" = check ] || long=1
	matrix_tags
	matrix_seconds
	while read -r name in kernel flavour runner machines seconds rest; do
		case $name in ''|'#'*) continue ;; esac
		[ -n "$rest" ] || die "tests/matrix: row '$name' has too few columns"
		case $in in check|long|both) ;; *) die "tests/matrix: row '$name': in '$in'" ;; esac
		case $runner in uml|qemu|foreign|host) ;; *) die "tests/matrix: row '$name': runner '$runner'" ;; esac
		[ "$in" = "$want" ] || [ "$in" = both ] || continue
		read -ra terms <<<"$rest"
		matrix_row "$long" "$name" "$kernel" "$flavour" "$runner" "$machines" "$seconds" "${terms[@]}"
	done <"$MATRIX"
}
