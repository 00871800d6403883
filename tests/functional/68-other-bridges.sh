#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# tags: life compat stock long
# Bridges, bonds and VRFs in each other, containers with br_netfilter, ipvlan and macvtap beside a port,
# VXLAN of many networks in a bridge: carried in both directions, or slow for a reason that has a name.
# shellcheck source=../lib.sh disable=SC2119
. "$(dirname "$0")/../lib.sh"
# shellcheck source=../lib-stacks.sh
. "$(dirname "$0")/../lib-stacks.sh"
# shellcheck source=../lib-roads.sh
. "$(dirname "$0")/../lib-roads.sh"
need bridge

modprobe -q -a bridge br_netfilter 8021q bonding vrf vxlan ipvlan macvlan macvtap wireguard || true
topo_up
echo_up
tunnel_names

# A second link, VLANs and containers go as well.
road_gone() {
	local dev

	stack_gone
	for dev in rs2 va vb; do ip -n "$NS_R" link del $dev 2>/dev/null || true; done
	links_ready "$NS_R" rs "$NS_S" s0
}

# ends ROUTER SERVER - the addresses of a network between these two devices, which are up.
ends() {
	tunnel_ends "via $V4R" "via $V6R" "$1" "$2"
	links_ready "$NS_R" "$1" "$NS_S" "$2"
}

# ---- bonds in bridges ----

# bond_of NAMESPACE PORT... - bond0, one port active.
bond_of() {
	local ns=$1 port
	shift

	ip -n "$ns" link add bond0 type bond mode active-backup miimon 100 2>/dev/null || skip "this kernel has no bond"
	for port; do
		ip -n "$ns" -batch - <<-END
			link set $port down
			link set $port master bond0
			link set $port up
		END
	done
	ip -n "$ns" link set bond0 up
}
two_links() {
	ip link add s1 netns "$NS_S" type veth peer name rs2 netns "$NS_R"
	bond_of "$NS_R" rs rs2
	bond_of "$NS_S" s0 s1
}
up_bond_port() {
	two_links
	ip -n "$NS_R" link add br0 type bridge
	ip -n "$NS_R" link set bond0 master br0
	ends br0 bond0
}
# The bond is a tagged port of a bridge that knows VLANs.
up_bond_tagged() {
	bond_of "$NS_R" rs
	ip -n "$NS_R" -batch - <<-END
		link add br0 type bridge vlan_filtering 1
		link set bond0 master br0
		link set br0 up
		link add link br0 name br0.10 type vlan id 10
	END
	bridge -n "$NS_R" vlan add dev bond0 vid 10
	bridge -n "$NS_R" vlan add dev br0 vid 10 self
	ip -n "$NS_S" link add link s0 name s0.10 type vlan id 10
	ends br0.10 s0.10
}
# A VLAN of the bond is an untagged port of VLAN 10: the frames on the wire have tag 20.
up_vlan_port() {
	bond_of "$NS_R" rs
	ip -n "$NS_R" -batch - <<-END
		link add link bond0 name bond0.20 type vlan id 20
		link set bond0.20 up
		link add br0 type bridge vlan_filtering 1
		link set bond0.20 master br0
		link set br0 up
		link add link br0 name br0.10 type vlan id 10
	END
	bridge -n "$NS_R" vlan add dev bond0.20 vid 10 pvid untagged
	bridge -n "$NS_R" vlan add dev br0 vid 10 self
	ip -n "$NS_S" link add link s0 name s0.20 type vlan id 20
	ends br0.10 s0.20
}
# A VLAN above a bridge above a bond.
up_vlan_above() {
	bond_of "$NS_R" rs
	ip -n "$NS_R" -batch - <<-END
		link add br0 type bridge
		link set bond0 master br0
		link set br0 up
		link add link br0 name br0.10 type vlan id 10
	END
	ip -n "$NS_S" link add link s0 name s0.10 type vlan id 10
	ends br0.10 s0.10
}
run_case "a bridge above a bond" road bond_port "rs, rs2" udp tcp6 tcp,nat -- bond0 udp tcp6
run_case "VLAN of a bridge with a bond" road bond_tagged rs udp tcp6
run_case "VLAN of a bridge above a VLAN of a bond" road vlan_port rs udp tcp6
run_case "a VLAN above a bridge above a bond" road vlan_above rs udp tcp6

# The bond's other port becomes the active one at both ends.
fails_over() {
	at_end down
	local ns

	up_bond_port
	rules_listing "rc, rs, rs2"
	carried udp
	must c timeout 200
	for ns in "$NS_R" "$NS_S"; do
		ip -n "$ns" link set bond0 type bond active_slave "$([ "$ns" = "$NS_R" ] && echo rs2 || echo s1)"
	done
	wait_for 10 ask c ping 1 || fail "nothing passes by the other port: $ANSWER"
	must c timeout 5000
	promote c udp "$PORT"
	all_fast c ping 20
}
run_case "a bridge above a bond whose other port takes over" fails_over

# ---- VXLAN of several networks in one device, in a bridge ----

# Each VLAN of the bridge is a network of its own. The server is in network 1010 by tun0, and in 1020 by tun1.
up_networks() {
	ip -n "$NS_R" -batch - <<-END || skip "no external VXLAN"
		link add tun0 type vxlan external dstport 4789 local $RS4 ${1:-}
		link add br0 type bridge vlan_filtering 1 vlan_default_pvid 0
		link set tun0 master br0 mtu 1450
		link set br0 mtu 1450
		link set br0 up
		link set tun0 up
		link add link br0 name br0.10 type vlan id 10
		link add link br0 name br0.20 type vlan id 20
		link set br0.20 up
	END
	bridge -n "$NS_R" link set dev tun0 vlan_tunnel on
	bridge -n "$NS_R" -batch - <<-END
		vlan add dev br0 vid 10 self
		vlan add dev br0 vid 20 self
		vlan add dev tun0 vid 10
		vlan add dev tun0 vid 20
		vlan add dev tun0 vid 10 tunnel_info id 1010
		vlan add dev tun0 vid 20 tunnel_info id 1020
		fdb add 00:00:00:00:00:00 dev tun0 src_vni 1010 dst $S4
		fdb add 00:00:00:00:00:00 dev tun0 src_vni 1020 dst $S4
	END
	ip -n "$NS_S" -batch - <<-END
		link add tun0 mtu 1450 type vxlan id 1010 dstport 4789 local $S4 remote $RS4
		link add tun1 mtu 1450 type vxlan id 1020 dstport 4789 local $S4 remote $RS4
		link set tun1 up
	END
	tunnel_ends "via $V4R" "via $V6R" br0.10
	links_ready "$NS_R" br0.10
}
up_networks_linked() { up_networks "dev rs"; }
run_case "VXLAN of several networks" road networks tun0 udp tcp6 -- br0 tcp
run_case "VXLAN of several networks above the listed port" road networks_linked rs udp,dev-not-in-table

# The same tuple in another network is not taken for this one's: its packets pass the ruleset, which lets
# none in there.
another_network() {
	at_end down
	up_networks
	ip -n "$NS_S" link set tun1 address "$(mac_of "$NS_S" tun0)"
	rules_listing "rc, tun0" 'iifname br0.20 counter name other drop
		meta l4proto { tcp, udp } flow add @f' "counter other { }"
	carried udp
	in_s nft -f - <<-END || skip "no egress hook"
		table netdev move {
			chain out { type filter hook egress device tun0 priority 0; udp sport 5000 fwd to tun1; }
		}
	END
	at_end 'in_s nft flush ruleset'
	must c timeout 300
	if ask c ping 2; then fail "an answer from another network arrived"; fi
	counter other
	[ "$PACKETS" -gt 0 ] || fail "no answer came from the other network: the test proves nothing"
	in_s nft delete table netdev move
	must c timeout 5000
	settle c
}
run_case "another network's packets are not taken for this one's" another_network

# ---- VRF ----

# vrf NAME TABLE DEVICE... - with the addresses of IPv6, which a device loses.
vrf() {
	local name=$1 table=$2 dev
	shift 2

	ip -n "$NS_R" link add "$name" type vrf table "$table" 2>/dev/null || skip "this kernel has no VRF"
	ip -n "$NS_R" link set "$name" up
	for dev; do ip -n "$NS_R" link set "$dev" master "$name"; done
	ip -n "$NS_R" addr replace $RC6/64 dev rc nodad
	ip -n "$NS_R" addr replace $RS6/64 dev rs nodad
}
# The tunnel is in the VRF, its own packets are not.
up_wireguard() {
	behind_tunnel wireguard
	vrf red 100 rc tun0
	ip -n "$NS_R" addr replace $V6R/64 dev tun0 nodad
}
run_case "WireGuard in a VRF" road wireguard tun0 udp tcp6 tcp,nat

up_leak() {
	V4S=$S4 V6S=$S6
	vrf red 100 rc
	vrf blue 200 rs
	ip -n "$NS_R" -batch - <<-END
		route add $S4/32 via $S4 dev rs table 100
		route add 192.0.2.0/24 dev rc table 200
		route add $S6/128 via $S6 dev rs table 100
		route add 2001:db8:1::/64 dev rc table 200
	END
}
run_case "a route from a VRF to another one" road leak rs udp tcp udp6 tcp6 tcp,nat
# A leak that is closed stops a connection.
leak_closed() {
	at_end down
	up_leak
	rules_listing "rc, rs"
	carried udp
	ip -n "$NS_R" route del $S4/32 table 100
	must c timeout 300
	if ask c ping 2; then fail "packets pass between VRFs without a route"; fi
}
run_case "the route from a VRF to another one goes" leak_closed
tunnel_names

# ---- ipvlan and macvtap ----

# ipvlan MODE - the router's addresses are those of an ipvlan of rs, which has rs's Ethernet address. What
# is for others comes in by rs itself.
ipvlan() {
	V4S=$S4 V6S=$S6
	ip -n "$NS_R" addr flush dev rs
	ip -n "$NS_R" link add link rs name top0 type ipvlan mode "$1" 2>/dev/null || skip "this kernel has no ipvlan"
	ip -n "$NS_R" -batch - <<-END
		link set top0 up
		addr add $RS4/24 dev top0
		addr add $RS6/64 dev top0 nodad
	END
	ip -n "$NS_S" neigh flush dev s0
}
up_ipvlan_l2() { ipvlan l2; }
up_macvtap() {
	V4S=$S4 V6S=$S6
	ip -n "$NS_R" link add link rs name top0 type macvtap mode bridge 2>/dev/null || skip "this kernel has no macvtap"
	ip -n "$NS_R" link set top0 up
}
# rs loses its link-local address with ipvlan.
run_case "macvtap beside the listed port" road macvtap rs udp -- "rs, top0" tcp6
run_case "ipvlan above the listed port" road ipvlan_l2 rs udp tcp6 tcp,nat
run_case "ipvlan listed, NAT" road ipvlan_l2 top0 tcp,nat udp6

# ---- containers, where br_netfilter has bridged packets pass the ruleset as well ----

# container NAME ADDR4 ADDR6 - a host at a port of docker0, in HOST.
container() {
	ns_add "$1"
	HOST=$NS
	no_dad "$HOST"
	ip link add h0 netns "$HOST" type veth peer name "v$1" netns "$NS_R"
	ip -n "$NS_R" link set "v$1" master br0 up
	ip -n "$HOST" link set lo up
	host_up "$HOST" h0 "$2" "$3" 172.17.0.1 2001:db8:d::1
	links_ready "$HOST" h0 "$NS_R" "v$1"
}
containers() {
	V4S=$S4 V6S=$S6
	ip -n "$NS_R" -batch - <<-END
		link add br0 type bridge
		addr add 172.17.0.1/16 dev br0
		addr add 2001:db8:d::1/64 dev br0 nodad
		link set br0 up
	END
	# One switch for all namespaces up to 5.2, then one for each.
	in_r sysctl -q net.bridge.bridge-nf-call-iptables=1 net.bridge.bridge-nf-call-ip6tables=1 2>/dev/null ||
		skip "no br_netfilter"
	container a 172.17.0.2 2001:db8:d::2
	A=$HOST
	container b 172.17.0.3 2001:db8:d::3
	B=$HOST
	links_ready "$NS_R" br0
	peer_start eu "$B" server udp :: 5000 || fail "udp echo: $ANSWER"
	peer_start et "$B" server tcp :: 5000 || fail "tcp echo: $ANSWER"
	rules_listing "$1" 'meta l4proto { tcp, udp } flow add @f' "
		chain pre {
			type nat hook prerouting priority dstnat;
			fib daddr type local ip protocol { tcp, udp } th dport 8080 dnat ip to 172.17.0.3:5000
			fib daddr type local ip6 nexthdr { tcp, udp } th dport 8080 dnat ip6 to [2001:db8:d::3]:5000
			iifname br0 udp dport 53 dnat ip to $S4:5000
		}
		chain post {
			type nat hook postrouting priority srcnat;
			ip saddr 172.17.0.0/16 oifname != br0 masquerade
			ip6 saddr 2001:db8:d::/64 oifname != br0 masquerade
			ip saddr 172.17.0.0/16 ip daddr 172.17.0.3 ct status dnat masquerade
		}"
}
# link_of NAME PROTO NAMESPACE ADDR TO PORT - a client whose connection is carried.
link_of() {
	next_port
	peer_start "$1" "$3" client "${2%6}" "$4" "$PORT" "$5" "$6" || fail "$1: $ANSWER"
	promote "$1" "$2" "$PORT"
	settle "$1"
	all_fast "$1" ping 20
	[ "${2%6}" != tcp ] || { must "$1" bulk 100000; settle "$1"; all_fast "$1" bulk 200000; }
}
# Out by masquerading, in by a published port, and to a published port of a neighbour: br_netfilter has that
# one bridged, so that it is not carried.
docker() {
	at_end down
	containers "$1"
	link_of out4 tcp "$A" 172.17.0.2 $S4 5000
	link_of out6 udp6 "$A" 2001:db8:d::2 $S6 5000
	link_of in4 tcp "$NS_S" $S4 $RS4 8080
	link_of in6 udp6 "$NS_S" $S6 $RS6 8080
	next_port
	peer_start pin4 "$A" client tcp 172.17.0.2 "$PORT" $RS4 8080 || fail "pin4: $ANSWER"
	slow 20 pin4 ping 10
	must pin4 bulk 100000
	no_offload_flag tcp "$PORT" || fail "offloaded: $CT"
}
run_case "containers, the bridge listed" docker "br0, rs"
run_case "containers, the bridge's ports listed" docker "va, vb, rs"

# redirected DEVICES COMMAND - what containers ask any server is sent to ours by DNAT, which br_netfilter does
# before the bridge's hook sees the packets.
redirected() {
	at_end down
	containers "$1"
	next_port
	peer_start dns "$A" client udp 172.17.0.2 "$PORT" 203.0.113.53 53 || fail "dns: $ANSWER"
	"$2"
}
stays_with_reason() {
	local before

	reason_count not-at-ingress
	before=$REASON
	slow 10 dns ping 10
	[ "${NFO_PROVIDER:-}" = mainline ] || { reason_count not-at-ingress && [ "$REASON" -ge $((before + 9)) ]; } ||
		fail "the reason is not counted: $before, then $REASON"
}
is_carried() {
	promote dns udp "$PORT"
	settle dns
	all_fast dns ping 20
}
run_case "containers' packets by DNAT, the bridge listed" redirected "br0, rs" stays_with_reason
run_case "containers' packets by DNAT, the bridge's ports listed" redirected "va, vb, rs" is_carried

# bridged PROTO ADDR TO - packets between two containers pass the ruleset, and are bridged all the same: not
# carried, no hop older.
bridged() {
	at_end down
	containers "va, vb, br0, rs"
	in_ns "$B" nft -f - <<-END
		table inet hops {
			counter whole { }
			chain in {
				type filter hook input priority 0;
				ip ttl 64 udp dport 5000 counter name whole
				ip6 hoplimit 64 udp dport 5000 counter name whole
			}
		}
	END
	next_port
	peer_start c "$A" client "${1%6}" "$2" "$PORT" "$3" 5000 || fail "$ANSWER"
	slow 20 c ping 10
	slow 40 c ping 20
	no_offload_flag "$1" "$PORT" || fail "offloaded: $CT"
	counter whole "$B" inet hops
	equal "$PACKETS" 30 "packets that came as they were sent"
}
run_case "packets between containers are bridged, udp" bridged udp 172.17.0.2 172.17.0.3
run_case "packets between containers are bridged, udp6" bridged udp6 2001:db8:d::2 2001:db8:d::3

all_done
