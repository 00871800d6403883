# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# `run lines`: lines of memory that a packet touches, in a model of caches. Sourced by run,
# whose variables it uses.

# Packets that fill the model's caches before the count begins.
lines_skip=30000

# lines_plan PROVIDER - what is measured in a boot of this provider: IPv4 with all numbers of flows,
# the other shapes with 16k, or the last number. The classic path is measured in mainline's boot,
# the floors in the first one.
# shellcheck disable=SC2154 # set in run
lines_plan() {
	local counts all f n

	read -ra all <<<"${flows//,/ }"
	for n in "${all[@]}"; do [ "$n" = 1M ] || counts+=("$n"); done
	for f in ${family//,/ }; do
		n=${counts[-1]}
		[[ " ${counts[*]} " != *" 16k "* ]] || n=16k
		if [ "$f" != ip ]; then
			echo "flow-masq:$f:$n"
			[ "$1" = ours ] || echo "stateful-masq:$f:$n"
			continue
		fi
		[ "$1" != "${providers[0]}" ] || printf '%s\n' bare:ip:1 redirect:ip:1
		printf 'flow-masq:ip:%s\n' "${counts[@]}"
		[ "$1" = ours ] || printf 'stateful-masq:ip:%s\n' "${counts[@]}"
	done
}

# The module nfo_bare.ko for the kernel that is measured.
bare_module() {
	local kdir dir

	kdir=$("$NFO_TOP/scripts/kernel-headers" 6.1)
	dir=$NFO_CACHE/module/bare-$(cat "$NFO_TOP"/tests/bench/bare/* | cat - <(echo "$kdir") | sha256sum | cut -c1-12)
	if [ ! -e "$dir/nfo_bare.ko" ]; then
		mkdir -p "$dir"
		cp "$NFO_TOP"/tests/bench/bare/* "$dir/"
		make -s -C "$kdir" M="$dir" CONFIG_DEBUG_INFO_BTF_MODULES= modules >&2
	fi
	echo "$dir/nfo_bare.ko"
}

# shellcheck disable=SC2154 # set in run
lines() {
	local p plugin tools dir plan tsv=$out/lines.tsv kernel line name path fam count sent slow at \
		counted bare modelled l1 l2 l3

	IFS=, read -r l1 l2 l3 <<<"$caches"
	modelled="l1=$l1,l2=$l2,l3=$l3"
	: >"$tsv"
	bare=$(bare_module)
	tools=$("$NFO_TOP/tests/functional/prepare")
	plugin=$("$NFO_TOP/scripts/qemu-plugin" "$NFO_TOP/tests/bench/plugin.c")
	for p in "${providers[@]}"; do
		say "lines: $p ..."
		dir=$out/lines-$p
		mkdir -p "$dir"
		mapfile -t plan < <(lines_plan "$p")
		# Without nokaslr and slab_nomerge, addresses say nothing; max has a random generator.
		VM_APPEND="nokaslr slab_nomerge" VM_QEMU="-cpu max -plugin $plugin,out=$dir/model,$modelled" \
			boot "$dir" run-qemu -k 6.1 --icount -p "$p" -m 2048 -t 900 -e "NFO_TOOLS=$tools" -e "NFO_BARE=$bare" \
			"$NFO_TOP/tests/bench/guest-lines" "$lines_skip" "${packets:-0}" "${plan[@]}" || continue
		while IFS=$'\t' read -r path fam count sent slow at; do
			name=$path-$fam-$count
			lines_sum "$p" "$path" "$fam" "$count" "$dir/$name" >>"$tsv"
			[[ $path != flow* ]] || [ $((slow * 100)) -le "$sent" ] ||
				failures+=("lines: $p, $name: the slow path saw $slow of $sent packets")
			[ "$at" -ge "$sent" ] || failures+=("lines: $p, $name: of $sent packets $at arrived")
		done <"$dir/lines.tsv"
		kernel=$(cat "$dir/kernel")
	done
	[ -s "$tsv" ] || { failures+=("lines: nothing was measured"); return; }
	counted="one second of guest time"
	[ -z "$packets" ] || counted="$packets packets"
	tell ""
	tell "Lines of memory (64 bytes) that a packet touches from the first instruction of the ingress hook to"
	tell "dev_queue_xmit(); on the classic path from ip_rcv(), or where the bridge begins. UDP + masquerade, 60 bytes, ports at random."
	tell "Modelled caches: ${caches//,/, } KiB; a miss is one of the last. Prefetching is not modelled."
	conditions "Debian's ${kernel:-?}, QEMU TCG -icount shift=0, $counted each"
	tell ""
	lines_table "$tsv" | tee -a "$report"
	tell ""
	tell "By structure, of each packet: lines touched, lines stored to, misses of the last cache"
	tell ""
	lines_structures "$tsv" | tee -a "$report"
	if command -v gnuplot >/dev/null; then
		"$NFO_TOP/tests/bench/plot" lines "$tsv" "$out"
	fi
	while read -r line; do failures+=("$line"); done < <(lines_faults "$tsv")
}

# lines_sum PROVIDER PATH FAMILY FLOWS FILES - rows for lines.tsv:
#   provider path family flows structure lines stored l1 l2 l3, each for a packet;
# the structure "instructions" has only the first of them.
lines_sum() {
	awk -v OFS='\t' -v row="$1	$2	$3	$4" -v provider="$1" '
	function hex(s, n, i) {
		n = 0
		s = tolower(s)
		sub(/^0x/, "", s)
		for (i = 1; i <= length(s); i++)
			n = n * 16 + index("0123456789abcdef", substr(s, i, 1)) - 1
		return n
	}
	# What memory with this virtual address is, where that is enough to know. Addresses are
	# compared as text: numbers of awk have 53 bits.
	function by_virtual(virt, i) {
		if (virt >= "ffffffff80000000")
			return virt >= "ffffffffa0000000" ? "module" : "kernel image"
		if (virt >= "ffffc90000000000" && virt < "ffffe90000000000") {
			for (i = 1; i <= areas; i++)
				if (virt >= area_from[i] && virt < area_to[i])
					return area_name[i]
			return "vmalloc"
		}
		if (virt < "8000000000000000")
			return "user"
		return ""
	}
	function by_vmalloc(name) {
		if (name ~ /bucket_table/) return "bucket"
		if (name ~ /stack|dup_task|copy_process|kernel_clone/) return "stack"
		if (name ~ /pcpu/) return "per CPU"
		if (name ~ /nf_ct/ || name ~ /hashtable/) return "conntrack hash"
		if (name ~ /load_module/ || name ~ /layout_and_allocate/) return "module"
		return "vmalloc"
	}
	# What slab caches are called in 6.1, and which general ones have what.
	function by_slab(name, size, offset, line) {
		line = int(offset / 64)
		if (name ~ /^nfo_flow/)
			return line < lines_of_entries ? "entry" : "flow"
		if (name == "nf_conntrack" || name ~ /^nf_conntrack_[0-9]/) return "conntrack"
		if (name ~ /^skbuff/) return "skb"
		if (name ~ /dst_cache/ || name ~ /^rtable/) return "route"
		if (name == "net_namespace") return "namespace"
		if (name == "kmalloc-cg-4k") return "device"
		return name
	}
	FILENAME ~ /\.vmalloc$/ {
		split($1, ends, "-")
		area_from[++areas] = substr(ends[1], 3)
		area_to[areas] = substr(ends[2], 3)
		area_name[areas] = by_vmalloc($2)
		next
	}
	FILENAME ~ /\.slabs$/ {
		first = hex($1)
		n = hex($2)
		for (i = 0; i < n; i++)
			run[first + i] = FNR
		run_first[FNR] = first
		run_pages[FNR] = n
		run_size[FNR] = hex($3)
		run_name[FNR] = $4
		next
	}
	FNR == 1 {
		packets = $2
		print row, "instructions", packets ? $4 / packets : 0, 0, 0, 0, 0
		next
	}
	{
		what = by_virtual($1)
		if (what == "") {
			at = hex($2)
			page = int(at / 4096)
			if (!(page in run)) {
				what = "single pages, per CPU"
			} else {
				r = run[page]
				offset = at - run_first[r] * 4096
				if (run_size[r])
					what = by_slab(run_name[r], run_size[r], offset % run_size[r])
				else
					what = run_pages[r] >= 2 ? "bucket" : "pages"
			}
		}
		touched[what] += $3
		stored[what] += $4
		l1[what] += $5
		l2[what] += $6
		l3[what] += $7
	}
	END {
		for (what in touched)
			print row, what, touched[what] / packets, stored[what] / packets,
				l1[what] / packets, l2[what] / packets, l3[what] / packets
	}' lines_of_entries=4 "$5.vmalloc" "$5.slabs" "$5.lines"
}

lines_table() {
	awk -F '\t' '
	{ key = $1 SUBSEP $2 SUBSEP $3 SUBSEP $4; seen[key] = 1 }
	$5 == "instructions" { insns[key] = $6; next }
	{ lines[key] += $6; stored[key] += $7; l1[key] += $8; l2[key] += $9; l3[key] += $10 }
	function row(text, p, path, f, flows, key) {
		key = p SUBSEP path SUBSEP f SUBSEP flows
		if (key in seen)
			printf "%-34s %12.1f %8.2f %8.2f %9.2f %9.2f %9.2f\n", text " " flows, insns[key],
				lines[key], stored[key], l1[key], l2[key], l3[key]
	}
	END {
		n = split("1 16k 262k", counts, " ")
		printf "%-34s %12s %8s %8s %9s %9s %9s\n", "path, flows", "instructions", "lines",
			"stored", "L1 misses", "L2 misses", "L3 misses"
		shapes = split("ip ip6 bridge pppoe", shape, " ")
		split("IPv4,IPv6,bridge,PPPoE", text, ",")
		for (i = 1; i <= shapes; i++) {
			f = shape[i]
			name = text[i] " "
			for (p = 1; p <= 2; p++) {
				row(name "bare hook,", p == 1 ? "mainline" : "ours", "bare", f, 1)
				row(name "redirect,", p == 1 ? "mainline" : "ours", "redirect", f, 1)
			}
			for (j = 1; j <= n; j++)
				row(name "classic,", "mainline", "stateful-masq", f, counts[j])
			for (j = 1; j <= n; j++)
				row(name "mainline,", "mainline", "flow-masq", f, counts[j])
			for (j = 1; j <= n; j++)
				row(name "ours,", "ours", "flow-masq", f, counts[j])
		}
	}' "$1"
}

# Structures that are touched by one packet in ten at least; the largest count of flows.
lines_structures() {
	awk -F '\t' '
	$5 != "instructions" && $6 >= 0.1 && ($2 == "flow-masq" || $2 == "stateful-masq") {
		name = ($2 ~ /^flow/ ? $1 : "classic")
		printf "%s\t%s\t%s\t%s\t%.2f\t%.2f\t%.2f\n", $3, $4, name, $5, $6, $7, $10
	}' "$1" | sort -t $'\t' -k1,1 -k2,2 -k3,3 -k7,7nr -k5,5nr | awk -F '\t' '
	BEGIN { text["ip"] = "IPv4"; text["ip6"] = "IPv6"; text["bridge"] = "bridge"; text["pppoe"] = "PPPoE" }
	$1 FS $2 FS $3 != last {
		last = $1 FS $2 FS $3
		printf "%s, %s, %s flows\n", text[$1], $3, $2
	}
	{ printf "    %-34s %8.2f %8.2f %8.2f\n", $4, $5, $6, $7 }'
}

# What the figures must hold to.
lines_faults() {
	awk -F '\t' '
	$5 != "instructions" && $2 == "flow-masq" && $3 == "ip" { l3[$1, $4] += $10; n[$1, $4] = 1 }
	END {
		split("1 16k 262k", counts, " ")
		for (i in counts)
			if (n["ours", counts[i]] && n["mainline", counts[i]] &&
			    l3["ours", counts[i]] > l3["mainline", counts[i]] + 0.1)
				printf "lines: IPv4, %s flows: ours misses %.2f lines a packet, mainline %.2f\n",
					counts[i], l3["ours", counts[i]], l3["mainline", counts[i]]
	}' "$1"
}
