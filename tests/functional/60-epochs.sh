#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# tags: core compat
# The world changes under live flows: routes, devices, namespaces.
# shellcheck source=../lib.sh disable=SC2119
. "$(dirname "$0")/../lib.sh"

topo_up
echo_up

second_link 203.0.113 2001:db8:3

rules() {
	rules_load <<-END
		table inet t {
			counter seen { }
			counter invalid { }
			flowtable f { hook ingress priority 0; devices = { rc, rs, rs2 }; }
			chain forward {
				type filter hook forward priority 0; policy accept;
				counter name seen
				ct state invalid counter name invalid
				meta l4proto { tcp, udp } flow add @f
			}
		}
	END
}

via_first() {
	ip -n "$NS_R" route del $S4/32 2>/dev/null || true
	ip -n "$NS_R" route del $S6/128 2>/dev/null || true
	ip -n "$NS_S" route replace default via $RS4
	ip -n "$NS_S" route replace ::/0 via $RS6
}

via_second() {
	ip -n "$NS_R" route replace $S4/32 via 203.0.113.2
	ip -n "$NS_R" route replace $S6/128 via 2001:db8:3::2
	# an echo without a connection answers from the address of its route
	ip -n "$NS_S" route replace default via 203.0.113.1 src $S4
	ip -n "$NS_S" route replace ::/0 via 2001:db8:3::1 src $S6
}

received() { rx_packets "$NS_S" "$1"; echo "$RX"; }

# takes_second - the route leads by the second device from here on, and so do the packets.
takes_second() {
	local old new

	via_second
	old=$(received s0)
	new=$(received s1)
	must c ping 10
	[ $(($(received s1) - new)) -ge 10 ] || fail "$(($(received s1) - new)) of 10 packets took the new way"
	[ $(($(received s0) - old)) -le 2 ] || fail "$(($(received s0) - old)) packets took the old way"
}

# Not one packet after the change goes the old way.
other_route() {
	via_first
	rules
	flow_up c "$1"
	for _ in 1 2; do
		takes_second
		promote c "$1" "$PORT"
		wait_for 10 is_fast c ping 10 || fail "not fast by the new route"
		via_first
		old=$(received s0)
		must c ping 10
		[ $(($(received s0) - old)) -ge 10 ] || fail "$(($(received s0) - old)) of 10 packets came back to the first way"
		promote c "$1" "$PORT"
		wait_for 10 is_fast c ping 10 || fail "not fast by the first route"
	done
	counter invalid
	equal "$PACKETS" 0 "invalid packets"
}
for proto in udp tcp udp6 tcp6; do
	run_case "$proto follows the route to another device" other_route $proto
done

route_gone() {
	rules
	flow_up c udp
	ip -n "$NS_R" route add blackhole $S4/32
	must c timeout 300
	ask c ping 2 && fail "the packets still arrive"
	ip -n "$NS_R" route del blackhole $S4/32
	must c timeout 3000
	must c ping 5
	promote c udp "$PORT"
	wait_for 10 is_fast c ping 10 || fail "not fast again"
}
via_first
run_case "a route that drops is obeyed at once" route_gone

# Routes that have nothing to do with the flow: it stays, nobody sees a packet.
unrelated() {
	local i

	rules
	flow_up c "$1"
	fast c ping 5
	counter seen
	before=$PACKETS
	for i in 1 2 3 4 5 6 7 8; do
		{
			echo "route add 10.9.$i.0/24 via $S4"
			echo "route add 2001:db8:9:$i::/64 via $S6"
			[ "$i" -le 4 ] || echo "route del 10.9.$((i - 4)).0/24"
		} | ip -n "$NS_R" -batch -
		must c ping 3
		has_offload_flag "$1" "$PORT" || fail "round $i: the flow is gone"
	done
	counter seen
	equal $((PACKETS - before)) 0 "packets on the slow path"
	for i in 5 6 7 8; do
		echo "route del 10.9.$i.0/24"
	done | ip -n "$NS_R" -batch -
	for i in 1 2 3 4 5 6 7 8; do
		echo "route del 2001:db8:9:$i::/64"
	done | ip -n "$NS_R" -batch -
}
unrelated_case() {
	ours_only "any route change invalidates every IPv4 flow"
	unrelated "$1"
}
run_case "udp, unrelated routes come and go" unrelated_case udp
run_case "tcp6, unrelated routes come and go" unrelated_case tcp6

# IPv6 routing passes by routes without a link. Flows by other routes are not concerned,
# while no IPv6 route of the namespace has had a nexthop object: this comes before those that have.
unrelated_link6() {
	ours_only "a link that comes up brings a route, which makes all IPv6 flows route again"
	via_first
	rules
	sysctl_r net/ipv6/conf/all/ignore_routes_with_linkdown 1
	flow_up c udp6
	ip -n "$NS_R" link add nfo-l type veth peer name nfo-m
	sysctl_r net/ipv6/conf/nfo-l/ignore_routes_with_linkdown 1
	ip -n "$NS_R" -batch - <<-END
		addr add 2001:db8:8::1/64 dev nfo-l nodad
		link set nfo-m up
		link set nfo-l up
		route add 2001:db8:8:1::/64 via 2001:db8:8::2 dev nfo-l
	END
	links_ready "$NS_R" nfo-l "$NS_R" nfo-m
	settle c
	counter seen
	before=$PACKETS
	for _ in 1 2 3; do
		ip -n "$NS_R" link set nfo-m down
		wait_for 5 link_lost nfo-l || fail "nfo-l keeps its link"
		must c ping 3
		ip -n "$NS_R" link set nfo-m up
		links_ready "$NS_R" nfo-l "$NS_R" nfo-m
		must c ping 3
	done
	counter seen
	equal $((PACKETS - before)) 0 "packets on the slow path"
	ip -n "$NS_R" link del nfo-l
}
link_lost() { [[ $(ip -n "$NS_R" link show "$1") == *NO-CARRIER* ]]; }
run_case "udp6, the link of an unrelated device goes and returns" unrelated_link6

# Packets look at changes when one may concern their flow. Which routes flows rest on is noted anew
# all the time, and what is not is forgotten within four seconds.
route_after_others() {
	local proto=$1 family=-4 dst=10.9.1.0/24 gateway=$S4 until=$((SECONDS + 6))

	case $proto in *6) family=-6 dst=2001:db8:9:1::/64 gateway=$S6 ;; esac
	via_first
	rules
	flow_up c "$proto"
	while [ $SECONDS -lt $until ]; do
		ip -n "$NS_R" $family route add $dst via "$gateway"
		must c ping 3
		ip -n "$NS_R" $family route del $dst
		must c ping 3
	done
	takes_second
	via_first
}
for proto in udp tcp6; do
	run_case "$proto follows its route after many others changed" route_after_others $proto
done

# A nexthop object that no route uses goes.
unused_nexthop() {
	ours_only "it does not look at nexthop objects"
	rules
	flow_up c udp
	fast c ping 5
	ip -n "$NS_R" nexthop add id 70 via $S4 dev rs || skip "no nexthop objects"
	counter seen
	before=$PACKETS
	ip -n "$NS_R" nexthop del id 70
	must c ping 5
	counter seen
	equal $((PACKETS - before)) 0 "packets on the slow path"
}
run_case "udp, a nexthop object without a route goes" unused_nexthop

# nexthop_object PROTO DESTINATION ID OLD NEW - a route keeps its nexthop object, and the object,
# or the one member of its group, becomes another one. Routing has no event for that. The route
# that comes just before has nothing to do with it and must not hide it.
nexthop_object() {
	local proto=$1 dst=$2 id=$3 old=$4 new=$5 family=-4 other=10.9.1.0/24 gateway=$S4 arrived

	[ "$proto" = udp ] || { family=-6 other=2001:db8:9:1::/64 gateway=$S6; }
	via_first
	rules
	ip -n "$NS_R" nexthop flush 2>/dev/null || true
	# shellcheck disable=SC2086 # a device, or a gateway and its device
	ip -n "$NS_R" $family nexthop add id 7 $old || skip "no nexthop objects"
	ip -n "$NS_R" nexthop add id 8 group 7
	ip -n "$NS_R" $family route add "$dst" nhid "$id"
	flow_up c "$proto"
	for _ in 1 2; do
		ip -n "$NS_R" $family -batch - <<-END
			route replace $other via $gateway
			nexthop replace id 7 $new
		END
		arrived=$(received s1)
		must c ping 10
		arrived=$(($(received s1) - arrived))
		ip -n "$NS_R" $family -batch - <<-END
			route del $other
			nexthop replace id 7 $old
		END
		[ "$arrived" -ge 10 ] || fail "$arrived of 10 packets took the new way"
		arrived=$(received s0)
		must c ping 10
		arrived=$(($(received s0) - arrived))
		[ "$arrived" -ge 10 ] || fail "$arrived of 10 packets came back to the first way"
		promote c "$proto" "$PORT"
		wait_for 10 is_fast c ping 10 || fail "not fast by the first route"
	done
	ip -n "$NS_R" nexthop flush >/dev/null
}
for id in 7 8; do
	name="a nexthop object is replaced"
	[ $id = 7 ] || name="the member of a nexthop group is replaced"
	run_case "udp, $name" nexthop_object udp $S4/32 $id "dev rs" "via 203.0.113.2 dev rs2"
	run_case "udp6, $name" nexthop_object udp6 $S6/128 $id "dev rs" "via 2001:db8:3::2 dev rs2"
done

# A sysctl says what priority forwarding gives to packets.
with_priority() {
	counter prio "$NS_R" netdev e
	before=$PACKETS
	must c ping 5
	counter prio "$NS_R" netdev e
	equal $((PACKETS - before)) "$1" "packets of 5 with the priority of their TOS, $2"
}
priority_sysctl() {
	via_first
	rules
	in_r nft -f - <<-END || skip "no egress hook"
		table netdev e {
			counter prio { }
			chain o {
				type filter hook egress device rs priority 0;
				ip protocol udp meta priority 0:6 counter name prio
			}
		}
	END
	client c udp
	must c set tos 16
	promote c udp "$PORT"
	settle c
	with_priority 5 "at first"
	sysctl_r net/ipv4/ip_forward_update_priority 0
	with_priority 0 "switched off"
	sysctl_r net/ipv4/ip_forward_update_priority 1
	with_priority 5 "switched on again"
}
run_case "udp, the priority of forwarded packets is switched" priority_sysctl

# Another address or device of the router changes: the same.
unrelated_device() {
	ours_only "any address change invalidates every IPv4 flow"
	rules
	flow_up c udp
	counter seen
	before=$PACKETS
	ip -n "$NS_R" link add dum0 type dummy
	ip -n "$NS_R" addr add 10.8.0.1/24 dev dum0
	ip -n "$NS_R" link set dum0 up
	must c ping 3
	ip -n "$NS_R" link set dum0 down
	must c ping 3
	ip -n "$NS_R" link del dum0
	must c ping 3
	counter seen
	equal $((PACKETS - before)) 0 "packets on the slow path"
}
run_case "an unrelated device comes and goes" unrelated_device

# The link of another device comes up after its address: routing used its route before as well.
unrelated_link() {
	ours_only "any address change invalidates every IPv4 flow"
	rules
	flow_up c udp
	counter seen
	before=$PACKETS
	ip -n "$NS_R" link add nfo-l type veth peer name nfo-m
	ip -n "$NS_R" addr add 10.8.0.1/24 dev nfo-l
	ip -n "$NS_R" link set nfo-l up
	ip -n "$NS_R" link set nfo-m up
	links_ready "$NS_R" nfo-l "$NS_R" nfo-m
	must c ping 3
	ip -n "$NS_R" link del nfo-l
	must c ping 3
	counter seen
	equal $((PACKETS - before)) 0 "packets on the slow path"
}
run_case "the link of an unrelated device comes up" unrelated_link

# The devices of containers come and go all the time: no flow is looked at, no entry of
# the journal is taken.
devices_elsewhere() {
	local before i

	[ -z "${NFO_PROVIDER:-}" ] || [ "$NFO_PROVIDER" = ours ] || skip "our own counters"
	via_first
	rules
	flow_up c udp
	# A neighbour of the flow may be confirmed meanwhile, which is an event of the flow's own.
	for _ in 1 2 3 4 5; do
		epoch
		before=$EPOCH
		for i in 1 2 3 4 5; do
			ip -n "$NS_R" link add nfo-u$i type dummy 2>/dev/null || skip "no dummy device"
			ip -n "$NS_R" link set nfo-u$i mtu 1400
			ip -n "$NS_R" link set nfo-u$i address 02:00:00:00:01:0$i
			ip -n "$NS_R" link del nfo-u$i
		done
		epoch
		[ "$EPOCH" != "$before" ] || break
	done
	equal "$EPOCH" "$before" "the epoch after events of devices that carry nothing"
	ip -n "$NS_R" link set rc address "$(mac_of "$NS_R" rc)"
	epoch
	[ "$EPOCH" -gt "$before" ] || fail "an event of a device in use left no trace"
	must c ping 5
}
run_case "devices that carry no flow come and go" devices_elsewhere

device_down() {
	via_first
	rules
	flow_up c "$1"
	flow_up t tcp
	must c timeout 300
	ip -n "$NS_R" link set rs down
	ask c ping 2 && fail "packets pass a device that is down"
	ip -n "$NS_R" link set rs up
	# IPv6 addresses go down with their device
	ip -n "$NS_R" addr replace $RS6/64 dev rs nodad
	must c timeout 1000
	wait_for 15 ask c ping 1 || fail "no traffic after up: $ANSWER"
	must c ping 5
	promote c "$1" $((PORT - 1))
	wait_for 10 is_fast c ping 10 || fail "not fast again"
	wait_for 15 ask t ping 1 || fail "the tcp connection is lost: $ANSWER"
	must t ping 5
}
run_case "udp, the device goes down and up" device_down udp
run_case "udp6, the device goes down and up" device_down udp6

# The device of a live flow is removed, in the middle of traffic, and a new one of the
# same name takes its place in a new ruleset.
device_removed() {
	topo_up x
	peer_start sx "$NS_S" server udp :: 5000
	peer_start st2 "$NS_S" server tcp :: 5000
	rules_std
	flow_up t tcp
	flow_up c "$1"
	must c timeout 100
	tell c run 1500
	ip -n "$NS_R" link del rs
	peer_answer c || [[ $ANSWER == error* ]] || fail "$ANSWER"
	wait_for 10 no_offload_flag "$1" "$PORT" || fail "[OFFLOAD] outlives the device: $CT"
	wait_for 10 no_offload_flag tcp $((PORT - 1)) || fail "[OFFLOAD] outlives the device: $CT"
	ip link add s0 netns "$NS_S" type veth peer name rs netns "$NS_R"
	ip -n "$NS_R" -batch - <<-END
		addr add $RS4/24 dev rs
		addr add $RS6/64 dev rs nodad
		link set rs up
	END
	host_up "$NS_S" s0 $S4 $S6 $RS4 $RS6
	rules_flush
	rules_std
	must c timeout 1000
	wait_for 20 ask c ping 1 || fail "no traffic over the new device: $ANSWER"
	promote c "$1" "$PORT"
	wait_for 10 is_fast c ping 10 || fail "not fast over the new device"
	must t timeout 20000
	must t ping 5
}
run_case "udp, the device is removed and made anew" device_removed udp
run_case "udp6, the device is removed and made anew" device_removed udp6

# A device moves to another namespace: for this one it is gone.
device_moved() {
	topo_up y
	peer_start sx "$NS_S" server udp :: 5000
	rules_std
	flow_up c udp
	ip -n "$NS_R" link set rs netns "$NS_C"
	wait_for 10 no_offload_flag udp "$PORT" || fail "[OFFLOAD] stays: $CT"
	must c timeout 200
	ask c ping 2 && fail "still forwarded"
	true
}
run_case "the device moves to another namespace" device_moved

# Forwarding is switched off: the classic path stops, so must the fast one.
# forwarding_off PROTO SYSCTL
forwarding_off() {
	via_first
	rules
	flow_up c "$1"
	at_end "sysctl_r $2 1"
	sysctl_r "$2" 0
	must c timeout 300
	ask c ping 2 && fail "forwarded while $2 is 0"
	sysctl_r "$2" 1
	must c timeout 3000
	must c ping 5
	promote c "$1" "$PORT"
	wait_for 10 is_fast c ping 10 || fail "not fast again"
}
run_case "ip_forward off and on" forwarding_off udp net/ipv4/ip_forward
run_case "IPv6 forwarding off and on" forwarding_off udp6 net/ipv6/conf/all/forwarding

# IPv6 is forwarded from single devices, though not by the namespace.
forced_forwarding() {
	topo_up z
	sysctl_r net/ipv6/conf/rc/force_forwarding 1 || skip "this kernel has no force_forwarding"
	sysctl_r net/ipv6/conf/rs/force_forwarding 1
	sysctl_r net/ipv6/conf/all/forwarding 0
	# That takes the devices' own settings along.
	sysctl_r net/ipv6/conf/rc/force_forwarding 1
	sysctl_r net/ipv6/conf/rs/force_forwarding 1
	peer_start sx "$NS_S" server udp :: 5000
	rules_std
	flow_up c udp6
	must c timeout 300
	sysctl_r net/ipv6/conf/rc/force_forwarding 0
	ask c ping 2 && fail "forwarded after force_forwarding was switched off"
	sysctl_r net/ipv6/conf/rc/force_forwarding 1
	must c timeout 3000
	promote c udp6 "$PORT"
	fast c ping 10
}
run_case "IPv6 forwarding of single devices" forced_forwarding

all_done
