# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# `run slow`: a full chip whose driver takes its time. Sourced by run, whose variables it uses.

# Seconds over which all connections go on; a reading of all counters takes longer.
slow_secs=${NFO_SLOW_SECS:-90}

# shellcheck disable=SC2154 # set in run
slow() {
	local tsv=$out/slow.tsv load dir tools ko line flows=${hw_flows:-50000}

	tools=$("$NFO_TOP/tests/functional/prepare")
	ko=$("$NFO_TOP/scripts/build-module" newest uml base)
	load=$(cut -d' ' -f1 /proc/loadavg)
	dir=$out/slow
	say "slow: $flows connections ..."
	boot "$dir" run-uml -k newest -f base -p ours -m 3G -t 900 -e "NFO_TOOLS=$tools" \
		-e "NFO_HWSIM_KO=${ko%/*}/tests/hwsim/nfo_hwsim.ko" \
		"$NFO_TOP/tests/bench/guest-slow" "$flows" "$slow_secs" || return 0
	cp "$dir/slow.tsv" "$tsv"
	tell ""
	tell "A slow chip: $flows UDP connections in hardware, two rules each; each call of the driver takes 1 ms"
	conditions "Linux $(cat "$dir/kernel"), User Mode Linux, one CPU; the connections went on for $slow_secs s"
	tell "load of this machine: $load before, $(cut -d' ' -f1 /proc/loadavg) after; above 1 the times are too long"
	tell ""
	slow_table "$tsv" | tee -a "$report"
	while read -r line; do failures+=("$line"); done < <(slow_faults "$tsv" "$flows")
}

slow_table() {
	awk -F '\t' '
	BEGIN {
		text["rules"] = "rules in the chip"
		text["calls"] = "calls of the driver meanwhile"
		text["messages"] = "messages of the connections"
		text["lost"] = "messages lost"
		text["retired"] = "connections given up and made anew"
		text["added"] = "rules added again"
		text["neigh-ms"] = "a neighbour changed: its rules are gone, ms"
		text["rtnl-ms"] = "longest request with RTNL, ms"
		text["rtnl-none-ms"] = "the same, a driver that takes no time"
		n = split("rules calls messages lost retired added neigh-ms rtnl-ms rtnl-none-ms", names, " ")
	}
	{ v[$1] = v[$1] ? v[$1] " " $2 : $2 }
	END { for (i = 1; i <= n; i++) printf "%-44s %s\n", text[names[i]], v[names[i]] }' "$1"
}

slow_faults() {
	awk -F '\t' -v flows="$2" '
	$1 == "rules" && $2 != 2 * flows { print "slow: " $2 " rules of " 2 * flows }
	$1 ~ /^(lost|retired|added)$/ && $2 { print "slow: " $1 " " $2 }
	$1 == "neigh-ms" { n++; late += $2 > 100 }
	END { if (2 * late > n) print "slow: " late " of " n " changes of a neighbour took more than 100 ms" }' "$1"
}
