# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2086,SC2153,SC2154 # names and addresses hold no white space
# What networks of access providers ask of a router: modems without a link header, IPv4 as a service over
# IPv6, prefixes that are not one's own for long; and a LAN whose hosts move about.

# A modem of raw IP, as wwan0: no link header, no neighbours, a small MTU. It goes down and comes up, then
# the provider gives another address.
# modem DEVICES
modem() {
	field_up
	lan_bridge
	behind_tunnel tun
	ip -n "$NS_R" link set tun0 mtu 1430
	ip -n "$NS_S" route add 100.64.0.0/10 dev tun0 src $V4S
	ip -n "$NS_R" route add default dev tun0
	field_rules "$1" "" "$(clamp tun0)
		iifname tun0 tcp flags syn tcp option maxseg size set 1390" "$(masquerade tun0)"
	probe_and_stream "$V4S"
	live_start p "$NS_C" $C4 "$V4S"
	ip -n "$NS_R" link set tun0 down
	probe_mark p
	probe_pass p 50
	ip -n "$NS_R" link set tun0 up
	ip -n "$NS_R" route replace default dev tun0
	probe_mark p
	probe_pass p 100
	ip -n "$NS_R" addr add 100.64.3.4/32 dev tun0
	ip -n "$NS_R" addr del $V4R/30 dev tun0
	ip -n "$NS_R" route replace $V4S dev tun0
	probe_mark p
	fast_again p
	lost_apart 3
	figure "down: lost ${P[lost1]}"
	probe_say_mark 2 "up again"
	probe_say_mark 3 "another address"
	want_lost 2 3
	want_lost 3 3
	want "the new address" grep -q "dst=100.64.3.4" <<<"$(in_r conntrack -L -p udp 2>/dev/null)"
	stream t 1000000 "$V4S"
}
field_case modem-ports "a modem of raw IP, LAN port listed: slow at most 1 %, down and up, another address: at most 3 lost, fast again" modem "rc, tun0"
field_case modem-bridge "the same, the bridge listed" modem "br0, tun0"

# DS-Lite: IPv4 of the LAN in IPv6 to the provider's router, which does the NAT. The device has no address.
b4() {
	field_up
	lan_bridge
	module ip6_tunnel
	ip -n "$NS_R" link add tun0 type ip6tnl mode ipip6 local $RS6 remote $S6 encaplimit none 2>/dev/null || skip "no ip6tnl"
	ip -n "$NS_S" link add tun0 type ip6tnl mode ipip6 local $S6 remote $RS6 encaplimit none
	ip -n "$NS_R" -batch - <<-END
		addr flush dev rs scope global
		addr add $RS6/64 dev rs nodad
		link set tun0 mtu 1460 up
		route replace default dev tun0
	END
	ip -n "$NS_S" -batch - <<-END
		link set tun0 mtu 1460 up
		addr add $FAR4/32 dev lo
		route replace 192.0.2.0/24 dev tun0 src $FAR4
		route replace 203.0.113.0/24 dev tun0 src $FAR4
	END
}
# ds_lite DEVICES
ds_lite() {
	b4
	field_rules "$1" "" "$(clamp tun0)"
	probe_and_stream $FAR4
	live_start p "$NS_C" $C4 $FAR4
	# The prefix is another one: the tunnel's own end moves.
	ip -n "$NS_R" addr add 2001:db8:2::77/64 dev rs nodad
	ip -n "$NS_S" link set tun0 type ip6tnl mode ipip6 local $S6 remote 2001:db8:2::77 encaplimit none
	ip -n "$NS_R" link set tun0 type ip6tnl mode ipip6 local 2001:db8:2::77 remote $S6 encaplimit none
	ip -n "$NS_R" addr del $RS6/64 dev rs
	probe_mark p
	fast_again p
	probe_say_mark 1 "another prefix"
	want_lost 1 3
	stream t 1000000 $FAR4
}
field_case ds-lite-tunnel "DS-Lite, the tunnel listed: slow at most 1 %, the tunnel's end moves: at most 3 lost, fast again" ds_lite "rc, tun0"
field_case ds-lite-port "DS-Lite, bridge and the port below the tunnel listed: the same" ds_lite "br0, rs"

# MAP-E: a public address that is shared, of whose ports some sets are one's own.
# map_e DEVICES
map_e() {
	local i

	b4
	field_rules "$1" "" "$(clamp tun0)" "
		chain nat {
			type nat hook postrouting priority srcnat;
			meta l4proto { tcp, udp, icmp } oifname tun0 numgen inc mod 3 vmap { 0 : goto a, 1 : goto b, 2 : goto c }
		}
		chain a { meta l4proto { tcp, udp, icmp } snat ip to 203.0.113.66:1232-1235; }
		chain b { meta l4proto { tcp, udp, icmp } snat ip to 203.0.113.66:5328-5331; }
		chain c { meta l4proto { tcp, udp, icmp } snat ip to 203.0.113.66:9424-9427; }"
	count_at "$NS_S" "right ip saddr 203.0.113.66 udp sport { 1232-1235, 5328-5331, 9424-9427 }" \
		"wrong iifname tun0 ip frag-off & 0x1fff == 0 udp sport != { 1232-1235, 5328-5331, 9424-9427 }" \
		"large iifname tun0 udp length > 1500"
	probe_and_stream $FAR4
	for i in 1 2 3; do
		next_port
		peer_start c$i "$NS_C" client udp $C4 $PORT $FAR4 5000 || fail "client: $ANSWER"
		want "echoes" ask c$i ping 10
		want "fragments pass" ask c$i ping 4 3000
		want "echoes after fragments" ask c$i ping 10
	done
	slow_count
	SLOW0=$SLOW
	for i in 1 2 3; do want "echoes" ask c$i ping 20; done
	slow_count
	figure "slow $((SLOW - SLOW0)) of 120 beside fragments"
	classic || want "fast beside fragments" at_most $((SLOW - SLOW0)) 6
	counted "$NS_S" wrong
	want "no packet from another port" [ "$PACKETS" = 0 ]
	counted "$NS_S" right
	want "packets from the own ports" at_least "$PACKETS" 600
}
field_case map-e-tunnel "MAP-E, the tunnel listed: slow at most 1 %, only the own ports, fragments pass, fast beside them" map_e "rc, tun0"
field_case map-e-port "the same, bridge and the port below the tunnel listed" map_e "br0, rs"

# A mesh: the LAN's bridge has a port of batman-adv, whose frames have headers of their own.
mesh() {
	local ns dev=rc

	field_up
	module batman_adv bridge
	for ns in "$NS_R" "$NS_C"; do
		ip -n "$ns" link add bat0 type batadv 2>/dev/null || skip "this ip has no batman-adv"
		ip -n "$ns" -batch - <<-END
			addr flush dev $dev
			link set $dev mtu 1560
			link set $dev master bat0
			link set bat0 up
		END
		dev=c0
	done
	lan_bridge
	ip -n "$NS_R" link set rc nomaster
	ip -n "$NS_R" link set rc master bat0
	ip -n "$NS_R" link set bat0 master br0
	ip -n "$NS_C" addr add $C4/24 dev bat0
	ip -n "$NS_C" route replace default via $RC4
	wait_for 30 in_c ping -c 1 -W 1 $RC4 >/dev/null || fail "the mesh does not reach the router"
	field_rules "$1"
	probe_start p
	probe_end p
	probe_say
	want_all
}
# mesh_fast DEVICES
mesh_fast() {
	mesh "$1"
	want_fast
	stream t 3000000
}
field_case mesh-bridge "a mesh of batman-adv in the LAN's bridge, the bridge listed: slow at most 1 %" mesh_fast "br0, rs"
field_case mesh-port "the same, the mesh's device listed" mesh_fast "bat0, rs"
field_case mesh-below "the same, the port below it listed: all echoed" mesh "rc, rs"

# 464XLAT: the LAN's IPv4 goes to a translator, and comes back from it as IPv6, so the forward chain sees each
# packet twice. tayga is Debian's.
clat() {
	local conf=$LIB_TMP/tayga.conf far=2001:db8:64::10.99.0.1

	command -v tayga >/dev/null || skip "no tayga"
	field_up
	module tun
	cat >"$conf" <<-END
		tun-device clat
		ipv4-addr 192.0.0.2
		prefix 2001:db8:64::/96
		map 192.0.0.1 2001:db8:46::1
	END
	in_r tayga -c "$conf" --mktun || skip "tayga makes no device"
	peer_run clat "$NFO_TOOLS/nfo_peer" -n "$NS_R" exec "$(command -v tayga)" -d -c "$conf"
	ip -n "$NS_R" -batch - <<-END
		link set clat mtu 1480 up
		addr add 192.0.0.1/32 dev clat
		route add default dev clat
		route add 2001:db8:46::/64 dev clat
		route add 2001:db8:64::/96 via $S6
	END
	ip -n "$NS_S" addr add $far/128 dev lo nodad
	ip -n "$NS_S" -6 route add 2001:db8:46::/64 via $RS6
	echo_in "$NS_S" $far
	field_rules "$1" "" "$(clamp clat)" "$(masquerade clat)"
	probe_and_stream $FAR4
}
field_case clat "464XLAT, LAN, translator and uplink listed: slow at most 1 %" clat "rc, clat, rs"

# host_moves DEVICES - a host's route moves between two LAN devices, as mesh and roaming daemons do it;
# the host sends by the new one as well.
host_moves() {
	local i dev moved slows=()

	field_up
	link_pair "$NS_R" rc2 "$NS_C" c1
	ip -n "$NS_R" addr flush dev rc
	for dev in rc rc2; do
		sysctl_r net/ipv4/conf/$dev/rp_filter 0
		ip -n "$NS_R" addr add $RC4/32 dev $dev
	done
	sysctl_r net/ipv4/conf/all/rp_filter 0
	for dev in c0 c1 all; do sysctl_in "$NS_C" net/ipv4/conf/$dev/rp_filter 0; done
	ip -n "$NS_C" -batch - <<-END
		addr flush dev c0
		addr add $C4/32 dev lo
		route replace $RC4 dev c0 src $C4
		route replace default via $RC4 dev c0 onlink src $C4
	END
	ip -n "$NS_R" route replace $C4/32 dev rc
	in_r ping -c 1 -W 1 $C4 >/dev/null || true
	field_rules "$1"
	live_start
	i=0
	for dev in 2:1 :0 2:1 :0; do
		i=$((i + 1))
		ip -n "$NS_R" route replace $C4/32 dev rc${dev%:*}
		ip -n "$NS_C" route replace default via $RC4 dev c${dev#*:} onlink src $C4
		probe_mark p
		slow_count
		slows[i]=$SLOW
		probe_pass p 300
	done
	slow_count
	slows[5]=$SLOW
	fast_again p
	lost_apart 4
	for i in 1 2 3 4; do
		moved=$((slows[i + 1] - slows[i]))
		figure "move $i: back after ${P[back$i]} ms, lost ${P[lost$i]}, slow $moved of 600"
		want_lost $i 3
		classic || want "slow at most 30 packets after move $i" at_most $moved 30
	done
}
field_case host-moves "the route of a host moves between two LAN devices: at most 3 lost, slow at most 30 packets each time" host_moves "rc, rc2, rs"

# A port of a protocol has an uplink of its own, by a rule of routing, as pbr daemons write it.
port_rule() {
	local old

	field_up
	second_uplink
	routes "$NS_R" "add $FAR4 via $S4" "add $FAR4 via 203.0.113.2 table 102"
	echo_in "$NS_S" $FAR4
	field_rules "rc, rs, rs2"
	count_at "$NS_S" "first iifname s0 udp dport 5000" "second iifname s1 udp dport 5000"
	live_start p "$NS_C" $C4 $FAR4
	ip -n "$NS_R" rule add pref 100 ipproto udp dport 5000 lookup 102
	counted "$NS_S" first
	old=$PACKETS
	probe_mark p
	probe_pass p 100
	followed_in "$old" first "by the old uplink"
	ip -n "$NS_R" rule del pref 100
	counted "$NS_S" second
	old=$PACKETS
	probe_mark p
	fast_again p
	followed_in "$old" second "by the second uplink in the end"
	want_lost 2 1
}
field_case port-rule "a rule of routing for a port comes and goes: followed within 2 packets, fast again" port_rule

# The client's port of a VLAN-aware bridge moves to another VLAN, and back.
pvid_moves() {
	field_up
	vlan_bridge
	in_r bridge vlan add dev br0 vid 20 self
	ip -n "$NS_R" -batch - <<-END
		link add link br0 name br0.20 type vlan id 20
		addr add 192.168.20.1/24 dev br0.20
		link set br0.20 up
	END
	field_rules "$1"
	live_start
	in_r bridge vlan add dev rc vid 20 pvid untagged
	in_r bridge vlan del dev rc vid 10
	probe_mark p
	probe_pass p 100
	probe_mark p
	in_r bridge vlan add dev rc vid 10 pvid untagged
	in_r bridge vlan del dev rc vid 20
	probe_mark p
	fast_again p
	figure "in the other VLAN: echoed $((P[echoed1] - P[echoed2])) of $((P[sent1] - P[sent2]))"
	want "at most two answers" at_most $((P[echoed1] - P[echoed2])) 2
	want_lost 3 3
}
field_case pvid-moves-port "the client's port moves to another VLAN and back, port listed: at most two answers meanwhile, then at most 3 lost, fast again" pvid_moves "rc, rs"
field_case pvid-moves-bridge "the same, the bridge listed" pvid_moves "br0, rs"

# A PPPoE session in a VLAN of a bond, whose other port takes over.
bond_session() {
	module 8021q
	field_up
	bond_up
	ip -n "$NS_S" -batch - <<-END
		addr flush dev s0
		link set s0 down
		link set s0 name p0
		link add s0 type bridge
		link set p0 master s0
		link set s1 master s0
		link set p0 up
		link set s1 up
		link set s0 up
	END
	bond_ready s0
	STACK_R=bond0
	behind_pppoe 7
	field_rules "$1" "" "$(clamp ppp0)" "$(masquerade ppp0)"
	probe_and_stream "$V4S"
	live_start p "$NS_C" $C4 "$V4S"
	ip -n "$NS_R" link set bond0 type bond active_slave rs2
	probe_mark p
	probe_pass p 200
	ip -n "$NS_R" link set rs2 down
	probe_mark p
	fast_again p
	lost_apart 2
	probe_say_mark 1 "the other port"
	probe_say_mark 2 "its link goes"
	# 10 datagrams are 50 ms.
	want_lost 1 10
	want_lost 2 30
	stream t 1000000 "$V4S"
}
field_case bond-session "PPPoE in a VLAN of a bond, the bond listed: slow at most 1 %, the other port takes over: at most 10 lost, its link goes: at most 30, fast again" bond_session "rc, bond0"
field_case bond-session-ports "the same, the bond's ports listed" bond_session "rc, rs, rs2"
field_case bond-session-ppp "the same, the session listed" bond_session "rc, ppp0"

# A LAN that goes on behind L2TP: its pseudowire is a port of the bridge.
l2tp_lan() {
	local ns own=$RS4 peer=$S4

	module l2tp_eth l2tp_netlink bridge
	field_up
	tunnel_names
	for ns in "$NS_R" "$NS_S"; do
		ip -n "$ns" l2tp add tunnel tunnel_id 1 peer_tunnel_id 1 encap udp udp_sport 1701 udp_dport 1701 local $own remote $peer || skip "no L2TP"
		ip -n "$ns" l2tp add session name tun0 tunnel_id 1 session_id 1 peer_session_id 1 || skip "no L2TP"
		own=$S4 peer=$RS4
	done
	ip -n "$NS_R" -batch - <<-END
		link add br0 type bridge
		link set tun0 master br0
		link set tun0 up
		link set br0 up
	END
	tunnel_ends "via $V4R" none br0 tun0
	wait_for 10 link_up "$NS_R" br0 || fail "the bridge does not come up"
	field_rules "$1"
	probe_and_stream "$V4S"
}
field_case l2tp-lan-bridge "L2TP as a port of the LAN's bridge, the bridge listed: slow at most 1 %" l2tp_lan "rc, br0"
field_case l2tp-lan-port "the same, the pseudowire listed" l2tp_lan "rc, tun0"

# A router takes over: conntrack entries come from its twin, and the connection is in the middle.
ct_inserted() {
	local port

	field_up
	field_rules "rc, rs" "" "" "$(masquerade rs)
		chain gate { type filter hook prerouting priority -400; }"
	next_port
	port=$PORT
	peer_start t "$NS_C" client tcp $C4 $port $S4 5000 || fail "tcp: $ANSWER"
	must t bulk 1000000
	in_r nft add rule inet t gate drop
	in_r conntrack -D -p tcp --orig-port-src $port >/dev/null 2>&1
	in_r conntrack -I -p tcp -s $C4 -d $S4 --sport $port --dport 5000 -r $S4 -q $C4 \
		--reply-port-src 5000 --reply-port-dst $port -n $RS4 --state ESTABLISHED -u ASSURED,SEEN_REPLY -t 300 ||
		skip "conntrack does not insert"
	in_r nft flush chain inet t gate
	want "tcp goes on ($ANSWER)" ask t bulk 1000000
	bulk_fast t
	want "it is closed" ask t close
}
field_case ct-inserted "conntrack entries come from another router, as conntrackd sends them: tcp goes on, fast again" ct_inserted

# second_of N - of eight flows with N datagrams each, how many go by the second next hop, in SECOND.
second_of() {
	local before

	counted "$NS_S" second
	before=$PACKETS
	must p1 pass "$1"
	counted "$NS_S" second
	SECOND=$((PACKETS - before))
}
# A resilient group of next hops gets other weights: connections in use keep theirs, those that are idle may
# move. Use is what routing sees.
resilient() {
	local i before

	field_up
	second_uplink
	sysctl_r net/ipv4/fib_multipath_hash_policy 1
	ip -n "$NS_R" -batch - <<-END || skip "no resilient groups"
		nexthop add id 1 via $S4 dev rs
		nexthop add id 2 via 203.0.113.2 dev rs2
		nexthop add id 10 group 1/2 type resilient buckets 64 idle_timer 12
		route add $FAR4/32 nhid 10
	END
	echo_in "$NS_S" $FAR4
	field_rules "rc, rs, rs2"
	count_at "$NS_S" "second iifname s1 udp dport 5000"
	for i in 1 2 3 4 5 6 7 8; do
		probe_start p$i "$NS_C" $C4 $FAR4 5000 $MANY 25
	done
	# More than the idle timer.
	must p1 pass 325
	second_of 50
	before=$SECOND
	figure "eight flows, by the second next hop $before of 400"
	ip -n "$NS_R" nexthop replace id 10 group 1,1/2,60 type resilient buckets 64 idle_timer 12
	must p1 pass 25
	second_of 50
	figure "with other weights $SECOND"
	want "connections in use keep their next hop" at_most $((SECOND - before)) 20
	slow_count
	SLOW0=$SLOW
	second_of 50
	slow_count
	figure "a second later $SECOND, slow $((SLOW - SLOW0)) of 800"
	for i in 1 2 3 4 5 6 7 8; do
		must p$i more 10
		probe_end p$i
	done
}
field_case resilient "a resilient group of next hops gets other weights: connections in use keep theirs" resilient

# The provider gives another prefix: the old one goes from the LAN, and comes back in the end.
prefix_changes() {
	field_up
	behind_pppoe
	ip -n "$NS_S" route replace 2001:db8:1::/64 dev ppp0
	ip -n "$NS_S" route replace 2001:db8:77::/64 dev ppp0
	field_rules "$1"
	live_start p "$NS_C" $C6 "$V6S"
	ip -n "$NS_R" -6 -batch - <<-END
		addr add 2001:db8:77::1/64 dev rc nodad
		addr del $RC6/64 dev rc
		route add unreachable 2001:db8:1::/64
	END
	probe_mark p
	probe_pass p 100
	ip -n "$NS_C" addr add 2001:db8:77::2/64 dev c0 nodad
	probe_start q "$NS_C" 2001:db8:77::2 "$V6S"
	probe_end q
	probe_say "new prefix:"
	want_fast
	ip -n "$NS_R" -6 -batch - <<-END
		route del unreachable 2001:db8:1::/64
		addr add $RC6/64 dev rc nodad
	END
	probe_mark p
	fast_again p
	figure "old prefix: echoed $((P[echoed1] - P[echoed2])) of $((P[sent1] - P[sent2]))"
	want "at most two answers for the old prefix" at_most $((P[echoed1] - P[echoed2])) 2
	want_lost 2 3
}
field_case prefix-changes "IPv6 over PPPoE, another prefix: the old one is at once unreachable, the new one fast, the old one comes back: at most 3 lost, fast again" prefix_changes "rc, ppp0"

# Prefix translation of a LAN of local addresses beside global ones; then the provider's prefix changes.
nptv6() {
	local client=fd00:1::2

	field_up
	ip -n "$NS_R" addr add fd00:1::1/64 dev rc nodad
	ip -n "$NS_C" addr add $client/64 dev c0 nodad
	ip -n "$NS_S" route add 2001:db8:70::/48 via $RS6
	ip -n "$NS_S" route add 2001:db8:71::/48 via $RS6
	field_rules "rc, rs" "" "" "
		map npt { type ipv6_addr : interval ipv6_addr; flags interval; elements = { fd00:1::/64 : 2001:db8:70::/64 }; }
		chain nat { type nat hook postrouting priority srcnat; oifname rs snat ip6 prefix to ip6 saddr map @npt; }"
	count_at "$NS_S" "old ip6 saddr 2001:db8:70::2 udp dport 5000" "new ip6 saddr 2001:db8:71::2 udp dport 5000"
	probe_start g "$NS_C" $C6 $S6
	probe_end g
	want_all
	want_fast
	live_start p "$NS_C" $client $S6
	in_r nft 'delete element inet t npt { fd00:1::/64 : 2001:db8:70::/64 }; add element inet t npt { fd00:1::/64 : 2001:db8:71::/64 }'
	in_r conntrack -D -f ipv6 -p udp -s $client >/dev/null 2>&1
	probe_mark p
	fast_again p
	probe_say_mark 1 "another prefix"
	want_lost 1 3
	counted "$NS_S" new
	figure "from the new prefix $PACKETS"
	want "the new prefix" at_least "$PACKETS" 400
	stream t 2000000 $S6 $client
}
field_case nptv6 "NPTv6 beside global addresses, the prefix changes and conntrack is flushed: at most 3 lost, fast again" nptv6

# Defaults for sources, as multihomed IPv6 routers have them: that of the client's prefix moves.
source_routes() {
	local near=2001:db8:7 far=2001:db8:99::1 old

	field_up
	second_uplink6 $near $far
	ip -n "$NS_R" -6 route add default from 2001:db8:1::/64 via $S6 dev rs 2>/dev/null || skip "this kernel has no routes by source"
	ip -n "$NS_R" -6 route add default from 2001:db8:ee::/64 via $near::2 dev rs2
	field_rules "rc, rs, rs2"
	count_at "$NS_S" "first iifname s0 udp dport 5000" "second iifname s1 udp dport 5000"
	live_start p "$NS_C" $C6 $far
	slow_count
	SLOW0=$SLOW
	ip -n "$NS_R" -6 route add 2001:db8:ab::/64 from 2001:db8:ee::/64 via $near::2 dev rs2
	probe_pass p 50
	ip -n "$NS_R" -6 route add default from 2001:db8:1::/64 via $near::2 dev rs2 metric 10
	counted "$NS_S" first
	old=$PACKETS
	probe_mark p
	probe_pass p 100
	followed_in "$old" first "by the old uplink"
	ip -n "$NS_R" -6 route del default from 2001:db8:1::/64 via $near::2 dev rs2 metric 10
	counted "$NS_S" second
	old=$PACKETS
	probe_mark p
	fast_again p
	followed_in "$old" second "by the second uplink in the end"
	want_lost 2 1
}
field_case source-routes "IPv6 routes by source, the client's one moves and comes back: followed within 2 packets, fast again" source_routes
