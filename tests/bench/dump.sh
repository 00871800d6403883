# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# `run dump`: dumps beside traffic. Sourced by run, whose variables it uses.
#
# Measured is the throughput of a processor that forwards and does not dump: what is
# shared with the one that dumps. A processor that does both loses the time the dump
# takes, whatever the dump is like; so QEMU's instruction counting, which has one
# processor only, can't answer this.

# shellcheck disable=SC2154 # set in run
dump() {
	local tools count=${flows##*,} where dir load line args

	tools=$("$NFO_TOP/tests/functional/prepare")
	for where in $on; do
		say "dump: $count flows, $where ..."
		dir=$out/dump-$where
		load=$(cut -d' ' -f1 /proc/loadavg)
		case $where in
		# JSON of a million flows takes an emulated processor too long.
		qemu) args=(run-qemu -k 6.1 -c 2 -m 4096 -t 3600) line=- ;;
		uml) args=(run-uml -k newest -f base -m 4G -t 1800) line=$tools/nft-offload ;;
		esac
		boot "$dir" "${args[@]}" -p ours "$NFO_TOP/tests/bench/guest-dump" "$tools/drain" "$line" \
			"$count" "${rounds:-150}" || continue
		tell ""
		case $where in
		qemu)
			tell "What a dump on one processor costs a packet path that has another to itself: shared locks,"
			tell "cache lines, RCU, not the time of the processor that dumps. Emulated: what locks, interrupts"
			tell "and RCU do to each other shows, what the caches do is diluted by the emulation"
			conditions "Debian's $(cat "$dir/kernel"), QEMU TCG, two processors" ;;
		uml)
			tell "Dumps while packets pass, both on one processor at native speed: how long a dump takes, and"
			tell "whether it is whole. The two share the processor: what packets lose to nothing beside them says"
			tell "nothing of the dump, what they lose to a loop in its place does, roughly"
			conditions "Linux $(cat "$dir/kernel"), User Mode Linux, one processor" ;;
		esac
		tell "load of this machine: $load before, $(cut -d' ' -f1 /proc/loadavg) after; above 1 the figures are doubtful"
		tell ""
		dump_table "$dir" "$where" | tee -a "$report"
		while read -r line; do failures+=("$line"); done < <(dump_faults "$dir" "$where")
	done
}

# Shared by table and faults.
# shellcheck disable=SC2016 # awk's own
dump_awk='
	BEGIN { FS = "\t" }
	function sorted(list, v, n, i, j, t) {
		n = split(list, v, " ")
		for (i = 2; i <= n; i++)
			for (j = i; j > 1 && v[j] + 0 < v[j - 1] + 0; j--) {
				t = v[j]; v[j] = v[j - 1]; v[j - 1] = t
			}
		return n
	}
	function median(list, v, n) {
		n = sorted(list, v)
		return !n ? 0 : n % 2 ? v[(n + 1) / 2] : (v[n / 2] + v[n / 2 + 1]) / 2
	}
	# the median, and where the middle half lies
	function middle(list, digits, v, n, f) {
		n = sorted(list, v)
		f = "%." digits "f"
		return sprintf(f " (" f "-" f ")", median(list), v[int(n / 4) + 1], v[n - int(n / 4)])
	}
	function range(list, digits, v, n, f) {
		n = sorted(list, v)
		f = "%." digits "f"
		return sprintf(f " (" f "-" f ")", median(list), v[1], v[n])
	}
	FILENAME ~ /facts$/ { split($0, w, " "); fact[w[1]] = w[2]; next }
	# idle loop dump dump loop idle, and again
	FILENAME ~ /windows.tsv$/ {
		rate = $2 / $3 * 1e3
		wall[$1] = wall[$1] " " rate
		of[$1, int((FNR - 1) / 6), ++turn[$1] % 2] = rate
		rounds = int(FNR / 6)
		next
	}
	{
		n[$1]++
		flows[$1] = flows[$1] " " $2
		if ($3) distinct[$1] = $3
		torn += $4; reads[$1] = $5; bytes[$1] = $6
		ms[$1] = ms[$1] " " $7 / 1e3
		cpu[$1] = cpu[$1] " " $8 / 1e3
		longest[$1] = longest[$1] " " $9 / 1e3
	}
	# Losses of a to b in percent, as in how many percent of packets less: the
	# median of the rounds, and the bounds between which the true median lies with
	# a certainty of 95 % whatever the noise is like (ranks n / 2 -+ 0.98 sqrt n).
	# A round is symmetric in time, so a machine that changes its pace slowly adds
	# nothing.
	function loss(a, b, r, n, k, list, v) {
		for (r = 0; r < rounds; r++)
			list = list " " (1 - (of[a, r, 0] + of[a, r, 1]) / (of[b, r, 0] + of[b, r, 1])) * 100
		return bounds(list)
	}
	# The same of neighbours that are alike: what the method makes of nothing.
	function nothing(r, list) {
		for (r = 0; r < rounds; r++)
			list = list " " (1 - of["loop", r, r % 2] / of["loop", r, (r + 1) % 2]) * 100
		return bounds(list)
	}
	function bounds(list, v, n, k) {
		n = sorted(list, v)
		k = int(n / 2 - 0.98 * sqrt(n))
		middling = n ? median(list) : 100
		lowest = k >= 1 ? v[k] : -100
		highest = k >= 1 ? v[n - k + 1] : 100
		return sprintf("%5.1f %%, between %.1f and %.1f", middling, lowest, highest)
	}
	# Who has a processor of his own does not feel a loop on another: where the
	# packets do, the two virtual processors have shared real ones, with each
	# other or with other work, and their shares are not the dump'"'"'s doing.
	function judge(beside) {
		loss("loop", "idle")
		beside = middling
		text = loss("dump", "loop")
		if (beside >= 10)
			verdict = sprintf("NOT DECIDED: no real processor for each, a mere loop costs the packets %.0f %%", beside)
		else if (highest < 5)
			verdict = "PASS"
		else if (lowest >= 5)
			verdict = "FAIL"
		else
			verdict = "NOT DECIDED: the machine is too busy or the rounds too few (--rounds)"
		return text
	}'

# dump_table DIR WHERE
dump_table() {
	awk -v where="$2" "$dump_awk"'
	function state(name, text) {
		printf "%-38s %24s\n", text, middle(wall[name], 1)
	}
	function row(kind, v) {
		sorted(longest[kind], v)
		printf "%-22s %5d %9d %8d %9.1f %22s %22s %9.2f\n", kind, n[kind],
			median(flows[kind]), reads[kind], bytes[kind] / 1e6,
			range(ms[kind], 0), range(cpu[kind], 0), v[1]
	}
	END {
		printf "flows %d, packets over %d of them\n\n", fact["flows"], 16256
		printf "%-38s %24s\n", "beside the packets", "thousand packets/s"
		state("idle", "nothing")
		state("loop", "a loop which touches no memory")
		state("dump", "dump after dump")
		printf "\n%-22s %5s %9s %8s %9s %22s %22s %9s\n", "dumps", "many", "flows", "reads", "MB",
			"ms by the clock", "ms of processor", "longest*"
		row("no packets"); row("under traffic"); row("one port"); row("no such port")
		if ("tool_ms" in fact)
			printf "%-22s %5d %9d %40d\n", "nft-offload list -j", 1, fact["tool_flows"], fact["tool_ms"]
		print "* ms in which the kernel did not return to the reader, in the calmest of the dumps;"
		print "  under traffic a dump is read in its windows only, and only those are counted"
		printf "\nloss of throughput, %d rounds of six windows of %d ms, median and where it lies with 95 %% certainty\n",
			rounds, fact["window_ms"]
		print "dump against loop        " loss("dump", "loop")
		print "dump against nothing     " loss("dump", "idle")
		print "loop against nothing     " loss("loop", "idle")
		print "loop against loop (noise)" nothing()
		judge()
		if (where == "qemu")
			print "less than 5 %, dump against loop: " verdict
	}' "$1/facts" "$1/windows.tsv" "$1/dumps.tsv"
}

# dump_faults DIR WHERE - one line for each breach.
dump_faults() {
	awk -v where="$2" "$dump_awk"'
	function expect(what, got, want) {
		if (got != want)
			print "dump, " where ": " what ": " got ", not " want
	}
	function each(kind, want, v, i, k) {
		k = sorted(flows[kind], v)
		if (!k)
			print "dump, " where ": no whole dump: " kind
		for (i = 1; i <= k; i++)
			expect("flows of a dump (" kind ")", v[i], want)
	}
	END {
		each("every flow", fact["flows"])
		expect("different flows", distinct["every flow"], fact["flows"])
		each("no packets", fact["flows"])
		each("under traffic", fact["flows"])
		each("every flow, after", fact["flows"])
		expect("different flows, after", distinct["every flow, after"], fact["flows"])
		each("one port", fact["of_a_port"])
		each("no such port", 0)
		expect("torn dumps", torn + 0, 0)
		if ("tool_flows" in fact)
			expect("flows of nft-offload list -j", fact["tool_flows"], fact["flows"])
		if (fact["arrived"] < fact["sent"] || !fact["sent"])
			print "dump, " where ": of " fact["sent"] " packets " fact["arrived"] " arrived"
		if (fact["slow"] * 1000 > fact["sent"])
			print "dump, " where ": the slow path saw " fact["slow"] " of " fact["sent"] " packets"
		judge()
		if (where == "qemu" && verdict != "PASS")
			print "dump: loss of throughput " text "; less than 5 %: " verdict
	}' "$1/facts" "$1/windows.tsv" "$1/dumps.tsv"
}
