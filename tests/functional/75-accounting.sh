#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# tags: life
# `counter`: conntrack's figures are those the classic path would have counted.
# shellcheck source=../lib.sh disable=SC2119
. "$(dirname "$0")/../lib.sh"
# shellcheck source=../lib-bridge.sh
. "$(dirname "$0")/../lib-bridge.sh"

topo_up
echo_up
sysctl_r net/netfilter/nf_conntrack_acct 1

acct_is() {
	ct_get "$1" "$2"
	ct_field acct
	[ "$FIELD" = "$3" ]
}

# Known packets: as many as messages, each as long as its payload and headers.
udp_exact() {
	local header=28 messages bytes

	[ "$1" = udp ] || header=48
	rules_std "counter;"
	ask su count
	read -r _ _ bytes messages <<<"$ANSWER"
	flow_up c "$1"
	fast c ping 50 100
	fast c ping 7 1
	fast c ping 20 1400
	ask su count
	read -r _ _ b m <<<"$ANSWER"
	messages=$((m - messages)) bytes=$((b - bytes + messages * header))
	wait_for 3 acct_is "$1" "$PORT" "$messages,$bytes,$messages,$bytes" ||
		fail "counted $FIELD, sent $messages,$bytes each way"
}
run_case "udp, exact" udp_exact udp
run_case "udp6, exact" udp_exact udp6

# TCP against the devices' own ingress, whatever the stack made of the segments.
tcp_exact() {
	rules_std "counter;"
	in_r nft -f - <<-END
		table inet nat {
			chain post { type nat hook postrouting priority 100; oifname rs masquerade; }
		}
		table netdev n {
			counter orig { }
			counter reply { }
			chain c { type filter hook ingress device rc priority -100; meta l4proto tcp counter name orig; }
			chain s { type filter hook ingress device rs priority -100; meta l4proto tcp counter name reply; }
		}
	END
	[ -z "${2:-}" ] || in_c ethtool -K c0 tso "$2" gso "$2" >/dev/null
	[ -z "${2:-}" ] || in_s ethtool -K s0 tso "$2" gso "$2" >/dev/null
	flow_up c "$1"
	fast c bulk 2000000
	fast c ping 30
	wait_for 5 tcp_agrees "$1" || fail "conntrack $FIELD, devices $want"
	must c fin
	must c finread
	wait_for 5 tcp_agrees "$1" || fail "after FIN: conntrack $FIELD, devices $want"
}
tcp_agrees() {
	counter orig "$NS_R" netdev n
	want=$PACKETS,$BYTES
	counter reply "$NS_R" netdev n
	want+=,$PACKETS,$BYTES
	acct_is "$1" "$PORT" "$want"
}
run_case "tcp with GSO, exact" tcp_exact tcp on
run_case "tcp without GSO, exact" tcp_exact tcp off
run_case "tcp6 with GSO, exact" tcp_exact tcp6 on

# Conntrack has seen and counted the client's packets before the ingress hook of the listed bridge sees them.
counted_before() {
	local header=28 messages bytes

	topo_up "${1:0:1}"
	modprobe -q -a bridge "$1" || skip "this kernel has no $1"
	lan_bridge
	sysctl_r net/netfilter/nf_conntrack_acct 1
	if [ "$1" = br_netfilter ]; then
		in_r sysctl -q net.bridge.bridge-nf-call-iptables=1
	else
		in_r nft add table bridge b
		in_r nft add chain bridge b pre '{ type filter hook prerouting priority 0; }'
		in_r nft add rule bridge b pre ct state established accept || skip "no connection tracking of bridges"
	fi
	rules_listing "br0, rs"
	peer_start sb "$NS_S" server udp :: 5000 || fail "udp echo: $ANSWER"
	client c udp
	promote c udp "$PORT"
	fast c ping 50 100
	fast c ping 20 1400
	must sb count
	read -r _ _ bytes messages <<<"$ANSWER"
	bytes=$((bytes + messages * header))
	wait_for 3 acct_is udp "$PORT" "$messages,$bytes,$messages,$bytes" ||
		fail "counted $FIELD, sent $messages,$bytes each way"
}
run_case "a bridge above which br_netfilter has counted" counted_before br_netfilter
run_case "a bridge with connection tracking of its own" counted_before nf_conntrack_bridge

# The classic path's own figures, by the same measure: the yardstick is straight.
yardstick() {
	rules_std "counter;"
	in_r nft flush chain inet t forward
	in_r nft -f - <<-END
		add rule inet t forward counter name seen
		add rule inet t forward ct state invalid counter name invalid
		table netdev n {
			counter orig { }
			counter reply { }
			chain c { type filter hook ingress device rc priority -100; meta l4proto tcp counter name orig; }
			chain s { type filter hook ingress device rs priority -100; meta l4proto tcp counter name reply; }
		}
	END
	client c tcp
	must c bulk 2000000
	must c ping 30
	wait_for 5 tcp_agrees tcp || fail "conntrack $FIELD, devices $want"
}
run_case "the classic path by the same measure" yardstick

all_done
