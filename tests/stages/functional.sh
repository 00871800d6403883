# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034 # its callers use what it sets
# Runs tests/functional in one machine and says which test is to blame when it dies; sourced, never run.
# shellcheck source=../../scripts/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/common.sh"

NFO_STAGE=${NFO_STAGE:-$(mktemp -d)}
failed=0
tools=$("$NFO_TOP/tests/functional/prepare")

# select_tests TEST... - what functional runs: names in tests/functional, or patterns.
selection=('[0-9]*.sh')
select_tests() { selection=("$@"); }

# is_pending TEST - its "# tags:" line says that it waits for what it asks for.
is_pending() { head -n 5 "$NFO_TOP/tests/functional/$1" | grep -q '^# tags:.* pending'; }

# functional NAME RUNNER OPTION... - those tests in one boot; a machine that dies
# is blamed on the test it was running, and the others get a new one.
functional() {
	local name=$1 out=$NFO_STAGE/${1// /-} rc line running tests boots=0 noted
	shift

	mapfile -t tests < <(cd "$NFO_TOP/tests/functional" && printf '%s\n' "${selection[@]}" |
		while read -r line; do compgen -G "$line" || echo "$line"; done | sort |
		while read -r line; do is_pending "$line" 2>/dev/null || echo "$line"; done)
	while [ ${#tests[@]} -gt 0 ]; do
		boots=$((boots + 1)) running='' noted=''
		while IFS= read -r line; do
			case $line in
			"% start "*) running=${line#% start } ;;
			"% end "*)
				case ${line##* } in
				0|4) ;;
				1) [ -n "$noted" ] || {
					echo "not ok - $name: $running: status 1 without a failed case"
					failed=1
				   } ;;
				*) echo "not ok - $name: $running: ended with status ${line##* }"; failed=1 ;;
				esac
				tests=("${tests[@]:1}") running='' noted=''
				;;
			"% rc "*) rc=${line#% rc } ;;
			"ok - "*|"skip - "*) echo "${line%% - *} - $name: ${line#* - }" ;;
			"not ok - "*)
				echo "not ok - $name: ${line#not ok - }"
				failed=1 noted=1
				;;
			*) echo "# ${line#\# }" ;;
			esac
		done < <(
			set +e
			"$NFO_TOP/tests/vm/$1" "${@:2}" -p "${NFO_CHECK_PROVIDER:-ours}" -t 1500 -o "$out-$boots" -e "NFO_TOOLS=$tools" \
				"$NFO_TOP/tests/stages/guest-functional" "${tests[@]}" 2>&1
			echo "% rc $?"
		)
		if [ "$rc" != 0 ]; then
			failed=1
			if [ -n "$running" ]; then
				echo "not ok - $name: $running: the machine ended with status $rc"
				tests=("${tests[@]:1}")
			else
				# Everything ran: the log says under which test.
				echo "not ok - $name: status $rc after the tests, $(blame "$out-$boots/dmesg")"
				[ ${#tests[@]} -eq 0 ] || tests=("${tests[@]:1}")
			fi
			head -n 60 "$out-$boots/report" 2>/dev/null | sed 's/^/# /'
		elif [ ${#tests[@]} -gt 0 ]; then
			echo "not ok - $name: the machine ended before ${tests[0]}"
			failed=1
			break
		fi
	done
}

# blame DMESG - the test that ran when the kernel first complained.
blame() {
	local line last='before the first test' log

	log=$("$NFO_TOP/tests/vm/judge" "$1" | head -n 1) || true
	[ -n "$log" ] || { echo "see $1"; return; }
	while IFS= read -r line; do
		case $line in
		*"nfo: test "*) last="during ${line##*nfo: test }" ;;
		*"nfo: script ends"*) last='after the last test' ;;
		esac
		[ "$line" != "$log" ] || break
	done <"$1"
	echo "$last: ${log#*] }"
}
