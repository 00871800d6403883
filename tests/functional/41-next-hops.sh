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

# --- three legs, one of which goes -------------------------------------------

# legs_route KIND - equal-cost legs by rs, by rs2 and by VLAN 30 of rs2; objects in a group, or none. A group
# leaves out members whose neighbour is not known to be there.
legs_route() {
	ip -n "$NS_R" neigh replace $S4 lladdr "$(mac_of "$NS_S" s0)" dev rs nud permanent
	ip -n "$NS_R" neigh replace 198.18.7.2 lladdr "$(mac_of "$NS_S" s1)" dev rs2 nud permanent
	ip -n "$NS_R" neigh replace 198.18.8.2 lladdr "$(mac_of "$NS_S" s1.30)" dev rs2.30 nud permanent
	ip -n "$NS_R" route del $FAR4 2>/dev/null || true
	if [ "$1" = routes ]; then
		ip -n "$NS_R" route add $FAR4 nexthop via $S4 dev rs nexthop via 198.18.7.2 dev rs2 nexthop via 198.18.8.2 dev rs2.30
		return
	fi
	ip -n "$NS_R" nexthop replace id 21 via $S4 dev rs
	ip -n "$NS_R" nexthop replace id 22 via 198.18.7.2 dev rs2
	ip -n "$NS_R" nexthop replace id 23 via 198.18.8.2 dev rs2.30
	ip -n "$NS_R" nexthop replace id 20 group 21/22/23
	ip -n "$NS_R" route add $FAR4 nhid 20
}
# legs_read - the packets that have come in by each of the server's devices, in CAME. One program for all:
# legs_of asks often.
LEG_DEVICES=(s0 s1 s1.30)
legs_read() {
	read -ra CAME < <(in_s awk -v names="${LEG_DEVICES[*]}" '{ sub(":", "", $1); came[$1] = $3 }
		END { n = split(names, name, " "); for (i = 1; i <= n; i++) printf "%d ", came[name[i]]; print "" }' /proc/net/dev)
}
# leg_next PEER - the server's device by which packets of the peer come since legs_read, in LEG. The router
# hashes what the sender's socket says, so `ip route get` does not know. A few other frames may come as well.
leg_next() {
	local i before=("${CAME[@]}")

	must "$1" ping 10
	legs_read
	LEG=
	for i in "${!LEG_DEVICES[@]}"; do
		# A frame with a tag comes by both.
		[ $((CAME[i] - before[i])) -lt 10 ] || LEG=${LEG_DEVICES[i]}
	done
}
legs_of() {
	local i

	LEGS=()
	legs_read
	for i in $(seq 16); do
		leg_next "w$i"
		LEGS[i]=$LEG
	done
}
leg_of() { legs_read; leg_next "$1"; }
goes_by() { leg_of "$1" && [ "$LEG" = "$2" ]; }
leg_lost() {
	local before=() kind=$1 i

	at_end "ip -n $NS_R neigh del $S4 dev rs; ip -n $NS_R neigh del 198.18.7.2 dev rs2"
	at_end "ip -n $NS_R link set rs up; ip -n $NS_R route del $FAR4; in_r sysctl -qw net.ipv4.fib_multipath_hash_policy=0"
	at_end "ip -n $NS_R link del rs2.30; ip -n $NS_S link del s1.30; ip -n $NS_S route del 192.0.2.0/25"
	ip -n "$NS_R" -batch - <<-END
		link add rs2.30 link rs2 type vlan id 30
		addr add 198.18.8.1/24 dev rs2.30
		link set rs2.30 up
	END
	ip -n "$NS_S" -batch - <<-END
		link add s1.30 link s1 type vlan id 30
		addr add 198.18.8.2/24 dev s1.30
		link set s1.30 up
		route add 192.0.2.0/25 via 198.18.7.1
	END
	in_r sysctl -qw net.ipv4.fib_multipath_hash_policy=1
	legs_route "$kind" || skip "this kernel has no next hop objects"
	for i in $(seq 16); do client "w$i" udp 5001 $FAR4; done
	legs_of
	before=([0]='' "${LEGS[@]}")
	ip -n "$NS_R" link set rs down
	legs_of
	# One whose leg is there still, and that goes by another one now.
	for i in $(seq 16); do
		[ "${before[i]}" = s0 ] || [ "${before[i]}" = "${LEGS[i]}" ] || break
	done
	[ "${before[i]}" != s0 ] && [ "${before[i]}" != "${LEGS[i]}" ] || skip "no connection changes its leg: ${LEGS[*]}"
	ip -n "$NS_R" link set rs up
	links_ready "$NS_R" rs
	legs_route "$kind"
	rules_listing "rc, rs, rs2" "meta l4proto { tcp, udp } flow add @f"
	wait_for 5 is_fast "w$i" ping 2 || fail "not fast"
	goes_by "w$i" "${before[i]}" || fail "it goes by $LEG, and by ${before[i]} without a flowtable"
	ip -n "$NS_R" link set rs down
	wait_for 5 goes_by "w$i" "${LEGS[i]}" || fail "it goes by $LEG still, and by ${LEGS[i]} without a flowtable"
}
run_case "one of three equal-cost routes is lost" leg_lost routes
run_case "one of three members of a group is lost" leg_lost group

# --- a resilient group ---------------------------------------------------------

moved_to() { [ "$(ip -n "$NS_R" nexthop bucket list id 30 nhid "$1" | wc -l)" -ge "$2" ]; }
by_second() { rx_packets "$NS_S" s1; BEFORE=$RX; must "$1" ping 10; rx_packets "$NS_S" s1; }

# Routing does not see the packets of flows, so their buckets are idle after a time and move. The packets of
# these flows follow at once; other flows, though by the same devices, have nothing to do with the group.
buckets_move() {
	local i group="id 30 type resilient buckets 16 idle_timer $((8 * LIB_SLOW)) group"

	ours_only "flows are not told of next hop objects"
	for i in all rs rs2; do sysctl_r net/ipv4/conf/$i/rp_filter 0; done
	sysctl_r net/ipv4/fib_multipath_hash_policy 1
	at_end "in_r $NFO_TOOLS/nft-offload set recheck_ms 5000 >/dev/null; ip -n $NS_R nexthop flush >/dev/null 2>&1"
	ip -n "$NS_R" route del $FAR4 2>/dev/null || true
	ip -n "$NS_R" -batch - 2>/dev/null <<-END || skip "this kernel has no resilient groups"
		nexthop add id 31 via $S4 dev rs
		nexthop add id 32 via 198.18.7.2 dev rs2
		nexthop add $group 31/32
		route add $FAR4 nhid 30
	END
	rules_listing "rc, rs, rs2"
	in_r "$NFO_TOOLS/nft-offload" set recheck_ms 0 >/dev/null
	peer_start near "$NS_S" server udp 198.18.7.2 5001 || fail "udp echo: $ANSWER"
	client c udp 5001 198.18.7.2
	promote c udp "$PORT"
	for i in 1 2 3 4 5 6 7 8; do
		client "b$i" udp 5001 $FAR4
		promote "b$i" udp "$PORT"
	done
	ip -n "$NS_R" -batch - <<<"nexthop replace $group 31,1/32,200"
	for i in 1 2 3 4 5 6 7 8; do must "b$i" ping 3; done
	settle c
	moved_to 32 16 && fail "no bucket is in use"
	counter seen
	BEFORE=$PACKETS
	until moved_to 32 16; do must c ping 2; done
	must c ping 5
	counter seen
	[ $((PACKETS - BEFORE)) = 0 ] ||
		fail "$((PACKETS - BEFORE)) packets of a flow by another next hop took the classic path"
	for i in 1 2 3 4 5 6 7 8; do
		by_second "b$i"
		[ $((RX - BEFORE)) -ge 10 ] || fail "$((RX - BEFORE)) of 10 packets left by the new member"
	done
}
run_case "buckets of a resilient group move" buckets_move

# two_links TURN - the server's answers come by the first link, or by the second one, as the number says
# that this expression of nft gives.
two_links() {
	local d

	at_end "agent flush $NS_S; ip -n $NS_S rule del fwmark 1"
	for d in all rs rs2; do sysctl_r net/ipv4/conf/$d/rp_filter 0; done
	in_s nft -f - <<-END
		table ip turns {
			chain o { type route hook output priority -150; udp sport 5001 meta mark set $1; }
		}
	END
	ip -n "$NS_S" rule add fwmark 1 table 102
	ip -n "$NS_S" route replace default via 198.18.7.1 table 102
	ip -n "$NS_R" route replace $FAR4/32 via $S4
	rules_listing "rc, rs, rs2"
	client c udp 5001 $FAR4
	promote c udp "$PORT"
}
turn_by() { in_s nft "flush chain ip turns o; add rule ip turns o udp sport 5001 meta mark set $1"; }

# Answers of the link that was not learned take the classic path, and do not have the others leave the fast
# path.
in_turns() {
	two_links "numgen inc mod 2"
	must c ping 4
	seen_slow must c ping 40
	[ "$SLOW" -ge 16 ] || fail "$SLOW of 40 answers took the classic path: they do not come in turns"
	[ "$SLOW" -le 24 ] || fail "$SLOW of 40 answers took the classic path, 20 of them came by the other link"
	turn_by 1
	settle c
	fast c ping 10
}
run_case "answers come by two links in turns" in_turns

# Nothing tells the router that answers come by the other link from now on, and the direction need not have
# been unused for a second to be learned anew.
link_left() {
	local before i mark

	two_links 0
	for mark in 1 0 1; do
		fast c ping 2
		turn_by $mark
		counter seen
		before=$PACKETS
		for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
			must c ping 1
			nap 0.02
		done
		counter seen
		[ $((PACKETS - before)) -le 14 ] || fail "$((PACKETS - before)) of 20 answers took the classic path"
		settle c
	done
}
run_case "answers come by the other link from now on" link_left

all_done
