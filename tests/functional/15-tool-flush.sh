#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# tags: core
# nft-offload flush: it ends the flows that it was told to end, and no others.
# shellcheck source=../lib.sh disable=SC2119
. "$(dirname "$0")/../lib.sh"
# shellcheck source=../lib-tool.sh
. "$(dirname "$0")/../lib-tool.sh"
topo_tool

flush_one() {
	local user

	ours
	rules_std
	flow_up a udp
	flow_up b udp
	tool_ok status -j
	user=$(value .reasons.user)
	tool_ok flush udp "$C4:$PORT" "$S4:5000"
	no_offload_flag udp "$PORT" || fail "still flagged: $CT"
	flows 0 -P "$PORT"
	tool_ok status -j
	equal "$(value .counters.flows)" 1 flows
	equal "$(value .reasons.user)" $((user + 1)) "reason user"
	says 1 "no such flow" flush udp "$C4:$PORT" "$S4:5000"
	# the connection lives, and comes back
	slow 1 b ping 5
	promote b udp "$PORT"
	fast b ping 5
}
run_case "flush one flow, and it comes back" flush_one

# UDP: TCP would come back by an acknowledgement of its own.
flush_some() {
	ours
	rules_std
	flow_up a udp
	flow_up b udp
	flow_up c udp6
	flow_up d udp6
	tool_ok flush -j -6 -P "$PORT"
	equal "$(value .flushed)" 1 flushed
	flows 3
	tool_ok flush -a 203.0.113.0/24
	shows "0 flows"
	tool_ok flush -d rc -4
	shows "2 flows"
	flows 1
	tool_ok flush
	shows "1 flow "
	flows 0
	must a ping 5
	must d ping 5
}
run_case "flush by filter and flush all" flush_some

# One tuple in two zones: two connections. Without answers, so that nothing has to
# keep them apart on the way back.
zones() {
	local ns port

	ours
	ns_add d
	ns=$NS
	no_dad "$ns"
	ip link add d0 netns "$ns" type veth peer name rd netns "$NS_R"
	ip -n "$NS_R" link set rd up
	ip -n "$ns" -batch - <<-END
		addr add $C4/24 dev d0
		link set d0 up
		route add default via $RC4
	END
	sysctl_r net/ipv4/conf/all/rp_filter 0
	sysctl_r net/ipv4/conf/rd/rp_filter 0
	links_ready "$ns" d0 "$NS_R" rd
	rules_load <<-END
		table inet t {
			flowtable f { hook ingress priority 0; devices = { rc, rd, rs }; }
			chain pre {
				type filter hook prerouting priority -300; policy accept;
				iifname rd ct zone set 7
			}
			chain forward {
				type filter hook forward priority 0; policy accept;
				udp dport 6000 flow add @f
			}
		}
	END
	peer_start mute "$NS_S" server udp :: 6000 || fail "$ANSWER"
	must mute set echo 0
	client c udp 6000
	port=$PORT
	peer_start d "$ns" client udp $C4 "$port" $S4 6000 || fail "$ANSWER"
	wait_for 10 both_zones "$port" || fail "not both: $(value '[.flows[] | "\(.zone) \(.state)"] | join(", ")')"
	flows 1 -P "$port" --zone 7
	equal "$(value '.flows[0] | "\(.zone) \(.original.iif)"')" "7 rd" "the flow of zone 7"
	flows 1 -z 0
	flows 0 -z 8
	tool_ok status -j
	equal "$(value '.states | tojson')" '{"oneway":2}' "flows by state"
	tool_ok explain -j --zone 7 udp "$C4:$port" "$S4:6000"
	equal "$(value '"\(.path) \(.flow.zone) \(.flow.original.iif)"')" "oneway 7 rd" "explain"
	tool_ok explain -j udp "$C4:$port" "$S4:6000"
	equal "$(value '"\(.path) \(.flow.zone) \(.flow.original.iif)"')" "oneway 0 rc" "explain"
	says 1 "name a zone" flush udp "$C4:$port" "$S4:6000"
	says 1 "no such flow" flush -z 8 udp "$C4:$port" "$S4:6000"
	tool_ok flush -z 7 udp "$C4:$port" "$S4:6000"
	shows "1 flow "
	flows 1 -P "$port"
	equal "$(value '.flows[0].zone')" 0 "the flow that is left"
	tool_ok flush udp "$C4:$port" "$S4:6000"
	shows "1 flow "
	says 2 "no zone" list -z 65536
	tool_ok status -j
	equal "$(value '.states | tojson')" '{}' "flows by state"
}
both_zones() {
	must c send 2
	must d send 2
	tool_ok list -j -P "$1"
	[ "$(value '[.flows[].zone] | sort | join(" ")')" = "0 7" ]
}
run_case "the same connection in two zones" zones

all_done
