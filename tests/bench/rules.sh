# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# `run rules`: the way into hardware. Sourced by run, whose variables it uses.

# Seconds over which calls for refused shapes are counted.
rules_secs=10
# New connections at once, against the default bound of the queue.
rules_flood=100000

# shellcheck disable=SC2154 # set in run
rules() {
	local hw_flows=${hw_flows:-10000} rounds=${rounds:-3} tsv=$out/rules.tsv tools ko line

	tools=$("$NFO_TOP/tests/functional/prepare")
	ko=$("$NFO_TOP/scripts/build-module" newest uml base)
	in_rounds rules -m 2G -e "NFO_TOOLS=$tools" -e "NFO_HWSIM_KO=${ko%/*}/tests/hwsim/nfo_hwsim.ko" \
		"$NFO_TOP/tests/bench/guest-rules" "$hw_flows" "$rules_secs" "$rules_flood" || return 0
	tell ""
	tell "The way into hardware: $hw_flows UDP connections wait while the chip's driver is held, then it is let go;"
	tell "the chip is simulated and takes no time of its own. Then 500 connections that it refuses, for $rules_secs s"
	conditions "Linux $KERNEL, User Mode Linux, one CPU, $rounds rounds of several, median (lowest-highest)"
	tell "$LOAD"
	tell ""
	rules_table "$tsv" | tee -a "$report"
	while read -r line; do failures+=("$line"); done < <(rules_faults "$tsv" "$hw_flows")
}

rules_table() {
	awk -F '\t' -v OFS='\t' '
	$2 == "rules" { n = $3 }
	$2 == "ns" { $2 = "rate"; $3 = $3 ? n * 1e6 / $3 : 0 }
	{ print $1, $2, $3 + 0 }' "$1" | spread 2 | awk -F '\t' '
	{ median[$1, $2] = $3; low[$1, $2] = $4; high[$1, $2] = $5 }
	function cell(p, name, format) {
		if (!((p, name) in median)) return "-"
		return sprintf(format " (" format "-" format ")", median[p, name], low[p, name], high[p, name])
	}
	function row(text, name, format, ratio) {
		ratio = ""
		if (("ours", name) in median && median["mainline", name])
			ratio = sprintf("%.2f", median["ours", name] / median["mainline", name])
		printf "%-44s %26s %26s  %s\n", text, cell("mainline", name, format), cell("ours", name, format), ratio
	}
	END {
		printf "%-44s %26s %26s  %s\n", "", "mainline", "ours", "ours : mainline"
		row("thousand rules per second", "rate", "%.1f")
		row("slab growth, traffic and queue, KiB", "slab-kib", "%d")
		row("of 100,000 new connections, waiting at most", "flood-waiting", "%d")
		row("slab growth, those and the queue, KiB", "flood-slab-kib", "%d")
		row("driver calls for refused shapes", "refused-calls", "%d")
		row("packets lost", "lost", "%d")
	}'
}

rules_faults() {
	awk -F '\t' -v flows="$2" -v flood="$rules_flood" '
	$2 == "rules" && $3 != 2 * flows { print "rules, " $1 ": " $3 " of " 2 * flows }
	$2 == "flood-flows" && $3 < flood { print "rules, " $1 ": only " $3 " of " flood " connections at once" }
	# the bound, and the one that the driver has in hands
	$2 == "flood-waiting" && $1 == "ours" && ($3 > 4097 || !$3) { print "rules, ours: " $3 " waiting, bound 4096" }
	$2 == "lost" && $1 == "ours" && $3 { print "rules, " $1 ": " $3 " packets lost" }
	$2 == "waiting" && $3 != flows { print "rules, " $1 ": only " $3 " connections waited" }
	$2 == "refused-calls" && $1 == "ours" && $3 > 2 { print "rules, ours: " $3 " calls for a refused shape" }
	' "$1"
}
