# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# `run events`: what events cost the packets that pass meanwhile. Sourced by run, whose
# variables it uses.

# shellcheck disable=SC2154 # set in run
events() {
	local p tsv=$out/events.tsv kernel load dir line

	: >"$tsv"
	load=$(cut -d' ' -f1 /proc/loadavg)
	for p in "${providers[@]}"; do
		say "events: $p ..."
		dir=$out/events-$p
		boot "$dir" run-uml -k newest -f base -p "$p" -m 2G -t 900 \
			"$NFO_TOP/tests/bench/guest-events" "${packets:-1000000}" "${rounds:-3}" || continue
		awk -v p="$p" '{ print p "\t" $0 }' "$dir/events.tsv" >>"$tsv"
		kernel=$(cat "$dir/kernel")
	done
	[ -s "$tsv" ] || { failures+=("events: nothing was measured"); return; }
	tell ""
	tell "Thousand packets per second while events happen, IPv4 UDP, no NAT, and the share of the same path's"
	tell "quiet rate; the makers of events run on the same processor"
	conditions "Linux ${kernel:-?}, User Mode Linux, one CPU, ${packets:-1000000} packets, median of ${rounds:-3} rounds"
	tell "load of this machine: $load before, $(cut -d' ' -f1 /proc/loadavg) after; above 1 the figures are doubtful, ratios less so"
	tell ""
	events_table "$tsv" | tee -a "$report"
	while read -r line; do failures+=("$line"); done < <(events_faults "$tsv")
}

# events_awk PROGRAM TSV - with median(provider, path, flows, event) at hand.
events_awk() {
	sort -t $'\t' -k1,4 -k6,6n "$2" | awk -F '\t' '
	{ k = $1 SUBSEP $2 SUBSEP $3 SUBSEP $4; v[k, ++count[k]] = $6; flows[$3] = 1 }
	function median(p, path, f, e, k, n) {
		k = p SUBSEP path SUBSEP f SUBSEP e
		n = count[k]
		return !n ? 0 : n % 2 ? v[k, (n + 1) / 2] : (v[k, n / 2] + v[k, n / 2 + 1]) / 2
	}
	function share(p, path, f, e, quiet) {
		quiet = median(p, path, f, "quiet")
		return quiet ? median(p, path, f, e) / quiet : 0
	}
	'"$1"
}

events_table() {
	events_awk '
	function cell(p, path, f, e) {
		if (!median(p, path, f, e)) return sprintf("%17s", "-")
		return sprintf("%9.0f %6.1f%%", median(p, path, f, e) / 1e3, 100 * share(p, path, f, e))
	}
	END {
		text["quiet"] = "no event"
		text["routes"] = "a route every 10 ms"
		text["commits"] = "an nft commit every 100 ms"
		text["reload"] = "100,000 routes reloaded"
		n = split("quiet routes commits reload", events, " ")
		m = split("1 9999", sizes, " ")
		printf "%-34s %17s %17s %17s\n", "", "classic path", "mainline", "ours"
		for (i = 1; i <= m; i++)
			for (j = 1; j <= n; j++)
				printf "%5d flows, %-26s %s %s %s\n", sizes[i], text[events[j]],
					cell("ours", "stateful", sizes[i], events[j]),
					cell("mainline", "flow", sizes[i], events[j]),
					cell("ours", "flow", sizes[i], events[j])
	}' "$1"
}

# The maker of events costs the classic path as much as the fast path: what it leaves of the
# quiet rate is compared.
events_faults() {
	awk -F '\t' '$8 < $7 { print "events, " $1 ", " $2 ", " $4 ": of " $7 " packets " $8 " arrived" }
		$4 != "quiet" && $10 < 5 { print "events, " $1 ", " $2 ", " $4 ": only " $10 " events" }' \
		<(awk -F '\t' -v OFS='\t' '{ print $1, $2, $3, $4, $5, $6, $7, $9, $8, $10 }' "$1")
	events_awk '
	END {
		for (f in flows) {
			if (!median("ours", "flow", f, "quiet")) continue
			if (share("ours", "flow", f, "routes") < 0.95)
				printf "events, %d flows: a route every 10 ms leaves %.1f %% of the throughput, goal 95 %%\n", f, 100 * share("ours", "flow", f, "routes")
			if (share("ours", "flow", f, "commits") < 0.8)
				printf "events, %d flows: ten commits a second leave %.1f %% of the throughput, goal 80 %%\n", f, 100 * share("ours", "flow", f, "commits")
			if (median("ours", "flow", f, "reload") < median("ours", "stateful", f, "reload"))
				printf "events, %d flows: under a reload of routes the classic path is faster\n", f
		}
	}' "$1"
}
