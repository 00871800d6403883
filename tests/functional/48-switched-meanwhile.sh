#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# tags: core long
# Under live connections something is switched: IPv6 or forwarding of one device, a link, a bridge's
# address or VLANs, rules of routing for ports, rp_filter, a VRF, kinds of neighbours. Packets go where
# they go without a flowtable, or nowhere.
# shellcheck source=../lib.sh disable=SC2119
. "$(dirname "$0")/../lib.sh"
# shellcheck source=../lib-inject.sh
. "$(dirname "$0")/../lib-inject.sh"
# shellcheck source=../lib-bridge.sh
. "$(dirname "$0")/../lib-bridge.sh"
modprobe -q -a bridge 8021q vrf || true

# IPv6 is switched off at the device that packets come in by.
no_ipv6() {
	topo_up a
	echo_up
	listing_for "$1" "rc, rs"
	connect_for "$1" c udp6
	rx_packets "$NS_S" s0
	before=$RX
	sysctl_r net/ipv6/conf/rc/disable_ipv6 1
	must c send 20
	nap 1
	must c send 20
	nap 0.2
	rx_packets "$NS_S" s0
	[ $((RX - before)) -le 5 ] || fail "$((RX - before)) packets pass without IPv6"
}
on_both_paths "IPv6 is switched off at a device" no_ipv6

# forwarding of a single device
no_forwarding() {
	topo_up b
	echo_up
	listing_for "$1" "rc, rs"
	connect_for "$1" c udp
	sysctl_r net/ipv4/conf/rc/forwarding 0
	must c timeout 200
	ask c ping 3 && fail "forwarded"
	sysctl_r net/ipv4/conf/rc/forwarding 1
	must c timeout 3000
	must c ping 3
	carry "$1" c udp
	sysctl_r net/ipv4/conf/rs/forwarding 0
	must c timeout 200
	ask c ping 3 && fail "answers forwarded"
	true
}
on_both_paths "forwarding of one device is switched off" no_forwarding

# carried_by DEVICE - of ten packets of c so many come to the server there.
carried_by() {
	rx_packets "$NS_S" "$1"
	before=$RX
	must c ping 10
	rx_packets "$NS_S" "$1"
	[ $((RX - before)) -ge 10 ] || fail "$((RX - before)) of 10 came by $1"
}

# A route whose link is down is not used, and is used again when it is up: that is the way of
# connections too that go by the other route meanwhile.
no_carrier() {
	local path=$1 proto=$2 to=198.18.9.9 first=$S4 second=203.0.113.2 family=4

	topo_up c
	second_link 203.0.113 2001:db8:3
	echo_up
	[ "$proto" = tcp ] || { to=2001:db8:9::9 first=$S6 second=2001:db8:3::2 family=6; }
	sysctl_r net/ipv$family/conf/all/ignore_routes_with_linkdown 1
	sysctl_r net/ipv$family/conf/rs/ignore_routes_with_linkdown 1
	ip -n "$NS_S" addr add $to dev lo
	ip -n "$NS_R" route add $to via $first metric 10
	ip -n "$NS_R" route add $to via $second metric 20
	ip -n "$NS_S" route replace default via 203.0.113.1
	ip -n "$NS_S" -6 route replace default via 2001:db8:3::1
	listing_for "$path" "rc, rs, rs2"
	client c "$proto" 5000 $to
	carry "$path" c "$proto"
	carried_by s0
	ip -n "$NS_S" link set s0 down
	carried_by s1
	[ "$path" = classic ] || { promote c "$proto" "$PORT"; fast c ping 10; }
	ip -n "$NS_S" link set s0 up
	ip -n "$NS_S" addr replace $S6/64 dev s0 nodad
	links_ready "$NS_R" rs
	must c timeout 6000
	# IPv6 does not announce a link that is back: each half second the route object is looked at.
	must c run 700
	must c timeout 3000
	carried_by s0
	carry "$path" c "$proto"
}
on_both_paths "tcp, a route without a link" no_carrier tcp
on_both_paths "tcp6, a route without a link" no_carrier tcp6

# A bridge takes the address of a port that comes to it.
bridge_mac() {
	topo_up d
	echo_up
	ip -n "$NS_R" -batch - <<-END
		addr flush dev rc
		link add br0 type bridge
		link set rc address 02:00:00:00:00:99
		link set rc master br0
		link set br0 up
		addr add $RC4/24 dev br0
		addr add $RC6/64 dev br0 nodad
		link add lower type dummy
		link set lower address 02:00:00:00:00:01
	END
	links_ready "$NS_R" br0
	in_c nft -f - <<-END
		table netdev w {
			counter old { }
			chain i {
				type filter hook ingress device c0 priority 0;
				ether saddr 02:00:00:00:00:99 meta l4proto { udp, tcp } counter name old
			}
		}
	END
	listing_for "$1" "$2"
	connect_for "$1" c udp
	ip -n "$NS_R" link set lower master br0
	[ "$(mac_of "$NS_R" br0)" = 02:00:00:00:00:01 ] || fail "the bridge keeps its address"
	must c timeout 2000
	wait_for 5 ask c ping 1 || { ip -n "$NS_C" neigh flush dev c0; wait_for 10 ask c ping 1 || fail "$ANSWER"; }
	counter old "$NS_C" netdev w
	before=$PACKETS
	must c ping 20
	counter old "$NS_C" netdev w
	equal $((PACKETS - before)) 0 "packets with the old address"
	[ "$1" = classic ] || { promote c udp "$PORT"; fast c ping 10; }
}
on_both_paths "a bridge gets another address, the bridge listed" bridge_mac "br0, rs"
on_both_paths "a bridge gets another address, its port listed" bridge_mac "rc, rs"

# A bridge filters VLANs, and does not any more.
filtering() {
	topo_up e
	echo_up
	lan_bridge
	in_r bridge vlan add dev br0 vid 20 pvid untagged self
	listing_for "$1" "$2"
	connect_for "$1" c udp
	ip -n "$NS_R" link set br0 type bridge vlan_filtering 1
	must c timeout 200
	ask c ping 3 && fail "packets pass a VLAN that the port does not have"
	ip -n "$NS_R" link set br0 type bridge vlan_filtering 0
	must c timeout 3000
	must c ping 3
	carry "$1" c udp
	ip -n "$NS_R" link set br0 type bridge vlan_filtering 1
	must c timeout 200
	ask c ping 1 || true
	must c timeout 3000
	in_r bridge vlan add dev br0 vid 1 pvid untagged self
	must c ping 3
	carry "$1" c udp
	ip -n "$NS_R" link set br0 type bridge vlan_default_pvid 0
	must c timeout 200
	ask c ping 3 && fail "packets pass without a default VLAN"
	true
}
on_both_paths "a bridge begins to filter VLANs, the port listed" filtering "rc, rs"
on_both_paths "a bridge begins to filter VLANs, the bridge listed" filtering "br0, rs"

# A policy rule for the connection's ports.
port_rule() {
	local proto=$2 family=4

	topo_up f
	echo_up
	case $proto in *6) family=6 ;; esac
	listing_for "$1" "rc, rs"
	connect_for "$1" c "$proto"
	must c timeout 300
	ip -n "$NS_R" -$family rule add pref 50 sport "$PORT" dport 5000 ipproto "${proto%6}" prohibit
	ask c ping 3 && fail "packets pass"
	ip -n "$NS_R" -$family rule del pref 50
	must c timeout 3000
	must c ping 3
	carry "$1" c "$proto"
	ip -n "$NS_R" -$family rule add pref 50 iif rs sport 5000 blackhole
	must c timeout 300
	ask c ping 3 && fail "answers pass"
	true
}
on_both_paths "udp, a routing rule for ports" port_rule udp
on_both_paths "udp6, a routing rule for ports" port_rule udp6

# rp_filter becomes strict while the way back leads elsewhere.
strict() {
	topo_up g
	second_link 203.0.113 2001:db8:3
	echo_up
	sysctl_r net/ipv4/conf/all/rp_filter 0
	sysctl_r net/ipv4/conf/rc/rp_filter 0
	in_s nft -f - <<-END
		table netdev w {
			counter arrived { }
			chain i { type filter hook ingress device s0 priority 0; udp dport 5000 counter name arrived; }
		}
	END
	listing_for "$1" "rc, rs, rs2"
	connect_for "$1" c udp
	counter arrived "$NS_S" netdev w
	before=$PACKETS
	ip -n "$NS_R" route add $C4 via 203.0.113.2
	must c send 10
	counter arrived "$NS_S" netdev w
	[ $((PACKETS - before)) -ge 10 ] || fail "$((PACKETS - before)) of 10 arrived"
	sysctl_r "net/ipv4/conf/$2/rp_filter" 1
	nap 0.1
	counter arrived "$NS_S" netdev w
	before=$PACKETS
	must c send 10
	nap 0.1
	counter arrived "$NS_S" netdev w
	[ $((PACKETS - before)) -le 1 ] || fail "$((PACKETS - before)) passed the strict filter"
}
on_both_paths "rp_filter of the device becomes strict" strict rc
on_both_paths "rp_filter of all devices becomes strict" strict all

# A device is moved to a VRF, and back.
to_vrf() {
	topo_up i
	echo_up
	ip -n "$NS_R" link add red type vrf table 100 2>/dev/null || skip "no VRF"
	ip -n "$NS_R" link set red up
	listing_for "$1" "rc, rs"
	connect_for "$1" c udp
	must c timeout 300
	ip -n "$NS_R" link set rc master red
	ask c ping 3 && fail "packets pass into another VRF"
	ip -n "$NS_R" link set rs master red
	ip -n "$NS_R" addr replace $RS6/64 dev rs nodad
	ip -n "$NS_R" addr replace $RC6/64 dev rc nodad
	must c timeout 3000
	wait_for 10 ask c ping 1 || fail "$ANSWER"
	[ "$1" = classic ] || { promote c udp "$PORT"; fast c ping 10; }
}
on_both_paths "devices move to a VRF" to_vrf

# A neighbour that is noarp or permanent with another address.
neigh_kinds() {
	topo_up j
	echo_up
	listing_for "$1" "rc, rs"
	connect_for "$1" c udp
	must c timeout 300
	ip -n "$NS_R" neigh replace $S4 lladdr 02:00:00:00:00:77 dev rs nud permanent
	ask c ping 3 && fail "the old address is in use"
	ip -n "$NS_R" neigh replace $S4 lladdr "$(mac_of "$NS_S" s0)" dev rs nud noarp
	must c timeout 3000
	must c ping 3
	carry "$1" c udp
	ip -n "$NS_R" neigh del $S4 dev rs
	must c ping 3
	carry "$1" c udp
}
on_both_paths "neighbours of other kinds" neigh_kinds

all_done
