# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# `run sharing`: lines of memory that processors take from each other. Sourced by run, whose
# variables it uses, after lines.sh.

# sharing_plan PROVIDER - cases of guest-sharing for a boot of this provider: with one connection and
# 16k of each processor, as far as --flows has these, and connections that are opened. The classic
# path is measured in mainline's boot, with the first number alone.
# shellcheck disable=SC2154 # set in run
sharing_plan() {
	local n counts=()

	for n in ${flows//,/ }; do
		case $n in 1|4k|16k) counts+=("$n") ;; esac
	done
	[ "$1" = ours ] || printf '%s\n' "own:stateful-masq:${counts[0]}" "apart:stateful-masq:${counts[0]}"
	printf 'own:flow-masq:%s\n' "${counts[@]}"
	printf 'apart:flow-masq:%s\n' "${counts[@]}"
	[ "$1" = ours ] || echo open:stateful-masq:4k
	echo open:flow-masq:4k
}

# shellcheck disable=SC2154 # set in run
sharing() {
	local p n plugin tools dir plan tsv=$out/sharing.tsv kernel line what path count sent slow at \
		opened

	: >"$tsv"
	tools=$("$NFO_TOP/tests/functional/prepare")
	plugin=$("$NFO_TOP/scripts/qemu-plugin" -n "$NFO_TOP/tests/bench/sharing.c")
	for n in ${cpus//,/ }; do
		for p in "${providers[@]}"; do
			say "sharing: $p, $n processors ..."
			dir=$out/sharing-$p-$n
			mkdir -p "$dir"
			mapfile -t plan < <(sharing_plan "$p")
			# As for lines. To wait is what takes such an emulator long: it need not compare
			# the processors' clocks, nor measure their timers.
			VM_APPEND="nokaslr slab_nomerge tsc=reliable nolapic_timer" \
				VM_QEMU="-cpu max -plugin $plugin,out=$dir/model" \
				boot "$dir" run-qemu -k 6.1 --icount -c "$n" -p "$p" -m 2048 -t 900 \
				-e "NFO_TOOLS=$tools" "$NFO_TOP/tests/bench/guest-sharing" "$n" \
				"${packets:-4000}" "${plan[@]}" || continue
			while IFS=$'\t' read -r what path count sent slow at opened; do
				line=$what-$path-$count
				# Of connections that are opened: for each of these, not for each packet.
				lines_sum "$p" "$what:$path" "$n" "$count" "$dir/$line" |
					awk -F '\t' -v OFS='\t' -v by="$((opened ? sent : 1))" \
						-v of="$((opened ? opened : 1))" '
					{ for (i = 6; i <= 10; i++) $i = $i * by / of; print }' >>"$tsv"
				[[ $path != flow* || $what = open ]] || [ $((slow * 100)) -le "$sent" ] ||
					failures+=("sharing: $p, $n processors, $line: the slow path saw $slow of $sent packets")
				[ "$at" -ge "$sent" ] ||
					failures+=("sharing: $p, $n processors, $line: of $sent packets $at arrived")
			done <"$dir/sharing.tsv"
			kernel=$(cat "$dir/kernel")
		done
	done
	[ -s "$tsv" ] || { failures+=("sharing: nothing was measured"); return; }
	tell ""
	tell "Lines of memory (64 bytes) from the first instruction of the ingress hook to dev_queue_xmit(); on the"
	tell "classic path from ip_rcv(). \"shared\" were stored to while another processor had them; \"moved\" is how"
	tell "often one, or the right to store to it, came from another processor. UDP + masquerade, 60 bytes."
	conditions "Debian's ${kernel:-?}, QEMU TCG -icount shift=0, ${packets:-4000} packets of each processor, replayed in turn"
	tell ""
	sharing_table "$tsv" | tee -a "$report"
	tell ""
	tell "By structure: lines touched, stored to, shared, moved; those with 0.005 moved at least"
	tell ""
	sharing_structures "$tsv" | tee -a "$report"
	while read -r line; do failures+=("$line"); done < <(sharing_faults "$tsv")
}

# What rows are called; for awk.
# shellcheck disable=SC2016 # awk's own
sharing_names='
	function who(p, path) { return path ~ /stateful/ ? "classic" : p }
	function case_name(path, flows) {
		if (path ~ /^own/) return "own connections, " flows
		if (path ~ /^apart/) return "replies elsewhere, " flows
		return "a connection opened"
	}'

sharing_table() {
	awk -F '\t' "$sharing_names"'
	{ key = $3 FS $2 FS $4 FS $1 }
	!(key in seen) { seen[key] = ++rows; keys[rows] = key }
	$5 == "instructions" { insns[key] = $6; next }
	{ lines[key] += $6; stored[key] += $7; shared[key] += $8; moved[key] += $9 }
	END {
		printf "%-52s %12s %8s %8s %8s %8s\n", "processors, case, flows of each", "instructions", "lines",
			"stored", "shared", "moved"
		for (i = 1; i <= rows; i++) {
			split(keys[i], k, FS)
			printf "%s\t%-52s %12.1f %8.2f %8.2f %8.3f %8.3f\n", k[1] case_name(k[2], k[3]),
				k[1] ", " case_name(k[2], k[3]) ": " who(k[4], k[2]), insns[keys[i]],
				lines[keys[i]], stored[keys[i]], shared[keys[i]], moved[keys[i]]
		}
	}' "$1" | awk -F '\t' 'NF == 1 { print; next } { print | "sort -s -t \"\t\" -k1,1 | cut -f2" }'
}

sharing_structures() {
	awk -F '\t' "$sharing_names"'
	$5 != "instructions" && $9 >= 0.005 {
		printf "%s processors, %s: %s\t%s\t%.2f\t%.2f\t%.3f\t%.3f\n", $3, case_name($2, $4),
			who($1, $2), $5, $6, $7, $8, $9
	}' "$1" | sort -t $'\t' -k1,1 -k6,6nr | awk -F '\t' '
	$1 != last { last = $1; print $1 }
	{ printf "    %-34s %8.2f %8.2f %8.3f %8.3f\n", $2, $3, $4, $5, $6 }'
}

# What the figures must hold to: connections that stay on their processor share nothing that is
# written, which is to say less than one line in a hundred packets.
sharing_faults() {
	awk -F '\t' '
	$1 == "ours" && $2 ~ /^own:flow/ && $5 != "instructions" { shared[$3 " processors, " $4 " flows"] += $8 }
	END {
		for (i in shared)
			if (shared[i] > 0.01)
				printf "sharing: %s: %.3f lines that are stored to are shared, for each packet\n",
					i, shared[i]
	}' "$1"
}
