#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# tags: life compat stock long
# Tunnels of other kinds, and devices above and below them: tunnels in UDP, L2TP, MACsec, batman-adv, PRP,
# GRE without a remote address, lightweight tunnels. Each is carried in both directions, or stays slow for
# a reason that has a name.
# shellcheck source=../lib.sh disable=SC2119
. "$(dirname "$0")/../lib.sh"
# shellcheck source=../lib-stacks.sh
. "$(dirname "$0")/../lib-stacks.sh"
# shellcheck source=../lib-roads.sh
. "$(dirname "$0")/../lib-roads.sh"

modprobe -q -a ip_gre ipip macsec l2tp_eth l2tp_ip l2tp_netlink fou vxlan 8021q bridge batman_adv hsr mpls_router \
	mpls_iptunnel esp4 xfrm_user || true
topo_up
echo_up
tunnel_names

# ---- tunnels in UDP ----

# fou_up KIND OPTION... - UDP around the tunnel's packets.
up_fou() { fou_up ipip 4; }
up_fou_gre() { fou_up gre 47; }
fou_up() {
	local ns own=$RS4 peer=$S4

	for ns in "$NS_R" "$NS_S"; do
		in_ns "$ns" ip fou add port 5555 ipproto "$2" 2>/dev/null || skip "no FOU"
		at_end "in_ns $ns ip fou del port 5555"
		ip -n "$ns" link add tun0 type "$1" local $own remote $peer encap fou encap-sport 5555 encap-dport 5555 2>/dev/null ||
			skip "no $1 in UDP"
		own=$S4 peer=$RS4
	done
	if [ "$1" = ipip ]; then tunnel_ends '' none; else tunnel_ends; fi
}
run_case "GRE in UDP" road fou_gre tun0 udp6 -- rs tcp6,dev-not-in-table

# explained NAME DEVICES... - as road; at last the tool says why such a road is not carried.
explained() {
	local out

	road "$@"
	out=$(in_r "$NFO_TOOLS/nft-offload" explain -j udp "$C4:$PORT" "$TO:5000") || true
	[[ $out == *dev-not-in-table* ]] || fail "explain: $out"
}
run_case "IPIP in UDP" explained fou tun0 tcp -- rs udp,dev-not-in-table

# A pseudowire with Ethernet inside.
up_l2tp() { l2tp_up encap udp udp_sport 1701 udp_dport 1701; }
up_l2tp_ip() { l2tp_up encap ip; }
l2tp_up() {
	local ns own=$RS4 peer=$S4

	for ns in "$NS_R" "$NS_S"; do
		ip -n "$ns" l2tp add tunnel tunnel_id 1 peer_tunnel_id 1 "$@" local $own remote $peer 2>/dev/null || skip "no L2TP"
		ip -n "$ns" l2tp add session name tun0 tunnel_id 1 session_id 1 peer_session_id 1 || skip "no L2TP"
		own=$S4 peer=$RS4
	done
	tunnel_ends "via $V4R" "via $V6R"
}
run_case "L2TP" road l2tp tun0 udp tcp6 -- rs udp,dev-not-in-table
run_case "L2TP over IP" road l2tp_ip tun0 tcp,nat -- rs tcp6,dev-not-in-table

# PPP over L2TP, as an access concentrator has it.
up_ppp_l2tp() {
	modprobe -q -a l2tp_ppp ppp_generic && [ -e /dev/ppp ] || skip "this kernel has no PPP over L2TP"
	at_end 'peer_stop pr; peer_stop ps'
	peer_run pr "$NFO_TOOLS/nfo_peer" -n "$NS_R" exec "$NFO_TOOLS/nfo_pppoe" l2tp $RS4 $S4
	peer_answer pr || fail "the router's session: $ANSWER"
	peer_run ps "$NFO_TOOLS/nfo_peer" -n "$NS_S" exec "$NFO_TOOLS/nfo_pppoe" l2tp $S4 $RS4
	peer_answer ps || fail "the server's session: $ANSWER"
	both link set ppp0 mtu 1400
	tunnel_ends "" "" ppp0 ppp0
}
run_case "PPP over L2TP" road ppp_l2tp ppp0 udp tcp6 tcp,nat -- rs udp,dev-not-in-table tcp6,dev-not-in-table

# ---- MACsec and what stands above a tunnel ----

macsec_pair() {
	local ns dev=rs peer

	ip -n "$NS_R" link add link rs name tun0 type macsec encrypt on 2>/dev/null || skip "no MACsec"
	ip -n "$NS_S" link add link s0 name tun0 type macsec encrypt on
	peer=$(mac_of "$NS_S" s0)
	for ns in "$NS_R" "$NS_S"; do
		ip -n "$ns" macsec add tun0 tx sa 0 pn 1 on key 01 00112233445566778899aabbccddeeff
		ip -n "$ns" macsec add tun0 rx address "$peer" port 1
		ip -n "$ns" macsec add tun0 rx address "$peer" port 1 sa 0 pn 1 on key 01 00112233445566778899aabbccddeeff
		peer=$(mac_of "$NS_R" $dev)
	done
	ip -n "$NS_R" link set tun0 up
	ip -n "$NS_S" link set tun0 up
}
up_macsec() {
	macsec_pair
	tunnel_ends "via $V4R" "via $V6R"
}
# vlan_above - top0, a VLAN of the tunnel's device. What does not fit with the tag gretap drops silently.
vlan_above() {
	both link add link tun0 name top0 mtu 1400 type vlan id 10
	tunnel_ends "via $V4R" "via $V6R" top0 top0
}
up_macsec_vlan() {
	macsec_pair
	vlan_above
}
# A VXLAN device that is linked to the port below.
linked_vxlan() {
	ip -n "$NS_R" link add tun0 mtu 1450 type vxlan id 77 dstport 4789 local $RS4 remote $S4 dev rs || skip "no VXLAN"
	ip -n "$NS_S" link add tun0 mtu 1450 type vxlan id 77 dstport 4789 local $S4 remote $RS4 dev s0
	ip -n "$NS_R" link set tun0 up
	ip -n "$NS_S" link set tun0 up
}
up_vxlan_vlan() {
	linked_vxlan
	vlan_above
}
up_gretap_vlan() {
	ip -n "$NS_R" link add tun0 type gretap local $RS4 remote $S4 || skip "no gretap"
	ip -n "$NS_S" link add tun0 type gretap local $S4 remote $RS4
	ip -n "$NS_R" link set tun0 up
	ip -n "$NS_S" link set tun0 up
	vlan_above
}
# The server is behind a bridge whose one port is the tunnel.
up_vxlan_bridge() {
	linked_vxlan
	ip -n "$NS_R" -batch - <<-END
		link add br0 type bridge
		link set br0 mtu 1450
		link set tun0 master br0
	END
	tunnel_ends "via $V4R" "via $V6R" br0
	links_ready "$NS_R" br0
}
run_case "MACsec" road macsec tun0 udp tcp6 -- rs udp,dev-not-in-table tcp6,dev-not-in-table
run_case "a VLAN above MACsec" road macsec_vlan tun0 udp tcp6 -- top0 tcp -- rs udp,dev-not-in-table tcp6,dev-not-in-table
run_case "a VLAN above VXLAN" road vxlan_vlan tun0 udp tcp6 -- rs udp,dev-not-in-table tcp6,dev-not-in-table
run_case "a VLAN above gretap" road gretap_vlan tun0 udp tcp6 -- rs udp,dev-not-in-table
run_case "a bridge above VXLAN" road vxlan_bridge tun0 udp tcp6 -- rs udp,dev-not-in-table tcp6,dev-not-in-table

# ---- devices that are linked to a port and do more than add a header ----

# The frames of batman-adv have headers of their own.
up_batman() {
	ip -n "$NS_R" link add top0 type batadv 2>/dev/null || skip "this kernel or its ip has no batman-adv"
	ip -n "$NS_S" link add top0 type batadv
	ip -n "$NS_R" link set rs master top0
	ip -n "$NS_S" link set s0 master top0
	tunnel_ends "via $V4R" "via $V6R" top0 top0
	wait_for 20 reached || fail "the mesh does not reach the server"
}
reached() { in_r ping -c 1 -W 1 $V4S >/dev/null; }
run_case "batman-adv" explained batman top0 udp -- rs udp,dev-not-in-table

# A packet comes by each of two ports, with a trailer, and the device drops the second one.
up_prp() {
	ip link add s1 netns "$NS_S" type veth peer name rs2 netns "$NS_R"
	at_end "ip -n $NS_R link del rs2"
	ip -n "$NS_R" link add top0 type hsr slave1 rs slave2 rs2 proto 1 2>/dev/null || skip "this kernel or its ip has no PRP"
	ip -n "$NS_S" link add top0 type hsr slave1 s0 slave2 s1 proto 1
	ip -n "$NS_R" -batch - <<-END
		link set rs up
		link set rs2 up
	END
	ip -n "$NS_S" -batch - <<-END
		link set s0 up
		link set s1 up
	END
	tunnel_ends "via $V4R" "via $V6R" top0 top0
	links_ready "$NS_R" rs2 "$NS_S" s1
	wait_for 20 reached || fail "the server is not reached"
}
run_case "PRP" road prp top0 udp
prp_ports() {
	at_end down
	up_prp
	rules_listing "rc, rs, rs2"
	declined "$1" dev-not-in-table
	# Each answer comes once.
	in_c nft -f - <<-END
		table inet once {
			counter got { }
			chain in { type filter hook input priority 0; udp sport 5000 counter name got; }
		}
	END
	must c ping 20
	counter got "$NS_C" inet once
	in_c nft delete table inet once
	equal "$PACKETS" 20 "answers that have come"
}
run_case "the ports below PRP listed, udp" prp_ports udp

# ---- GRE without a remote address ----

up_mgre() {
	local ns own=$RS4 peer=$S4 v4=$V4S v6=$V6S

	for ns in "$NS_R" "$NS_S"; do
		ip -n "$ns" link add tun0 type gre local $own key 1 || skip "no GRE"
		ip -n "$ns" link set tun0 up
		ip -n "$ns" neigh add $v4 lladdr $peer dev tun0
		ip -n "$ns" neigh add $v6 lladdr $peer dev tun0
		own=$S4 peer=$RS4 v4=$V4R v6=$V6R
	done
	tunnel_ends "via $V4R" "via $V6R"
}
run_case "GRE without a remote" road mgre rs udp tcp6 -- tun0 udp tcp6 tcp,nat
# IPsec encrypts what goes to this neighbour.
up_mgre_esp() {
	local ns own=$RS4 peer=$S4 keys

	up_mgre
	keys="auth hmac(sha1) 0x0123456789012345678901234567890123456789 enc cbc(aes) 0x00112233445566778899aabbccddeeff"
	for ns in "$NS_R" "$NS_S"; do
		ip -n "$ns" -batch - <<-END || skip "no xfrm"
			xfrm state add src $RS4 dst $S4 proto esp spi 0x100 mode transport $keys
			xfrm state add src $S4 dst $RS4 proto esp spi 0x101 mode transport $keys
			xfrm policy add dir out src $own dst $peer proto gre tmpl src $own dst $peer proto esp mode transport
			xfrm policy add dir in src $peer dst $own proto gre tmpl src $peer dst $own proto esp mode transport
		END
		own=$S4 peer=$RS4
	done
}
run_case "GRE without a remote under IPsec" road mgre_esp tun0 udp -- rs udp,dev-not-in-table tcp6,dev-not-in-table

# The server is found at another address: what is sent goes there.
mgre_moves() {
	at_end down
	ip -n "$NS_S" addr add 198.51.100.3/24 dev s0
	at_end "ip -n $NS_S addr del 198.51.100.3/24 dev s0"
	up_mgre
	rules_listing "rc, rs"
	carried udp
	in_s nft -f - <<-END
		table inet moved {
			counter there { }
			chain in { type filter hook input priority 0; ip protocol gre ip daddr 198.51.100.3 counter name there; }
		}
	END
	at_end 'in_s nft delete table inet moved'
	ip -n "$NS_S" link set tun0 type gre local 198.51.100.3 key 1
	ip -n "$NS_R" neigh replace $V4S lladdr 198.51.100.3 dev tun0
	must c ping 1
	promote c udp "$PORT"
	all_fast c ping 20
	counter there "$NS_S" inet moved
	[ "$PACKETS" -ge 21 ] || fail "$PACKETS packets have come to the new address"
}
run_case "GRE without a remote, a neighbour gets another address" mgre_moves

# ---- lightweight tunnels: the route says what is put around a packet ----

# The device is one for all tunnels; answers come as those of any tunnel.
up_external() {
	ip -n "$NS_R" link add tun0 type gre external 2>/dev/null || skip "no external GRE"
	ip -n "$NS_S" link add tun0 type gre local $S4 remote $RS4 key 100
	tunnel_ends
	ip -n "$NS_R" -batch - <<-END || skip "no lightweight tunnels"
		route replace $V4S/32 encap ip id 100 dst $S4 src $RS4 key dev tun0
		route replace $V6S/128 encap ip id 100 dst $S4 src $RS4 key dev tun0
	END
}
run_case "a route with a GRE tunnel" road external rs udp,route-type,10 tcp6,route-type,10 -- tun0 udp,route-type,10 tcp6,route-type,10

# plain_watch - from now on the server counts packets of a connection that come without anything around.
plain_watch() {
	in_s nft -f - <<-END
		table netdev labels {
			counter plain { }
			chain in { type filter hook ingress device s0 priority 0; meta l4proto { tcp, udp } th dport 5000 counter name plain; }
		}
	END
	at_end 'in_s nft delete table netdev labels'
}

# The server pops the label; answers come without one.
up_mpls() {
	in_r sysctl -q net.mpls.platform_labels=1000 2>/dev/null || skip "no MPLS"
	in_s sysctl -q net.mpls.platform_labels=1000 net.mpls.conf.s0.input=1
	ip -n "$NS_S" link set lo up
	ip -n "$NS_S" -f mpls route replace 100 dev lo
	at_end "ip -n $NS_R route del 203.0.113.66/32; ip -n $NS_S addr del 203.0.113.66/32 dev lo"
	ip -n "$NS_S" addr add 203.0.113.66/32 dev lo
	ip -n "$NS_S" route replace 192.0.2.0/24 via $RS4 dev s0 src 203.0.113.66
	# The label is one hop more.
	ROAD_AGES=''
	ip -n "$NS_R" route replace 203.0.113.66/32 encap mpls 100 via inet $S4 dev rs || skip "no MPLS"
}
run_case "a route with a label" road mpls rs udp,route-type,10 tcp,route-type,10

# The server takes the outer header off.
up_seg6() {
	at_end "ip -n $NS_R -6 route del 2001:db8:5::2/128; ip -n $NS_S addr del 2001:db8:5::2/128 dev lo"
	at_end "ip -n $NS_S -6 route del 2001:db8:f::1/128; ip -n $NS_R -6 route del 2001:db8:f::/64"
	sysctl_in "$NS_S" net/ipv6/conf/all/seg6_enabled 1
	sysctl_in "$NS_S" net/ipv6/conf/s0/seg6_enabled 1
	ip -n "$NS_S" addr add 2001:db8:5::2/128 dev lo nodad
	ip -n "$NS_S" route replace 2001:db8:1::/64 via $RS6 dev s0 src 2001:db8:5::2
	ip -n "$NS_S" -6 route add 2001:db8:f::1/128 encap seg6local action End.DT6 table 255 dev s0 || skip "no SRv6"
	ip -n "$NS_R" -6 route add 2001:db8:f::/64 via $S6
	ip -n "$NS_R" -6 route add 2001:db8:5::2/128 encap seg6 mode encap segs 2001:db8:f::1 dev rs || skip "no SRv6"
}
# The header comes before forwarding: the forward chain sees what is around the packet, and the packet is
# no hop older. None of them leaves without.
segments() {
	at_end down
	up_seg6
	rules_listing "rc, rs"
	plain_watch
	address_of udp6
	for proto in udp6 tcp6; do
		client c $proto 5000 "$TO"
		must c ping 20
		must c ping 4 1200
		[ $proto = udp6 ] || must c bulk 100000
		peer_stop c
	done
	counter plain "$NS_S" netdev labels
	equal "$PACKETS" 0 "packets without a segment"
}
run_case "a route with a segment" segments

# encapsulated COMMAND - a route under a live connection gets a label by this: all packets have it then.
encapsulated() {
	at_end down
	up_mpls
	ip -n "$NS_R" route replace 203.0.113.66/32 via $S4 dev rs
	eval "${2:-:}"
	rules_listing "rc, rs"
	carried udp
	plain_watch
	eval "$1"
	must c ping 1
	counter plain "$NS_S" netdev labels
	local before=$PACKETS
	slow 10 c ping 10
	counter plain "$NS_S" netdev labels
	equal "$((PACKETS - before))" 0 "packets without a label"
}
run_case "a route gets a label" encapsulated \
	"ip -n $NS_R route replace 203.0.113.66/32 encap mpls 100 via inet $S4 dev rs"
run_case "a next hop gets a label" encapsulated \
	"ip -n $NS_R nexthop replace id 9 encap mpls 100 via $S4 dev rs" \
	"ip -n $NS_R nexthop add id 9 via $S4 dev rs; at_end 'ip -n $NS_R nexthop del id 9'; ip -n $NS_R route replace 203.0.113.66/32 nhid 9"

# ---- IPVS ----

# balanced PROTO - answers of a server leave with the address that IPVS balances. The router's IPVS tells
# conntrack (net.ipv4.vs.conntrack, as Kubernetes sets it), but it is no NAT of conntrack's. The checksum of
# SCTP has no addresses in it.
balanced() {
	local before

	modprobe -q -a ip_vs ip_vs_rr || skip "no IPVS"
	sysctl_r net/ipv4/vs/conntrack 1 || skip "IPVS tells conntrack nothing"
	in_r "$NFO_TOOLS/nfo_ipvs" "$1" $RC4 5003 $S4 5003 || fail "IPVS does not balance $1"
	peer_start balanced "$NS_S" server "$1" $S4 5003 || skip "no such sockets: $ANSWER"
	rules_listing "rc, rs" "flow add @f"
	reason_count header-changed
	before=$REASON
	client c "$1" 5003 $RC4
	must c ping 20
	must c ping 4 1200
	slow 10 c ping 10
	no_offload_flag "$1" "$PORT" || fail "offloaded: $CT"
	reason_count header-changed
	[ "$REASON" -gt "$before" ] || fail "the reason is not counted"
}
modprobe -q sctp || true
run_case "IPVS balances UDP" balanced udp
run_case "IPVS balances TCP" balanced tcp
run_case "IPVS balances SCTP" balanced sctp

all_done
