#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# tags: life
# Routers as people set them up: a port that is forwarded to a host of the same LAN, containers
# behind a bridge, VLANs of one port, a route between VRFs, an uplink whose address changes.
# shellcheck source=../lib.sh disable=SC2119
. "$(dirname "$0")/../lib.sh"

modprobe -q -a bridge 8021q vrf || true

# router DEVICES LINES - the ruleset with these devices listed, and lines of the table.
router() { rules_listing "$1" 'meta l4proto { tcp, udp } flow add @f' "$2"; }

# host NAME BRIDGE ADDR/LEN GATEWAY - one more host, at a port NAME of a bridge of the router; its
# namespace in HOST.
host() {
	ns_add "h$1"
	HOST=$NS
	ip -n "$HOST" link set lo up
	plug "$@"
}
plug() {
	ip link add h0 netns "$HOST" type veth peer name "$1" netns "$NS_R"
	ip -n "$NS_R" link set "$1" master "$2" up
	ip -n "$HOST" -batch - <<-END
		addr add $3 dev h0
		link set h0 up
		route add default via $4
	END
	links_ready "$HOST" h0 "$NS_R" "$1" "$NS_R" "$2"
}

# carried NAMESPACE ADDR TO PORT - UDP and TCP connections are made and carried.
carried() {
	local proto

	for proto in udp tcp; do
		next_port
		peer_start "c$proto" "$1" client $proto "$2" "$PORT" "$3" "$4" || fail "$proto: $ANSWER"
		promote "c$proto" $proto "$PORT"
		fast "c$proto" ping 20
	done
	fast ctcp bulk 200000
}

echo_at() {
	peer_start eu "$1" server udp "$2" 5000 || fail "udp echo: $ANSWER"
	peer_start et "$1" server tcp :: 5000 || fail "tcp echo: $ANSWER"
}

lan_bridge() {
	ip -n "$NS_R" -batch - <<-END
		addr flush dev rc
		link add br0 type bridge $*
		link set rc master br0
		link set br0 up
	END
	links_ready "$NS_R" br0
}

# The client asks for the router's outer address, and the answer comes from the same LAN.
hairpin() {
	topo_up a
	lan_bridge
	ip -n "$NS_R" addr add $RC4/24 dev br0
	host rd br0 192.0.2.3/24 $RC4
	echo_at "$HOST" 192.0.2.3
	router "$1" "
		chain pre {
			type nat hook prerouting priority dstnat;
			ip daddr $RS4 meta l4proto { tcp, udp } th dport 8000 dnat ip to 192.0.2.3:5000
		}
		chain post {
			type nat hook postrouting priority srcnat;
			ip saddr 192.0.2.0/24 ip daddr 192.0.2.3 masquerade
		}"
	carried "$NS_C" $C4 $RS4 8000
}
run_case "a forwarded port of the same LAN, the bridge listed" hairpin "br0, rs"
run_case "a forwarded port of the same LAN, its ports listed" hairpin "rc, rd, rs"

# Out by masquerading, in by a published port; the container gets a new device meanwhile.
containers() {
	topo_up b
	ip -n "$NS_R" -batch - <<-END
		link add docker0 type bridge
		addr add 172.17.0.1/16 dev docker0
		link set docker0 up
	END
	host veth1 docker0 172.17.0.2/16 172.17.0.1
	echo_at "$HOST" 172.17.0.2
	peer_start su "$NS_S" server udp :: 5000 || fail "$ANSWER"
	peer_start st "$NS_S" server tcp :: 5000 || fail "$ANSWER"
	router "docker0, rs" "
		chain pre {
			type nat hook prerouting priority dstnat;
			fib daddr type local meta l4proto { tcp, udp } th dport 8080 dnat ip to 172.17.0.2:5000
		}
		chain post {
			type nat hook postrouting priority srcnat;
			ip saddr 172.17.0.0/16 oifname != docker0 masquerade
		}"
	carried "$HOST" 172.17.0.2 $S4 5000
	carried "$NS_S" $S4 $RS4 8080
	ip -n "$HOST" link del h0
	plug veth1 docker0 172.17.0.2/16 172.17.0.1
	peer_stop eu
	peer_start eu "$HOST" server udp 172.17.0.2 5000 || fail "udp echo: $ANSWER"
	must cudp timeout 1000
	wait_for 10 ask cudp ping 1 || fail "the new device gets nothing: $ANSWER"
	promote cudp udp $((PORT - 1))
	fast cudp ping 20
}
run_case "containers, one gets a new device" containers

# Client and server are in two VLANs of one port.
one_port() {
	local dev

	topo_up d
	lan_bridge vlan_filtering 1
	for dev in 10 20; do
		in_r bridge vlan add dev rc vid $dev
		in_r bridge vlan add dev br0 vid $dev self
		ip -n "$NS_R" link add link br0 name v$dev type vlan id $dev
		ip -n "$NS_R" link set v$dev up
		ip -n "$NS_C" link add link c0 name v$dev type vlan id $dev
	done
	ns_add hv
	HOST=$NS
	ip -n "$NS_C" link set v20 netns "$HOST"
	ip -n "$NS_R" -batch - <<-END
		addr add $RC4/24 dev v10
		addr add 10.20.0.1/24 dev v20
	END
	ip -n "$NS_C" -batch - <<-END
		addr flush dev c0
		addr add $C4/24 dev v10
		link set v10 up
		route replace default via $RC4
	END
	ip -n "$HOST" -batch - <<-END
		addr add 10.20.0.2/24 dev v20
		link set lo up
		link set v20 up
		route add default via 10.20.0.1
	END
	links_ready "$NS_R" v10 "$NS_R" v20 "$NS_C" v10 "$HOST" v20
	echo_at "$HOST" 10.20.0.2
	rules_listing "$1"
	carried "$NS_C" $C4 10.20.0.2 5000
}
run_case "two VLANs of one port of a bridge, the port listed" one_port "rc, rs"
run_case "two VLANs of one port of a bridge, their devices listed" one_port "v10, v20"

# The client's network is in a VRF, the uplink is not.
between_vrfs() {
	topo_up e
	ip -n "$NS_R" link add red type vrf table 100 2>/dev/null || skip "this kernel has no VRF"
	ip -n "$NS_R" -batch - <<-END
		link set red up
		link set rc master red
		route add $S4/32 via $S4 dev rs table 100
		route add 192.0.2.0/24 dev red
	END
	echo_at "$NS_S" ::
	rules_listing "$1"
	carried "$NS_C" $C4 $S4 5000
}
run_case "a route from a VRF to the uplink" between_vrfs "rc, rs"

# Conntrack deletes the connections of an address that goes.
new_address() {
	topo_up f
	echo_at "$NS_S" ::
	router "rc, rs" "chain post { type nat hook postrouting priority srcnat; oifname rs masquerade; }"
	carried "$NS_C" $C4 $S4 5000
	ip -n "$NS_R" -batch - <<-END
		addr del $RS4/24 dev rs
		addr add 198.51.100.77/24 dev rs
	END
	must cudp timeout 1000
	wait_for 10 ask cudp ping 1 || fail "nothing passes with the new address: $ANSWER"
	promote cudp udp $((PORT - 1))
	fast cudp ping 20
	in_r conntrack -L -p udp 2>/dev/null | grep "dst=198.51.100.77" >/dev/null || fail "the old address is still in use"
}
run_case "the uplink gets another address" new_address

all_done
