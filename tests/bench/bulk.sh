# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# `run bulk`: what TCP in bulk costs. Sourced by run, whose variables it uses.

# shellcheck disable=SC2154 # set in run
bulk() {
	local p tools tsv=$out/bulk.tsv kernel line mib=${mib:-16}

	: >"$tsv"
	tools=$("$NFO_TOP/tests/functional/prepare")
	for p in "${providers[@]}"; do
		say "bulk: $p ..."
		boot "$out/bulk-$p" run-qemu -k 6.1 --icount -p "$p" -t 600 -e "NFO_TOOLS=$tools" \
			"$NFO_TOP/tests/bench/guest-bulk" "$mib" || continue
		awk -v p="$p" '{ print p "\t" $0 }' "$out/bulk-$p/bulk.tsv" >>"$tsv"
		kernel=$(cat "$out/bulk-$p/kernel")
	done
	[ -s "$tsv" ] || { failures+=("bulk: nothing was measured"); return; }
	tell ""
	tell "Thousand instructions for each MiB of one TCP connection, masquerade, both ends and the router"
	tell "together; ends that do not look at the bytes. Packets pass whole (GSO, up to 64 KiB), as on a wire, or"
	tell "as on a wire and put together where the router receives them (GRO)."
	conditions "Debian's ${kernel:-?}, QEMU TCG -icount shift=0, $mib MiB, median of 5"
	tell ""
	bulk_table "$tsv" | tee -a "$report"
	while read -r line; do failures+=("$line"); done < <(bulk_faults "$tsv")
}

bulk_table() {
	awk -F '\t' '
	{ cost[$2 ~ /^flow/ ? $1 : "classic", $3, $4] = $5 / 1000 }
	function cell(who, f, how) {
		return (who, f, how) in cost ? sprintf("%.1f", cost[who, f, how]) : "-"
	}
	END {
		printf "%-24s %12s %12s %12s\n", "packets", "classic path", "mainline", "ours"
		split("ip ip6", families, " ")
		n = split("whole mtu gro", hows, " ")
		for (i = 1; i <= 2; i++)
			for (j = 1; j <= n; j++)
				printf "%-24s %12s %12s %12s\n",
					(i == 1 ? "IPv4, " : "IPv6, ") (hows[j] == "mtu" ? "as on a wire" : hows[j] == "gro" ? "GRO" : "whole"),
					cell("classic", families[i], hows[j]), cell("mainline", families[i], hows[j]),
					cell("ours", families[i], hows[j])
		}' "$1"
}

# Never above the classic path; the flow carried the segments.
bulk_faults() {
	awk -F '\t' '
	{ cost[$2 ~ /^flow/ ? $1 : "classic", $3 ", " $4] = $5 }
	$2 ~ /^flow/ && $7 * 20 > $6 { print "bulk: " $1 ", " $3 ", " $4 ": the slow path saw " $7 " of " $6 " segments" }
	END {
		for (key in cost) {
			split(key, k, SUBSEP)
			if (k[1] == "ours" && ("classic", k[2]) in cost && cost[key] > cost["classic", k[2]])
				printf "bulk: %s: ours takes %d instructions a MiB, the classic path %d\n",
					k[2], cost[key], cost["classic", k[2]]
		}
	}' "$1"
}
