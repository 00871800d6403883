# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# `run life`: what it takes to open connections, to have short ones and to keep idle ones. Sourced
# by run, whose variables it uses.

# Longer than flows that are idle are left alone.
life_secs=130

# shellcheck disable=SC2154 # set in run
life() {
	local p tools plugin dir tsv=$out/life.tsv kernel line many=${flows##*,}

	: >"$tsv"
	tools=$("$NFO_TOP/tests/functional/prepare")
	plugin=$("$NFO_TOP/scripts/qemu-plugin" "$NFO_TOP/tests/bench/count.c")
	for p in "${providers[@]}"; do
		say "life: $p ..."
		dir=$out/life-$p
		mkdir -p "$dir"
		VM_QEMU="-plugin $plugin,out=$dir/count" \
			boot "$dir" run-qemu -k 6.1 --icount -p "$p" -m 3072 -t 3000 -T 7200 -e "NFO_TOOLS=$tools" \
			"$NFO_TOP/tests/bench/guest-life" "$many" "$life_secs" || continue
		life_between "$p" "$dir/count.marks" "$dir/life.tsv" >>"$tsv"
		kernel=$(cat "$dir/kernel")
	done
	[ -s "$tsv" ] || { failures+=("life: nothing was measured"); return; }
	tell ""
	tell "Thousand instructions of the whole guest for each connection: generator, both veth pairs and, of tcp, both"
	tell "ends included; million instructions in a second with all connections idle, conntrack's own work included."
	conditions "Debian's ${kernel:-?}, QEMU TCG -icount shift=0, one processor"
	tell ""
	life_table "$tsv" | tee -a "$report"
	while read -r line; do failures+=("life: $line"); done < <(life_faults "$tsv")
}

# life_between PROVIDER MARKS TSV - the guest's lines, the instructions between their marks at the end.
life_between() {
	awk -F '\t' -v OFS='\t' -v p="$1" '
	FILENAME == ARGV[1] { mark[FNR] = $1; next }
	{
		sum = 0
		for (; $6 > 0; $6--) {
			sum += mark[at + 2] - mark[at + 1]
			at += 2
		}
		print p, $1, $2, $3, $4, $5, sum
	}' "$2" "$3"
}

# life_awk PROGRAM TSV - with cost[who, case] in instructions, and count[who, case] of connections.
life_awk() {
	awk -F '\t' -v secs="$life_secs" '
	{ who = $2 == "flow" ? $1 : $2 == "flow-at-once" ? "at once" : "classic" }
	$3 == "warm" { next }
	$3 != "tcp" && $4 == 1 { one[who, $3] = $7; next }
	{
		n = $4
		count[who, $3] = n
		if ($3 == "tcp")
			cost[who, $3] = $7 / n
		else if ($3 == "idle")
			cost[who, $3] = $7 / secs
		else
			cost[who, $3] = ($7 - one[who, $3]) / (n - 1)
		if ($2 == "flow" && $3 != "query" && $5 * 100 > $6)
			print "faults: " $3 ", " who ": the slow path saw " $5 " of " $6 " packets sent afterwards"
		if ($3 == "query" && $5)
			print "faults: query, " who ": " $5 " connections are still there"
	}
	'"$1" "$2"
}

life_table() {
	# shellcheck disable=SC2016 # a program of awk
	life_awk '
	function cell(who, case_, unit) {
		return (who, case_) in cost ? sprintf("%.2f", cost[who, case_] / unit) : "-"
	}
	function row(text, case_, unit) {
		printf "%-60s %10s %10s %10s %13s\n", text, cell("classic", case_, unit), cell("mainline", case_, unit),
			cell("ours", case_, unit), cell("at once", case_, unit)
	}
	END {
		printf "%-60s %10s %10s %10s %13s\n", "", "classic", "mainline", "ours", "udp_answers 0"
		row("UDP, twice a packet and its answer: in the fast path", "opened", 1e3)
		row("the same, " count["ours", "opened-idle"] " connections", "opened-idle", 1e3)
		row("UDP, a packet and its answer, until it has timed out", "query", 1e3)
		row("TCP, connect, 2 to 8 messages and echoes, close or reset", "tcp", 1e3)
		row(count["ours", "idle"] " idle connections, a second", "idle", 1e6)
	}' "$1" | grep -v '^faults: '
}

# life_faults TSV - what took another path than it says, and the goals that are missed.
life_faults() {
	# shellcheck disable=SC2016 # a program of awk
	life_awk '
	function over(case_, against, part, what) {
		if (("ours", case_) in cost && (against, case_) in cost && cost["ours", case_] > cost[against, case_] * part)
			printf "faults: %s: ours takes %d, %s %d\n", what, cost["ours", case_], against, cost[against, case_]
	}
	END {
		over("opened", "mainline", 1, "instructions to open a connection")
		over("query", "classic", 1.05, "instructions for a short connection")
		over("tcp", "classic", 1.05, "instructions for a short TCP connection")
	}' "$1" | sed -n 's/^faults: //p'
}
