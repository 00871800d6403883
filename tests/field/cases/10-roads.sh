# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2086,SC2153,SC2154 # names and addresses hold no white space
# F1 to F6 and others: the device stacks of common routers. The stack itself never changes while
# traffic runs; the question is whether the fast path carries it, and rightly so.

# lan_bridge [OPTIONS...] - br0 over rc takes rc's place.
lan_bridge() {
	module bridge
	ip -n "$NS_R" -batch - <<-END
		addr flush dev rc
		link add br0 type bridge $*
		link set rc master br0
		addr add $RC4/24 dev br0
		addr add $RC6/64 dev br0 nodad
		link set br0 up
	END
	wait_for 10 link_up "$NS_R" br0 || fail "the bridge does not come up"
}

# f1 DEVICES [FLAGS]
f1() {
	field_up
	lan_bridge
	field_rules "$1" "${2:-}"
	probe_and_stream
}
field_case F1-master "bridge listed: slow at most 1 %, all echoed" f1 "br0, rs"
field_case F1-ports "port listed: slow at most 1 %, all echoed" f1 "rc, rs"
field_case F1-both "bridge and port listed: slow at most 1 %, all echoed" f1 "br0, rc, rs"
field_case F1-master-hw "bridge listed, flags offload: loads, slow at most 1 %, all echoed" f1 "br0, rs" "flags offload;"
field_case F1-ports-hw "port listed, flags offload: loads, slow at most 1 %, all echoed" f1 "rc, rs" "flags offload;"
field_case F1-both-hw "both listed, flags offload: loads, slow at most 1 %, all echoed" f1 "br0, rc, rs" "flags offload;"

# rc is an untagged port of VLAN 10 of br0; the router is in it as br0.10.
vlan_bridge() {
	module 8021q
	lan_bridge vlan_filtering 1
	in_r bridge vlan add dev rc vid 10 pvid untagged
	in_r bridge vlan add dev br0 vid 10 self
	ip -n "$NS_R" -batch - <<-END
		addr flush dev br0
		link add link br0 name br0.10 type vlan id 10
		addr add $RC4/24 dev br0.10
		link set br0.10 up
	END
}

# f2 DEVICES
f2() {
	field_up
	vlan_bridge
	field_rules "$1"
	probe_and_stream
}
field_case F2-port "VLAN-aware bridge, port listed: slow at most 1 %" f2 "rc, rs"
field_case F2-master "VLAN-aware bridge, bridge listed: slow at most 1 %" f2 "br0, rs"
field_case F2-vlan "VLAN-aware bridge, br0.10 listed: slow at most 1 %" f2 "br0.10, rs"

# Both devices in the VRF vrf0, whose table is 100.
both_in_vrf() {
	module vrf
	ip -n "$NS_R" -batch - <<-END
		link add vrf0 type vrf table 100
		link set vrf0 up
		link set rc master vrf0
		link set rs master vrf0
	END
}

f3() {
	field_up
	both_in_vrf
	field_rules "rc, rs"
	probe_and_stream
}
field_case F3 "both devices in a VRF: slow at most 1 %" f3

# rs.10 and s0.10, a network of its own behind the tag; the server's address is V4S.
f4() {
	field_up
	behind_vlans 802.1q:10
	ip -n "$NS_R" link set rs.10 address 02:00:00:00:10:01
	ip -n "$NS_S" neigh flush dev s0.10
	field_rules "rc, rs"
	probe_and_stream "$V4S"
}
field_case F4 "VLAN device with a MAC address of its own: slow at most 1 %" f4

# virtual_gateway ADDRESS - the client's gateway is a macvlan above rc, as VRRP daemons make it.
virtual_gateway() {
	module macvlan
	ip -n "$NS_R" -batch - <<-END
		link add mv0 link rc type macvlan mode private
		link set mv0 address 00:00:5e:00:01:01
		addr add $1 dev mv0
		link set mv0 up
	END
	ip -n "$NS_C" route replace default via 192.0.2.254
}

# The router has an address at rc as well.
virtual_router() {
	local d

	virtual_gateway 192.0.2.254/32
	for d in rc mv0; do
		sysctl_r net/ipv4/conf/$d/arp_ignore 1
		sysctl_r net/ipv4/conf/$d/rp_filter 0
	done
}

# f5 DEVICES
f5() {
	field_up
	virtual_router
	field_rules "$1"
	probe_and_stream
}
field_case F5 "gateway address on a macvlan beside its parent: slow at most 1 %" f5 "rc, mv0, rs"
# The router has no other address in that network: answers leave by the macvlan too.
f5_alone() {
	field_up
	ip -n "$NS_R" addr flush dev rc
	virtual_gateway 192.0.2.254/24
	field_rules "$1"
	probe_and_stream
}
field_case F5-alone "gateway address on a macvlan, none on its parent, both listed: slow at most 1 %" f5_alone "rc, mv0, rs"
field_case F5-parent "the same, only the parent is listed: slow at most 1 %" f5 "rc, rs"

# f6 ACTION... - a tc ingress filter on rs.10 while rs is listed; the probe's first third
# passes without it.
f6_start() {
	field_up
	module cls_matchall sch_ingress
	behind_vlans 802.1q:10
	field_rules "rc, rs"
	live_start p "$NS_C" $C4 "$V4S"
}
f6_filter() {
	in_r tc qdisc add dev rs.10 clsact
	in_r tc filter add dev rs.10 ingress matchall "$@" || fail "no filter"
	probe_mark p
}

f6_drop() {
	f6_start
	module act_gact
	f6_filter action drop
	probe_more p
	figure "passed the filter ${P[echoed1]} of ${P[sent1]}"
	want "at most one passes" at_most "${P[echoed1]}" 1
}
field_case F6-drop "tc ingress drop on rs.10: at most one packet passes" f6_drop

f6_police() {
	f6_start
	module act_police
	f6_filter action police pkts_rate 50 pkts_burst 10 conform-exceed drop
	probe_more p
	figure "passed the filter ${P[echoed1]} of ${P[sent1]}"
	# 50 of 200 packets a second, and the burst.
	want "policed" at_most "${P[echoed1]}" $((P[sent1] / 2))
	want "not everything dropped" at_least "${P[echoed1]}" 20
}
field_case F6-police "tc ingress police to a quarter on rs.10: at most half passes" f6_police

f6_redirect() {
	f6_start
	module act_mirred ifb
	ip -n "$NS_R" link add ifb0 type ifb
	ip -n "$NS_R" link set ifb0 up
	f6_filter action mirred egress redirect dev ifb0
	probe_more p
	probe_say
	f6_seen ifb0
	want "ifb0 saw the answers" at_least "$SEEN" $((P[echoed1] - 2))
	want_all
}
# f6_seen DEVICE - packets it sent, in SEEN.
f6_seen() {
	SEEN=$(ip -n "$NS_R" -s -j link show "$1" | grep -o '"tx":{"bytes":[0-9]*,"packets":[0-9]*' | grep -o '[0-9]*$')
	figure "$1 saw $SEEN of ${P[echoed1]}"
}
field_case F6-ifb "tc ingress redirect to an ifb: all answers pass it" f6_redirect

f6_mirror() {
	f6_start
	module act_mirred dummy
	ip -n "$NS_R" link add dum0 type dummy
	ip -n "$NS_R" link set dum0 up
	f6_filter action mirred egress mirror dev dum0
	probe_more p
	probe_say
	f6_seen dum0
	want "dum0 has the copies" at_least "$SEEN" $((P[echoed1] - 2))
	want_all
}
field_case F6-mirror "tc ingress mirror on rs.10: each answer is copied" f6_mirror

# The uplink is a bridge, as where a set-top box shares it, and the session
# is above the bridge.
ppp_bridge() {
	field_up
	module bridge
	ip -n "$NS_R" -batch - <<-END
		addr flush dev rs
		link add br1 type bridge
		link set rs master br1
		link set br1 up
	END
	wait_for 10 link_up "$NS_R" br1 || fail "the bridge does not come up"
	STACK_R=br1
	behind_pppoe
	field_rules "rc, br1"
	probe_and_stream "$V4S"
}
field_case ppp-bridge "PPPoE above a bridge, the bridge listed: slow at most 1 %" ppp_bridge

# Each answer comes by the other uplink than the one before, as where a provider balances packets.
in_turns() {
	local d

	field_up
	second_uplink
	for d in all rs rs2; do sysctl_r net/ipv4/conf/$d/rp_filter 0; done
	in_s nft -f - <<-END
		table ip turns {
			chain o { type route hook output priority mangle; udp sport 5000 meta mark set numgen inc mod 2; }
		}
	END
	ip -n "$NS_S" rule add fwmark 1 table 101
	routes "$NS_S" "add default via 203.0.113.1 table 101"
	field_rules "rc, rs, rs2"
	probe_start p
	probe_end p
	probe_say
	want_all
	want_fast 26
}
field_case answers-in-turns "answers come by two uplinks in turns: all echoed, slow at most 26 % (half of the answers)" in_turns
