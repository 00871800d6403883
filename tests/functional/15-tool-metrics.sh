#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# tags: core
# nft-offload metrics: the figures are those of status, they do not grow with the flows,
# and 100,000 flows cost no time (2,000 where the kernel checks its locks). tests/metrics-format
# judges the text.
# shellcheck source=../lib.sh disable=SC2119
. "$(dirname "$0")/../lib.sh"
need awk
# shellcheck source=../lib-tool.sh
. "$(dirname "$0")/../lib-tool.sh"
topo_tool

# series NAME-AND-LABELS - its value, in VALUE.
series() {
	VALUE=$(awk -v s="nf_flow_offload_$1" '{ v = $NF; sub(/ [^ ]*$/, "") } $0 == s { print v }' "$OUT")
	[ -n "$VALUE" ] || fail "no series $1 in: $(cat "$OUT")"
}

figures() {
	local labels='family="inet",table="t",flowtable="f"'

	ours
	rules_std "counter;"
	flow_up c tcp
	tool_ok metrics
	series loaded
	equal "$VALUE" 1 loaded
	series 'provider{provider="ours"}'
	equal "$VALUE" 1 "who serves"
	series "flows{$labels,state=\"software\"}"
	equal "$VALUE" 1 "flows in software"
	series "flows{$labels,state=\"hardware\"}"
	equal "$VALUE" 0 "flows in hardware"
	series "device_hardware{device=\"rc\",$labels}"
	equal "$VALUE" 0 "hardware of rc"
	series "device_info{device=\"rs\",$labels,method=\"none\",reason=\"hw-off\"}"
	series promotions_total
	[ "$VALUE" -ge 1 ] || fail "promotions: $VALUE"
	tool_ok set max_flows 1000
	tool_ok metrics
	series flows_limit
	equal "$VALUE" 1000 limit
	tool_ok set max_flows 0
	tool_ok metrics
	series flows_limit
	equal "$VALUE" "$(</proc/sys/net/netfilter/nf_conntrack_max)" "limit while max_flows is 0"
	series 'slow_path_total{reason="tcp-flags"}'
	[ "$VALUE" -ge 1 ] || fail "no packet that opened a connection: $VALUE"
	"$NFO_TOP/tests/metrics-format" "$NFO_TOOLS/nft-offload" "$OUT" || fail "the format"
}
run_case "metrics tell what status tells" figures

# A file that is replaced: no reader finds a part of it, nothing is left beside it.
file() {
	local dir=$LIB_TMP/textfile

	ours
	rules_std
	mkdir "$dir"
	echo old >"$dir/nft_offload.prom"
	tool_ok metrics -o "$dir/nft_offload.prom"
	[ ! -s "$OUT" ] || fail "words on stdout: $(cat "$OUT")"
	equal "$(ls "$dir")" nft_offload.prom "files"
	equal "$(stat -c %a "$dir/nft_offload.prom")" 644 "mode"
	grep -q '^nf_flow_offload_loaded 1$' "$dir/nft_offload.prom" || fail "$(cat "$dir/nft_offload.prom")"
	says 1 "cannot write" metrics -o "$dir/none/nft_offload.prom"
	equal "$(ls "$dir")" nft_offload.prom "files after a failure"
}
run_case "metrics -o replaces its file in one step" file

# families_only FAMILIES COMMAND... - run a command that may have these kinds of sockets alone, as
# systemd has it with RestrictAddressFamilies. Status 77 when this kernel cannot.
families_only() {
	in_r python3 - "$@" <<-'END'
		import ctypes, errno, os, socket, struct, sys

		LOAD, EQUAL, RETURN, SOCKET, FAMILY = 0x20, 0x15, 0x06, 41, 16
		kinds = [getattr(socket, kind) for kind in sys.argv[1].split()]
		end = 4 + len(kinds)
		code = [(LOAD, 0, 0, 0), (EQUAL, 0, end - 2, SOCKET), (LOAD, 0, 0, FAMILY)]
		code += [(EQUAL, end - 4 - i, 0, kind) for i, kind in enumerate(kinds)]
		code += [(RETURN, 0, 0, 0x50000 | errno.EAFNOSUPPORT), (RETURN, 0, 0, 0x7fff0000)]
		filters = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *op) for op in code))
		program = struct.pack("HxxxxxxP", len(code), ctypes.addressof(filters))
		libc = ctypes.CDLL(None)
		if libc.prctl(38, 1, 0, 0, 0) or libc.prctl(22, 2, program, 0, 0):
		    sys.exit(77)
		os.execv(sys.argv[2], sys.argv[2:])
	END
}

# The unit of systemd lets the tool have few kinds of sockets; devices have their names all the same.
in_the_unit() {
	local families

	ours
	command -v python3 >/dev/null || skip "no python3"
	[ "$(uname -m)" = x86_64 ] || skip "the filter is for x86-64"
	families=$(sed -n 's/^RestrictAddressFamilies=//p' "$NFO_TOP/packaging/metrics/nft-offload-metrics.service")
	[ -n "$families" ] || fail "the unit names no families"
	rules_std
	RC=0
	families_only "$families" "$NFO_TOOLS/nft-offload" metrics >"$OUT" 2>"$ERR" || RC=$?
	[ "$RC" != 77 ] || skip "no filters of system calls"
	equal "$RC" 0 "status with $families alone ($(cat "$ERR"))"
	series 'device_hardware{device="rc",family="inet",table="t",flowtable="f"}'
}
run_case "the families of sockets that the unit allows are enough" in_the_unit

# --- many flows ---

# A packet that makes a flow takes 20 us, and with KASAN and lockdep 1.4 ms: 100,000 flows take five
# minutes there, and a machine that prints nothing for so long is killed.
MANY=100000 PORTS=401
[ ! -e /proc/lockdep ] || MANY=2000 PORTS=9

# UDP without a reply: the second packet of each connection makes a flow. pktgen counts 250
# addresses and PORTS ports up side by side, which makes 250 * PORTS pairs before the first comes
# again; a tenth more packets than two for each flow are sent.
generate() {
	local mac

	mac=$(mac_of "$NS_R" rc)
	in_c bash -euc '
		cd /proc/net/pktgen
		echo rem_device_all >kpktgend_0
		echo add_device c0 >kpktgend_0
		for setting in "count $1" "pkt_size 64" "delay 0" "dst_mac $2" "dst $3" \
			"src_min 192.0.2.3" "src_max 192.0.2.252" "udp_src_min 4000" "udp_src_max $4" \
			"udp_dst_min 9" "udp_dst_max 9"; do
			echo "$setting" >c0
		done
		echo start >pgctrl
		echo rem_device_all >kpktgend_0' pktgen "$1" "$mac" "$S4" $((4000 + PORTS))
}

flows_now() {
	tool_ok metrics
	series 'flows{family="inet",table="t",flowtable="f",state="oneway"}'
	[ "$VALUE" -ge "$MANY" ]
}

many() {
	local n start best=999999 limit=/proc/sys/net/netfilter/nf_conntrack_max before

	ours
	modprobe -q pktgen || skip "no pktgen in this kernel"
	# it is one number for all namespaces
	before=$(<$limit)
	at_end "echo $before >$limit"
	echo 262144 >$limit
	sysctl_r net/netfilter/nf_conntrack_udp_timeout 600
	rules_std
	tool_ok metrics
	n=$(wc -l <"$OUT")
	generate $((250 * PORTS * 21 / 10))
	wait_for 60 flows_now || fail "$VALUE flows of $MANY"
	equal "$(wc -l <"$OUT")" "$n" "lines with and without flows"
	for _ in 1 2 3 4 5; do
		now
		start=$NOW
		tool_ok metrics
		now
		[ $((NOW - start)) -ge $best ] || best=$((NOW - start))
	done
	awk '/^nfo_flow4 |^nf_conntrack / { print $1, "objects", $3, "bytes each", $4 }' /proc/slabinfo || true
	echo "metrics with $VALUE flows: $best us, the best of five, with the start of the process"
	slow_now
	[ $best -lt $((100000 * SLOW_NOW)) ] || fail "$best microseconds"
}
run_case "as many lines with $MANY flows, in less than 100 ms" many

all_done
