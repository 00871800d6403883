# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# What benches have in common whose figures are the machine's: rounds of all providers, and their spread.
# Sourced by run, whose variables in_rounds uses, and by plot.

# in_rounds NAME ARGUMENT... - run-uml with these arguments for each provider and round, in turn, so that what
# else the machine does falls on all alike. The guests' NAME.tsv go to NAME.tsv, each line with its provider.
# Sets KERNEL and LOAD, a line for the report. Status 1 when nothing was measured.
# shellcheck disable=SC2154,SC2034 # set in run; KERNEL and LOAD are used by those that source this
in_rounds() {
	local name=$1 p round dir before tsv=$out/$1.tsv
	shift

	: >"$tsv"
	before=$(cut -d' ' -f1 /proc/loadavg)
	for ((round = 1; round <= rounds; round++)); do
		for p in "${providers[@]}"; do
			say "$name: round $round of $rounds, $p ..."
			dir=$out/$name-$p-$round
			boot "$dir" run-uml -k newest -f base -p "$p" -t 600 "$@" || continue
			awk -v p="$p" '{ print p "\t" $0 }' "$dir/$name.tsv" >>"$tsv"
			KERNEL=$(cat "$dir/kernel")
		done
	done
	LOAD="load of this machine: $before before, $(cut -d' ' -f1 /proc/loadavg) after; above 1 the figures are doubtful, ratios less so"
	[ -s "$tsv" ] || { failures+=("$name: nothing was measured"); return 1; }
}

# spread N - of lines of N words and a figure, separated by tabs: the words, and the median, the lowest and
# the highest figure of those with the same words.
spread() {
	sort -t $'\t' -k1,"$1" -k$(($1 + 1)),$(($1 + 1))g | awk -F '\t' -v OFS='\t' '
	function tell(m) {
		if (!n) return
		m = n % 2 ? v[(n + 1) / 2] : (v[n / 2] + v[n / 2 + 1]) / 2
		print key, m, v[1], v[n]
	}
	{ figure = $NF; sub(/\t[^\t]*$/, "") }
	$0 != key { tell(); key = $0; n = 0 }
	{ v[++n] = figure }
	END { tell() }'
}
