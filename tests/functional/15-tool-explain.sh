#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# tags: core
# nft-offload explain names the reason why a connection is where it is; the settings
# of the software path take effect, and explain says so.
# shellcheck source=../lib.sh disable=SC2119
. "$(dirname "$0")/../lib.sh"
# shellcheck source=../lib-tool.sh
. "$(dirname "$0")/../lib-tool.sh"
# shellcheck source=../lib-stacks.sh
. "$(dirname "$0")/../lib-stacks.sh"
# shellcheck source=../lib-bridge.sh
. "$(dirname "$0")/../lib-bridge.sh"
topo_tool

explained() {
	ours
	tool_ok explain -j tcp "$C4:9" "$S4:5000"
	equal "$(value '.path + " " + .reason')" "none no-conntrack"
	tool_ok explain -j 33 "$C4:9" "$S4:5000"
	equal "$(value '.path + " " + .reason')" "none protocol"
	rules_load <<-END
		table inet t {
			counter seen { }
			chain forward {
				type filter hook forward priority 0; counter name seen
				ct state new
			}
		}
	END
	client c tcp
	must c ping 2
	tool_ok explain -j tcp "$C4:$PORT" "$S4:5000"
	equal "$(value '.path + " " + .reason')" "slow no-flowtable"
	rules_load <<-END
		table inet t {
			flowtable f { hook ingress priority 0; devices = { rc }; }
		}
	END
	tool_ok explain -j tcp "$C4:$PORT" "$S4:5000"
	equal "$(value '.path + " " + .reason')" "slow no-rule"
	rules_load <<-END
		table inet t {
			chain forward {
				meta l4proto tcp flow add @f
			}
		}
	END
	must c ping 2
	tool_ok explain -j tcp "$C4:$PORT" "$S4:5000"
	equal "$(value '.path + " " + .reason')" "slow dev-not-in-table"
	[[ $(value .text) == *": rs" ]] || fail "the device is not named: $(value .text)"
	agent flush "$NS_R"
	rules_std
	promote c tcp "$PORT"
	tool_ok explain -j tcp "$C4:$PORT" "$S4:5000"
	equal "$(value '.path + " " + .reason')" "software none"
	# by the packets of the way back, and for people
	tool_ok explain tcp "$S4:5000" "$C4:$PORT"
	shows 'Fast path: '
	must c fin
	wait_for 10 explained_as tcp-state "$PORT" || fail "$(cat "$OUT")"
}
explained_as() {
	tool explain -j tcp "$C4:$2" "$S4:5000"
	[ "$(value .reason)" = "$1" ]
}
run_case "explain names the rung" explained

# What is listed may be below what routing uses, at several removes.
above() {
	ours
	modprobe -q -a bridge 8021q ipip || true
	vlan_bridge
	behind_tunnel ipip
	# Nothing is added by the rule, so the connection stays slow.
	rules_listing "rc, rs" 'meta l4proto udp udp dport 1 flow add @f'
	client c udp 5000 "$V4S"
	must c ping 2
	tool_ok explain udp "$C4:$PORT" "$V4S:5000"
	shows 'br0.10 is above rc, which is listed'
	shows 'tun0 is above rs, which is listed'
	! grep -q 'dev-not-in-table' "$OUT" || fail "$(cat "$OUT")"
	# The same with neither: the device that routing uses is named.
	rules_flush
	rules_listing "lo" 'meta l4proto udp udp dport 1 flow add @f'
	tool_ok explain udp "$C4:$PORT" "$V4S:5000"
	! grep -q 'which is listed' "$OUT" || fail "$(cat "$OUT")"
	shows 'br0.10'
	tunnel_gone
	peers_stop
	ip -n "$NS_R" link del br0
	ip -n "$NS_R" addr add $RC4/24 dev rc
	ip -n "$NS_R" addr add $RC6/64 dev rc nodad
}
run_case "explain looks below a bridge, a VLAN and a tunnel" above

nat() {
	ours
	rules_std
	rules_load <<-END
		table inet nat {
			chain post { type nat hook postrouting priority 100; oifname rs masquerade; }
		}
	END
	flow_up c udp
	tool_ok list -j -P "$PORT"
	equal "$(value '.flows[0].original | "\(.src) \(.new_src) \(.dst) \(.new_dst)"')" "$C4 $RS4 $S4 $S4"
	equal "$(value '.flows[0].reply | "\(.src) \(.dst) \(.new_dst)"')" "$S4 $RS4 $C4"
	tool_ok explain -j udp "$RS4:$(value '.flows[0].original.new_sport')" "$S4:5000"
	equal "$(value .path)" software "explained by what the server sees"
	equal "$(value .flow.original.src)" "$C4" "explained by what the server sees"
}
run_case "list and explain see through masquerade" nat

settings() {
	ours
	rules_std
	tool_ok set promote_after 30
	tool_ok status -j
	equal "$(value .settings.promote_after)" 30
	client c udp
	slow 10 c ping 5
	no_offload_flag udp "$PORT" || fail "promoted after 10 packets"
	tool_ok status -j
	[ "$(value '.reasons["promote-after"]')" -gt 0 ] || fail "no reason promote-after"
	tool_ok explain -j udp "$C4:$PORT" "$S4:5000"
	equal "$(value '.path + " " + .reason')" "slow promote-after" explained
	must c ping 20
	promote c udp "$PORT"
	fast c ping 5
	tool_ok set promote_after 0

	# The setting has turned conntrack's accounting on.
	tool_ok flush
	client q udp
	must q ping 1
	tool_ok explain -j udp "$C4:$PORT" "$S4:5000"
	equal "$(value '.path + " " + .reason')" "slow udp-answer" explained
	promote q udp "$PORT"

	tool_ok flush
	tool_ok set max_flows 1
	flow_up a udp
	client b udp
	must b ping 10
	no_offload_flag udp "$PORT" || fail "a second flow"
	flows 1
	tool_ok explain -j udp "$C4:$PORT" "$S4:5000"
	equal "$(value '.path + " " + .reason')" "slow max-flows" explained
	tool_ok set max_flows 0
	promote b udp "$PORT"
	flows 2
}
run_case "set promote_after and max_flows, with effect" settings

# An echo is in conntrack by its identifier, and the type stands where a port would: 8 for a request.
echoes() {
	ours
	rules_listing "rc, rs" 'meta l4proto icmp flow add @f'
	next_port
	peer_run c "$NFO_TOOLS/nfo_raw" "$NS_C" client icmp "$C4" "$PORT" "$S4" 4500
	peer_answer c || fail "client: $ANSWER"
	slow 6 c ping 3
	tool_ok explain -j icmp "$C4:$PORT" "$S4:2048"
	equal "$(value '.path + " " + .reason')" "slow icmp-echo"
	tool_ok set icmp_echo 1
	at_end 'tool set icmp_echo 0'
	tool_ok explain -j icmp "$C4:$PORT" "$S4:2048"
	equal "$(value '.path + " " + .reason')" "slow none"
	wait_for 10 is_fast c ping 3 || fail "not fast: $ANSWER"
	tool_ok explain -j icmp "$C4:$PORT" "$S4:2048"
	equal "$(value '.path + " " + .reason')" "software none"
}
run_case "explain names the setting icmp_echo" echoes

# Conntrack is given an association, so that it stays where it is.
sctp_state() {
	ours
	rules_listing "rc, rs" 'meta l4proto sctp flow add @f'
	next_port
	in_r conntrack -I -p sctp -s $C4 -d $S4 --sport "$PORT" --dport 5000 --state "$1" \
		--orig-vtag 1 --reply-vtag 2 -t 60 2>"$ERR" || fail "$(cat "$ERR")"
	tool_ok explain -j sctp "$C4:$PORT" "$S4:5000"
	equal "$(value '.path + " " + .reason')" "slow $2"
	[ "$2" = none ] || [[ $(value .text) == *": $3" ]] || fail "the state is not named: $(value .text)"
}
run_case "explain names the state of an SCTP association" sctp_state COOKIE_WAIT sctp-state cookie-wait
run_case "an SCTP association that is established may be promoted" sctp_state ESTABLISHED none

# Conntrack's limit is that of flows, too, while max_flows is 0; and near to it only connections that
# conntrack would keep get in.
limits() {
	local limit=/proc/sys/net/netfilter/nf_conntrack_max name ports=()

	ours
	rules_std
	flow_up a udp
	tool_ok set promote_after 30
	at_end 'tool set promote_after 0'
	for name in b c d; do
		client $name udp
		must $name ping 2
		ports+=("$PORT")
	done
	tool_ok set promote_after 0
	at_end "echo $(cat $limit) >$limit"
	echo 1 >$limit
	tool_ok explain -j udp "$C4:${ports[0]}" "$S4:5000"
	equal "$(value '.path + " " + .reason')" "slow max-flows" "with max_flows 0"
	echo 4 >$limit
	tool_ok explain -j udp "$C4:${ports[0]}" "$S4:5000"
	equal "$(value '.path + " " + .reason')" "slow conntrack-full"
	[[ $(value .text) == *" of 4" ]] || fail "no figures: $(value .text)"
}
run_case "explain names conntrack's limit" limits

all_done
