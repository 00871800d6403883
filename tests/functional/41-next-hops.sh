#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# tags: core compat
# Next hops of other kinds than an address of the route's own family, and next hop objects that
# are replaced under a live connection.
# shellcheck source=../lib.sh disable=SC2119
. "$(dirname "$0")/../lib.sh"
# shellcheck source=../lib-stacks.sh
. "$(dirname "$0")/../lib-stacks.sh"

FAR4=10.99.0.1 FAR6=2001:db8:99::1
topo_up
second_link 198.18.7 2001:db8:7
ip -n "$NS_S" -batch - <<-END
	addr add $FAR4/32 dev lo
	addr add $FAR6/128 dev lo nodad
END
echo_up
# An echo that has several addresses would answer from that of its route.
peer_start far4 "$NS_S" server udp $FAR4 5001 || die "udp echo: $ANSWER"
peer_start far6 "$NS_S" server udp $FAR6 5001 || die "udp echo: $ANSWER"
LIB_SERVERS+="far4 far6 "

# link_local NAMESPACE DEV - its address there, in ADDRESS.
link_local() { ADDRESS=$(ip -n "$1" -br -6 addr show dev "$2" | grep -oE 'fe80::[0-9a-f:]+' | head -n 1); }

# An IPv4 route by an IPv6 next hop. A VLAN device has no cache for its headers.
by_ipv6() {
	local dev=$1 sdev=$2

	if [[ $dev == *.10 ]]; then
		behind_vlans 802.1q:10
		ip -n "$NS_R" link set rs.10 type vlan "${@:3}"
	fi
	rules_std
	link_local "$NS_S" "$sdev"
	ip -n "$NS_R" route replace $FAR4/32 via inet6 "$ADDRESS" dev "$dev" || skip "this kernel has no such route"
	client u udp 5001 $FAR4
	promote u udp "$PORT"
	fast u ping 20
	client t tcp 5000 $FAR4
	promote t tcp "$PORT"
	fast t bulk 200000
	ip -n "$NS_R" route del $FAR4/32
	stack_gone
}
run_case "IPv4 by an IPv6 next hop" by_ipv6 rs s0
run_case "IPv4 by an IPv6 next hop behind a tag" by_ipv6 rs.10 s0.10 reorder_hdr on
run_case "the same, the device writes its tag into the frame" by_ipv6 rs.10 s0.10 reorder_hdr off

# replaced FAMILY KIND - another next hop for the routes of an object, single or group. No event of
# the routing tables tells of it.
replaced() {
	local family=$1 kind=$2 far=$FAR4 first=$S4 second=198.18.7.2 proto=udp id=1

	[ "$family" = 4 ] || far=$FAR6 first=$S6 second=2001:db8:7::2 proto=udp6
	ip -n "$NS_R" nexthop add id 1 via "$first" dev rs 2>/dev/null || skip "this kernel has no next hop objects"
	ip -n "$NS_R" nexthop add id 2 via "$second" dev rs2
	[ "$kind" = single ] || { id=10; ip -n "$NS_R" nexthop add id 10 group 1; }
	ip -n "$NS_R" route add "$far" nhid $id
	rules_listing "rc, rs, rs2"
	client c $proto 5001 "$far"
	promote c $proto "$PORT"
	fast c ping 10

	if [ "$kind" = single ]; then
		ip -n "$NS_R" nexthop replace id 1 via "$second" dev rs2
	else
		ip -n "$NS_R" nexthop replace id 10 group 2
	fi
	rx_packets "$NS_S" s1
	local before=$RX
	must c ping 20
	rx_packets "$NS_S" s1
	[ $((RX - before)) -ge 20 ] || fail "$((RX - before)) of 20 packets left by the new next hop"
	settle c
	fast c ping 10
	ip -n "$NS_R" nexthop flush >/dev/null 2>&1
}
for kind in single group; do
	run_case "the next hop of an IPv4 route is replaced, $kind" replaced 4 $kind
	run_case "the next hop of an IPv6 route is replaced, $kind" replaced 6 $kind
done

all_done
