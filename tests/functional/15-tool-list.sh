#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# tags: core
# nft-offload list and top: the flows that are shown are those that are there, with
# the packets and bytes that were sent.
# shellcheck source=../lib.sh disable=SC2119
. "$(dirname "$0")/../lib.sh"
# shellcheck source=../lib-tool.sh
. "$(dirname "$0")/../lib-tool.sh"
topo_tool

counters() {
	local header=28 before

	ours
	[[ $1 != *6 ]] || header=48
	rules_std
	flow_up c "$1"
	sums "$PORT"
	read -r -a before <<<"$SUMS"
	fast c ping 37 500
	sums "$PORT"
	equal "$SUMS" "$((before[0] + 37)) $((before[1] + 37 * (500 + header))) $((before[2] + 37)) $((before[3] + 37 * (500 + header)))" \
		"packets and bytes"
	tool_ok list -j -P "$PORT"
	equal "$(value '.flows[0] | "\(.l4proto) \(.state) \(.reason) \(.original.sport) \(.original.dport) \(.original.iif) \(.original.oif) \(.reply.sport) \(.reply.iif) \(.reply.oif)"')" \
		"udp software none $PORT 5000 rc rs 5000 rs rc"
	equal "$(value '.flows[0].age_ms > 0 and .flows[0].expires_ms > 0')" true times
	equal "$(value .complete)" true complete
}
run_case "udp: counters of both ways are what was sent" counters udp
run_case "udp6: counters of both ways are what was sent" counters udp6

# TCP's segments are its own affair: as many bytes as the payload and the headers.
counters_tcp() {
	local before after

	ours
	rules_std
	flow_up c tcp
	sums "$PORT"
	read -r -a before <<<"$SUMS"
	fast c ping 20 1000
	sums "$PORT"
	read -r -a after <<<"$SUMS"
	[ $((after[1] - before[1])) -ge 20800 ] && [ $((after[3] - before[3])) -ge 20800 ] ||
		fail "bytes: $SUMS, before ${before[*]}"
}
run_case "tcp: counters hold the payload" counters_tcp

filters() {
	ours
	rules_std
	flow_up a tcp
	flow_up b udp
	flow_up c tcp6
	flow_up d udp6
	flows 4 -d rc -s software -t t -f f
	flows 2 -p tcp
	flows 0 -p 132
	flows 2 --ipv6
	flows 2 -a "$C4"
	flows 2 -a 192.0.2.0/24 -4
	flows 2 -a 0.0.0.0/0
	flows 1 -a "$S6/64" --proto udp
	flows 0 -a 203.0.113.1
	flows 1 -P "$PORT"
	flows 4 --port 5000 --dev rs
	flows 0 -d lo
	flows 0 --state hardware
	flows 0 -t nosuch
	flows 0 --flowtable nosuch
	flows 3 -n 3
}
run_case "list filters by protocol, address, port, device, state and table" filters

sorted() {
	local busy

	ours
	rules_std
	flow_up a udp
	flow_up b udp
	busy=$PORT
	flow_up c udp
	fast b ping 30 1000
	tool_ok list -j --sort bytes --limit 1
	equal "$(value '.flows | map(.original.sport) | join(",")')" "$busy" "most bytes"
	tool_ok list -j -S packets
	equal "$(value '.flows[0].original.sport')" "$busy" "most packets"
	tool_ok list -j -S age
	equal "$(value '[.flows[].age_ms] | . == (sort | reverse) and length == 3')" true "by age"
	# for as long as it takes here
	tell b run 300000 1000
	tool_ok list -j -S rate -n 2
	equal "$(value '.flows[0].original.sport')" "$busy" "by rate"
	equal "$(value '.flows[0].bytes_per_second > .flows[1].bytes_per_second')" true "rate"
	tool_ok top -j -D 500
	equal "$(value '.flows[0].original.sport')" "$busy" "top"
	equal "$(value .total.flows)" 3 "top's flows"
	equal "$(value .complete)" true "top is complete"
}
run_case "list sorts by bytes, packets, age and rate, top by rate" sorted

# more_than N - another second of new connections; are there so many flows now?
more_than() {
	in_c "$NFO_TOOLS/nfo_peer" many udp "$C4" "$S4" 5000 1000 >/dev/null || fail "no traffic"
	tool_ok status -j
	HAVE=$(value .counters.flows)
	[ "$HAVE" -gt "$1" ]
}

# 200 flows take several messages: none is left out, none is there twice.
pages() {
	ours
	rules_std
	HAVE=0
	wait_for 60 more_than 200 || fail "only $HAVE flows"
	tool_ok list -j
	equal "$(value '"\(.flows | length) \([.flows[].original.sport] | unique | length)"')" "$HAVE $HAVE" \
		"flows, different flows"
# a reader that leaves is no accident
	in_r "$NFO_TOOLS/nft-offload" list -j | head -n 2 >/dev/null || true
	flows "$HAVE"
	tool_ok flush
	shows "$HAVE flows"
	flows 0
}
run_case "a list of many messages is whole" pages

all_done
