# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# `run rules`: the way into hardware. Sourced by run, whose variables it uses.

# Seconds over which calls for refused shapes are counted.
rules_secs=10
# New connections at once, against the default bound of the queue.
rules_flood=100000

# shellcheck disable=SC2154 # set in run
rules() {
	local p round hw_flows=${hw_flows:-10000} rounds=${rounds:-3} tsv=$out/rules.tsv kernel load dir tools ko line

	: >"$tsv"
	tools=$("$NFO_TOP/tests/functional/prepare")
	ko=$("$NFO_TOP/scripts/build-module" newest uml base)
	load=$(cut -d' ' -f1 /proc/loadavg)
	for ((round = 1; round <= rounds; round++)); do
		for p in "${providers[@]}"; do
			say "rules: round $round of $rounds, $p ..."
			dir=$out/rules-$p-$round
			boot "$dir" run-uml -k newest -f base -p "$p" -m 2G -t 600 -e "NFO_TOOLS=$tools" \
				-e "NFO_HWSIM_KO=${ko%/*}/tests/hwsim/nfo_hwsim.ko" \
				"$NFO_TOP/tests/bench/guest-rules" "$hw_flows" "$rules_secs" "$rules_flood" || continue
			awk -v p="$p" '{ print p "\t" $0 }' "$dir/rules.tsv" >>"$tsv"
			kernel=$(cat "$dir/kernel")
		done
	done
	[ -s "$tsv" ] || { failures+=("rules: nothing was measured"); return; }
	tell ""
	tell "The way into hardware: $hw_flows UDP connections wait while the chip's driver is held, then it is let go;"
	tell "the chip is simulated and takes no time of its own. Then 500 connections that it refuses, for $rules_secs s"
	conditions "Linux ${kernel:-?}, User Mode Linux, one CPU, $rounds rounds of several, median (lowest-highest)"
	tell "load of this machine: $load before, $(cut -d' ' -f1 /proc/loadavg) after; above 1 the figures are doubtful, ratios less so"
	tell ""
	rules_table "$tsv" | tee -a "$report"
	while read -r line; do failures+=("$line"); done < <(rules_faults "$tsv" "$hw_flows")
}

rules_table() {
	awk -F '\t' '
	$2 == "rules" { n = $3 }
	$2 == "ns" { $2 = "rate"; $3 = $3 ? n * 1e6 / $3 : 0 }
	{ v[$1, $2, ++count[$1, $2]] = $3 + 0 }
	function sort(p, name, i, j, t) {
		for (i = 2; i <= count[p, name]; i++)
			for (j = i; j > 1 && v[p, name, j] < v[p, name, j - 1]; j--) {
				t = v[p, name, j]; v[p, name, j] = v[p, name, j - 1]; v[p, name, j - 1] = t
			}
	}
	function median(p, name, n) {
		n = count[p, name]
		return !n ? 0 : n % 2 ? v[p, name, (n + 1) / 2] : (v[p, name, n / 2] + v[p, name, n / 2 + 1]) / 2
	}
	function cell(p, name, format) {
		if (!count[p, name]) return "-"
		return sprintf(format " (" format "-" format ")", median(p, name), v[p, name, 1], v[p, name, count[p, name]])
	}
	function row(text, name, format, ratio) {
		sort("mainline", name)
		sort("ours", name)
		ratio = ""
		if (count["ours", name] && median("mainline", name))
			ratio = sprintf("%.2f", median("ours", name) / median("mainline", name))
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
	}' "$1"
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
