# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# `run events`: what events cost the packets that pass meanwhile. Sourced by run, whose
# variables it uses.

# cpu_clock DIR - tell the guest of DIR how much of a processor it had, whenever it asks. Never ends.
cpu_clock() {
	local dir=$1 ask pid n never

	exec {never}<> <(:)
	while read -r -t 0.01 -u "$never" _ || :; do
		for ask in "$dir"/ask.*; do
			[ -e "$ask" ] || continue
			rm "$ask"
			n=${ask##*.} pid=$(pgrep -f -o "^[^ ]*/linux .*nfo_out=$dir( |\$)")
			# The kernel and the processes in it are one session.
			for pid in $(pgrep -s "$pid"); do
				cat "/proc/$pid/task/"*/schedstat 2>/dev/null || :
			done | awk '{ ns += $1 } END { printf "%.0f\n", ns / 1000 }' >"$dir/told"
			mv "$dir/told" "$dir/told.$n"
		done
	done
}

# shellcheck disable=SC2154 # set in run
events() {
	local p tsv=$out/events.tsv kernel load dir line tools clock

	tools=$("$NFO_TOP/tests/functional/prepare")
	: >"$tsv"
	load=$(cut -d' ' -f1 /proc/loadavg)
	for p in "${providers[@]}"; do
		say "events: $p ..."
		dir=$out/events-$p
		mkdir -p "$dir"
		rm -f "$dir"/ask.* "$dir"/told.*
		cpu_clock "$dir" &
		clock=$!
		boot "$dir" run-uml -k newest -f base -p "$p" -m 2G -t 900 -e "NFO_TOOLS=$tools" \
			"$NFO_TOP/tests/bench/guest-events" "${packets:-1000000}" "${rounds:-3}" || { kill $clock; continue; }
		kill $clock
		awk -v p="$p" '{ print p "\t" $0 }' "$dir/events.tsv" >>"$tsv"
		kernel=$(cat "$dir/kernel")
	done
	[ -s "$tsv" ] || { failures+=("events: nothing was measured"); return; }
	tell ""
	tell "Thousand packets per second of the processor while events happen, IPv4 UDP, no NAT, and the share of the"
	tell "same path's quiet rate; the makers of events run on the same processor"
	conditions "Linux ${kernel:-?}, User Mode Linux, one CPU, ${packets:-1000000} packets, median of ${rounds:-3} rounds"
	tell "load of this machine: $load before, $(cut -d' ' -f1 /proc/loadavg) after; above 1 the figures are doubtful, ratios less so"
	tell ""
	events_table "$tsv" | tee -a "$report"
	events_goals "$tsv" >"$out/events-goals"
	tell ""
	tell "What events at their pace leave of the quiet rate, and of the rate beside a maker whose events are another namespace's:"
	tee -a "$report" <"$out/events-goals"
	while read -r line; do failures+=("$line"); done < <(events_faults "$tsv" "$out/events-goals")
}

# events_awk PROGRAM TSV - with median(provider, path, flows, event) at hand.
events_awk() {
	sort -t $'\t' -k1,4 -k6,6n "$2" | awk -F '\t' '
	{ k = $1 SUBSEP $2 SUBSEP $3 SUBSEP $4; v[k, ++count[k]] = $6; flows[$3] = 1
	  packets = $7; made[k, count[k]] = $10 }
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
		text["commits"] = "a commit every 100 ms"
		text["nft"] = "one of nft every 100 ms"
		for (e in text) text[e "-apart"] = "  the same, elsewhere"
		text["reload"] = "100,000 routes reloaded"
		n = split("quiet routes routes-apart commits commits-apart nft nft-apart reload", events, " ")
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

# events_goals TSV - a line for each goal: what is left of the quiet rate, and what is left of the
# rate beside the same maker in another namespace, whose events do not concern the path. On a busy
# machine the makers make more events in a second of the processor than they should: the time
# that an event cost is taken as often as it should have come.
events_goals() {
	events_awk '
	function paced(path, f, e, rate, k, i, j, n, s, x) {
		k = "ours" SUBSEP path SUBSEP f SUBSEP e
		if (!median("ours", path, f, e)) return 0
		for (n = 0; n < count[k]; n++) {
			x = 1 - rate * (packets / v[k, n + 1] - packets / median("ours", path, f, "quiet")) / made[k, n + 1]
			for (j = n; j > 0 && s[j - 1] > x; j--) s[j] = s[j - 1]
			s[j] = x
		}
		return n % 2 ? s[(n - 1) / 2] : (s[n / 2 - 1] + s[n / 2]) / 2
	}
	function beside(path, f, e, rate, apart) {
		apart = paced(path, f, e "-apart", rate)
		return apart ? paced(path, f, e, rate) / apart : 0
	}
	function goal(f, e, what, rate, least, left, own) {
		left = paced("flow", f, e, rate)
		own = beside("flow", f, e, rate)
		printf "%5d flows, %-20s %5.1f %% (classic path %5.1f %%); without the maker'"'"'s own time %5.1f %% (%5.1f %%); goal %d %%: %s\n", f, what ":",
			100 * left, 100 * paced("stateful", f, e, rate), 100 * own, 100 * beside("stateful", f, e, rate), least,
			(left * 100 >= least ? "reached" : own * 100 >= least ? "reached but for the maker'"'"'s time" : "missed")
	}
	END {
		for (f in flows) {
			if (!median("ours", "flow", f, "quiet")) continue
			goal(f, "routes", "a route every 10 ms", 100, 95)
			goal(f, "commits", "ten commits a second", 10, 80)
			goal(f, "nft", "ten of nft a second", 10, 80)
			if (median("ours", "flow", f, "reload") < median("ours", "stateful", f, "reload"))
				printf "%5d flows, a reload of routes: the classic path is faster: missed\n", f
		}
	}' "$1"
}

# What the goals do not say.
events_faults() {
	awk -F '\t' '$9 < $7 { print "events, " $1 ", " $2 ", " $4 ": of " $7 " packets " $9 " arrived" }
		$4 != "quiet" && $10 < 5 { print "events, " $1 ", " $2 ", " $4 ": only " $10 " events" }' "$1"
	grep ': missed$' "$2" | sed 's/^ */events, /' || :
}
