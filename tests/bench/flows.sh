# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# `run flows`: packets per second by number of flows. Sourced by run, whose variables it uses, and by plot.

# shellcheck disable=SC2154 # set in run
flows() {
	local rounds=${rounds:-3} tsv=$out/flows.tsv line

	# shellcheck disable=SC2086 # one word for each number of flows
	in_rounds flows -m 4G "$NFO_TOP/tests/bench/guest-flows" "${packets:-1000000}" ${flows//,/ } || return 0
	tell ""
	tell "Million packets per second, IPv4 UDP, 60 bytes, no NAT, sources at random: median (lowest-highest)"
	conditions "Linux $KERNEL, User Mode Linux, one CPU, ${packets:-1000000} packets, $rounds rounds"
	tell "$LOAD"
	tell ""
	flows_table "$tsv" "$flows" | tee -a "$report"
	if command -v gnuplot >/dev/null; then
		"$NFO_TOP/tests/bench/plot" flows "$tsv" "$out"
	fi
	while read -r line; do failures+=("$line"); done < <(flows_faults "$tsv")
}

# flows_spread TSV - lines of: provider path flows, and the median, the lowest and the highest rate of the
# rounds, million packets a second.
flows_spread() { awk -F '\t' -v OFS='\t' '{ print $1, $2, $3, $4 / 1e6 }' "$1" | spread 3; }

flows_table() {
	flows_spread "$1" | awk -F '\t' -v flows="$2" '
	{ median[$1, $2, $3] = $4; low[$1, $2, $3] = $5; high[$1, $2, $3] = $6; seen[$1, $2] = 1 }
	function row(name, p, path, i) {
		if (!((p, path) in seen)) return
		printf "%-32s", name
		for (i = 1; i <= n; i++) {
			if ((p, path, f[i]) in median)
				printf "%20s", sprintf("%.2f (%.2f-%.2f)", median[p, path, f[i]],
					low[p, path, f[i]], high[p, path, f[i]])
			else
				printf "%20s", ""
		}
		print ""
	}
	END {
		n = split(flows, f, ",")
		printf "%-32s", "path"
		for (i = 1; i <= n; i++) printf "%20s", f[i] (f[i] == "1" ? " flow" : " flows")
		print ""
		row("redirect, floor (mainline boot)", "mainline", "redirect")
		row("redirect, floor (our boot)", "ours", "redirect")
		row("stateful ruleset (mainline boot)", "mainline", "stateful")
		row("stateful ruleset (our boot)", "ours", "stateful")
		row("mainline flowtable", "mainline", "flow")
		row("our flowtable", "ours", "flow")
		if (!(("ours", "flow") in seen) || !(("mainline", "flow") in seen)) exit
		printf "%-32s", "ours : mainline"
		for (i = 1; i <= n; i++) {
			theirs = median["mainline", "flow", f[i]]
			printf "%20s", theirs ? sprintf("%.2f", median["ours", "flow", f[i]] / theirs) : ""
		}
		print ""
	}'
}

flows_faults() {
	awk -F '\t' '
	{
		name = $1 ", " $2 ", " $3 " flows"
		if ($7 < $5)
			print name ": of " $5 " packets " $7 " arrived"
		if ($2 == "flow" && $6 * 100 > $5)
			print name ": the slow path saw " $6 " of " $5 " packets"
	}' "$1"
}
