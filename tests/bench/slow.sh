# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# `run slow-driver`: a chip full of rules whose driver needs long for each call. Sourced by run,
# whose variables it uses.

# For so long the connections go on: longer than it takes to read all counters once.
slow_secs() { echo $((10 + 2 * $1 * $2 * 11 / 10000000)); }

# shellcheck disable=SC2154 # set in run
slow_driver() {
	local tsv=$out/slow.tsv kernel tools dir=$out/slow n=${hw_flows:-50000} line
	local vm=(run-qemu -k 6.1 --icount -m 2048) where="one processor, QEMU TCG -icount shift=0: an instruction is a nanosecond"

	if [ "$on" = uml ]; then
		vm=(run-uml -k newest -f base -m 2G)
		where="User Mode Linux, one CPU, times of a machine with load $(cut -d' ' -f1 /proc/loadavg)"
	fi
	tools=$("$NFO_TOP/tests/functional/prepare")
	say "slow-driver: $((2 * n)) rules, $delay_us us a call ..."
	boot "$dir" "${vm[@]}" -p ours -t 3000 -T 7200 -e "NFO_TOOLS=$tools" \
		"$NFO_TOP/tests/bench/guest-slow" "$n" "$(slow_secs "$n" "$delay_us")" "$delay_us" || return 0
	cp "$dir/slow.tsv" "$tsv"
	kernel=$(cat "$dir/kernel")
	tell ""
	tell "A simulated chip with $((2 * n)) rules whose driver needs $delay_us us for each call, and RTNL for all of them"
	conditions "Linux $kernel, $where"
	tell ""
	slow_table "$tsv" | tee -a "$report"
	while read -r line; do failures+=("slow-driver: $line"); done < <(slow_faults "$tsv" "$n" "$delay_us" "$([ "$on" = uml ] || echo yes)")
}

# slow_awk PROGRAM TSV - with v[NAME], the largest figure of that name, least[] and count[].
slow_awk() {
	awk -F '\t' -v flows="${3:-}" -v delay="${4:-}" -v probes="${5:-}" '
	!($1 in v) || $2 > v[$1] { v[$1] = $2 + 0 }
	!($1 in least) || $2 < least[$1] { least[$1] = $2 + 0 }
	{ count[$1]++ }
	'"$1" "$2"
}

slow_table() {
	# shellcheck disable=SC2016 # a program of awk
	slow_awk '
	function row(text, value) { printf "%-76s %18s\n", text, value }
	function range(name) { return sprintf("%.1f-%.1f ms", least[name] / 1e3, v[name] / 1e3) }
	function change(text, name) {
		row("old address gone, " text, range("old-" name))
		row("new address in the chip, " text, range("new-" name))
	}
	END {
		row("rules in the chip", v["rules"])
		row("messages of all connections meanwhile, driver calls", v["messages"] ", " v["calls"])
		row("messages lost", v["lost"])
		row("connections retired", v["retired"])
		row("rules that left the chip and came back", v["added"])
		print "A neighbour of 5 connections changes its address:"
		change("while counters are read", "read")
		change("while rules wait for deletion", "del")
		change("the queue being full as well", "full")
		row("messages of these connections lost", v["few-lost"])
		if (count["call"]) {
			row("longest time nfo_hw::lock was held, softirq", sprintf("%.1f us", v["hold-softirq"] / 1e3))
			row("longest time nfo_hw::lock was held, process", sprintf("%.1f us", v["hold-process"] / 1e3))
			row("longest time the worker held RTNL, longest driver call", sprintf("%.1f, %.1f ms", v["rtnl-hold"] / 1e3, v["call"] / 1e3))
		}
		row("longest wait of ip link set, driver without delay", sprintf("%.1f ms", v["rtnl-wait-none"] / 1e3))
		row("longest wait of ip link set, while the queue works", sprintf("%.1f ms", v["rtnl-wait"] / 1e3))
		row("hw-tc-offload switched off: the command takes", sprintf("%.1f ms", v["feature-off"] / 1e3))
		row("... and the rules of the device are deleted after", sprintf("%.1f s", v["feature-drained"] / 1e6))
	}' "$1"
}

# What the figures must hold to; one line for each breach.
slow_faults() {
	# shellcheck disable=SC2016 # a program of awk
	slow_awk '
	function most(name, limit, text) {
		if (!count[name]) print name " was not measured"
		else if (v[name] > limit) print text ": " v[name] ", goal " limit
	}
	END {
		if (v["rules"] != 2 * flows) print v["rules"] " rules of " 2 * flows
		if (!(v["calls"] > 0)) print "the driver was not called"
		most("lost", 0, "messages lost")
		most("few-lost", 0, "messages lost when a neighbour changed")
		most("retired", 0, "busy connections retired")
		most("added", 0, "rules left the chip")
		n = split("read del full", whats, " ")
		for (i = 1; i <= n; i++)
			most("new-" whats[i], 100000, "microseconds until the new address is in the chip (" whats[i] ")")
		if (probes == "yes") {
			if (!(v["hold-softirq"] > 0)) print "no softirq held the lock"
			most("hold-softirq", 50000, "nanoseconds for which softirq held the lock")
			most("hold-process", 50000, "nanoseconds for which softirq may have waited for the lock")
			most("rtnl-hold", v["call"] + 100, "microseconds for which the worker held RTNL, more than a call")
		}
		most("rtnl-wait", v["rtnl-wait-none"] + 5 * delay, "microseconds of waiting for RTNL")
	}' "$1" "$2" "$3" "$4"
}
