# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# `run dump`: dumps beside traffic. Sourced by run, whose variables it uses.

# shellcheck disable=SC2154 # set in run
dump() {
	local drain=$NFO_CACHE/bench/drain tools count=${flows##*,} where dir load line args

	need gcc
	mkdir -p "$NFO_CACHE/bench"
	gcc -O2 -Wall -I"$NFO_TOP/include/uapi" -o "$drain.new" "$NFO_TOP/tests/bench/drain.c" -lmnl
	mv "$drain.new" "$drain"
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
		boot "$dir" "${args[@]}" -p ours "$NFO_TOP/tests/bench/guest-dump" "$drain" "$line" \
			"$count" "${rounds:-20}" || continue
		tell ""
		case $where in
		qemu)
			tell "Dumps while packets pass, each on a processor of its own. Emulated: what locks, interrupts"
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
	# of the middle half
	function mean(list, v, n, i, k, sum) {
		n = sorted(list, v)
		for (i = int(n / 4) + 1; i <= n - int(n / 4); i++) {
			sum += v[i]
			k++
		}
		return k ? sum / k : 0
	}
	# the mean, and where the middle half lies
	function middle(list, digits, v, n, f) {
		n = sorted(list, v)
		f = "%." digits "f"
		return sprintf(f " (" f "-" f ")", mean(list), v[int(n / 4) + 1], v[n - int(n / 4)])
	}
	function range(list, digits, v, n, f) {
		n = sorted(list, v)
		f = "%." digits "f"
		return sprintf(f " (" f "-" f ")", median(list), v[1], v[n])
	}
	FILENAME ~ /facts$/ { split($0, w, " "); fact[w[1]] = w[2]; next }
	FILENAME ~ /dump.tsv$/ {
		wall[$1] = wall[$1] " " $3 / $4 * 1e3
		of[$1, $2] = $4 / $3
		rounds = $2 > rounds ? $2 : rounds
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
	# Each turn beside its own neighbour: the machine may change its pace. Logs of
	# the ratios, so that a turn twice as fast and one half as fast are even;
	# twice the standard error is what a busy machine leaves of the figure.
	function losses(r, k, x, sum, squares, error) {
		for (r = 1; r <= rounds; r++) {
			if (!of["dump", r] || !of["beside", r])
				continue
			k++
			x = log(of["beside", r] / of["dump", r])
			sum += x
			squares += x ^ 2
		}
		turns = k
		error = k > 1 ? 2 * sqrt((squares - sum ^ 2 / k) / (k - 1) / k) : 10
		loss = k ? (1 - exp(sum / k)) * 100 : 100
		lowest = (1 - exp(sum / (k ? k : 1) + error)) * 100
		highest = (1 - exp(sum / (k ? k : 1) - error)) * 100
		text = sprintf("%.1f %%, between %.1f and %.1f (%d turns, twice the standard error)",
			loss, lowest, highest, turns)
		if (highest < 5)
			verdict = "yes"
		else if (lowest >= 5)
			verdict = "NO"
		else
			verdict = "NOT DECIDED, the machine is too busy or the turns too few (--rounds)"
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
		printf "%-38s %24s\n", "what runs beside the packets", "thousand packets/s"
		state("alone", "nothing")
		state("beside", "a loop which touches no memory")
		state("dump", "dump after dump")
		printf "\n%-22s %5s %9s %8s %9s %22s %22s %9s\n", "dumps", "many", "flows", "reads", "MB",
			"ms by the clock", "ms of processor", "longest*"
		row("no packets"); row("under traffic"); row("one port"); row("no such port")
		if ("tool_ms" in fact)
			printf "%-22s %5d %9d %40d\n", "nft-offload list -j", 1, fact["tool_flows"], fact["tool_ms"]
		print "* ms in which the kernel did not return to the reader, in the calmest of the dumps"
		losses()
		print "\nloss of throughput, dump against loop: " text
		if (where == "qemu")
			print "less than 5 %: " verdict
	}' "$1/facts" "$1/dump.tsv" "$1/dumps.tsv"
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
		losses()
		if (where == "qemu" && verdict != "yes")
			print "dump: loss of throughput " text "; less than 5 %: " verdict
	}' "$1/facts" "$1/dump.tsv" "$1/dumps.tsv"
}
