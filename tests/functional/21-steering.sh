#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# tags: core smp
# Receive packet steering of a device above the listed one: packets pass the ingress hook on one
# processor and the end of POSTROUTING on the other.
# shellcheck source=../lib.sh disable=SC2119
. "$(dirname "$0")/../lib.sh"

# shellcheck source=../lib-stacks.sh
. "$(dirname "$0")/../lib-stacks.sh"
need nproc

topo_up
echo_up
[ "$(nproc)" -ge 2 ] || {
	skipped "steering" "this machine has one processor"
	all_done
	exit 0
}

# steer DEVICE PROCESSOR - what the router receives by this device goes on there.
steer() { ip netns exec "$NS_R" bash -c "printf '%x' $((1 << $2)) >/sys/class/net/$1/queues/rx-0/rps_cpus"; }

# How often another processor has handed packets to processor 1 (column `received_rps`).
steered() { awk 'NR == 2 { print $10 }' /proc/net/softnet_stat; }

# steered_apart UPPER PROTO - frames come in at processor 0, what is in them goes on at 1. The
# counters of the forward chain show that the direction from there is fast.
steered_apart() {
	local before after

	steer rs 0
	steer "$1" 1
	rules_std "counter;"
	address_of "$2"
	client c "$2" 5000 "$TO"
	before=$(steered)
	must c ping 20
	after=$(steered)
	[ "$before" != "$after" ] || fail "processor 0 has handed nothing to processor 1: $before"
	promote c "$2" "$PORT"
	hops_watch
	fast c ping 50
	hops_right 50
	[ "${2%6}" = tcp ] || return 0
	must c bulk 100000
	settle c
	fast c bulk 300000
}

over_pppoe() {
	behind_pppoe
	steered_apart ppp0 "$1"
	stack_gone
}
run_case "PPPoE, tcp6" over_pppoe tcp6

over_tunnel() {
	behind_tunnel "$1"
	steered_apart tun0 "$2"
	tunnel_gone
}
run_case "GRE, udp" over_tunnel gre udp
run_case "IP6IP6, udp6" over_tunnel ip6tnl udp6

# changed_meanwhile PROTO - the flow was learned on one processor; then steering is set up, and commits
# make it stale.
changed_meanwhile() {
	behind_pppoe
	steer rs 0
	steer ppp0 0
	rules_std "counter;"
	address_of "$1"
	client c "$1" 5000 "$TO"
	promote c "$1" "$PORT"
	steer ppp0 1
	in_r nft add table inet unrelated
	in_r nft delete table inet unrelated
	must c ping 5
	wait_for 10 is_fast c ping 3 || fail "not fast again after steering was set up"
	fast c ping 50
	stack_gone
}
run_case "steering set up under a flow, udp" changed_meanwhile udp

# The bridge is listed by its port.
over_bridge() {
	ip -n "$NS_R" link del br0 2>/dev/null || true
	ip -n "$NS_R" -batch - <<-END
		addr flush dev rs
		link add br0 type bridge
		link set rs master br0
		addr add $RS4/24 dev br0
		addr add $RS6/64 dev br0 nodad
		link set br0 up
	END
	links_ready "$NS_S" s0 "$NS_R" br0
	V4S=$S4 V6S=$S6
	steered_apart br0 "$1"
}
run_case "a bridge, tcp" over_bridge tcp

all_done
