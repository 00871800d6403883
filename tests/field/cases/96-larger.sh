# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2086,SC2153,SC2154 # names and addresses hold no white space
# Set-ups of larger networks: carrier-grade NAT, customers with the same addresses, routers in a row, nodes
# of a cluster, tunnels between tunnels, bonds that share their load.

# Each of a hundred customers has a thousand ports of a public address.
# cgnat FLAG
cgnat() {
	local i elements=''

	field_up
	for ((i = 1; i <= 100; i++)); do
		elements+="192.0.2.$((100 + i)) : 198.51.100.$((100 + i / 16)) . $((1024 + i % 16 * 1024))-$((2047 + i % 16 * 1024)), "
		echo "addr add 192.0.2.$((100 + i))/24 dev c0"
	done >"$LIB_TMP/customers"
	ip -n "$NS_C" -batch "$LIB_TMP/customers"
	for i in 0 1 2 3 4 5 6; do echo "addr add 198.51.100.$((100 + i))/32 dev rs"; done | ip -n "$NS_R" -batch -
	field_rules "rc, rs" "" "" "
		map cgn { type ipv4_addr : interval ipv4_addr . inet_service; flags interval; elements = { $elements } }
		chain nat { type nat hook postrouting priority srcnat; oifname rs meta l4proto { tcp, udp } snat ip to ip saddr map @cgn $1; }"
	count_at "$NS_S" "translated ip saddr 198.51.100.100-198.51.100.106 udp dport 5000 udp sport 1024-17407"
	for i in 1 16 40 99; do probe_start p$i "$NS_C" 192.0.2.$((100 + i)) $S4 5000 300 100; done
	for i in 1 16 40 99; do
		probe_end p$i
		want_all
	done
	probe_say
	classic || want "at most 2 % of all slow" at_most "${P[slow]}" 48
	counted "$NS_S" translated
	figure "translated $PACKETS"
	want "each has an address and a port of its customer" [ "$PACKETS" = 1200 ]
	stream t 1000000 $S4 192.0.2.150
}
field_case cgnat "a map gives a hundred customers ports, persistent: slow at most 2 %" cgnat persistent
field_case cgnat-random "the same, fully-random" cgnat fully-random

# Two customers have the same addresses: VRFs and conntrack zones keep them apart, and the connection's mark
# brings answers to the right one.
same_customers() {
	field_up
	module vrf
	ns_add d
	NS_D=$NS
	link_pair "$NS_R" rd "$NS_D" d0
	ip -n "$NS_R" -batch - <<-END
		link add va type vrf table 101
		link add vb type vrf table 102
		link set va up
		link set vb up
		link set rc master va
		link set rd master vb
		addr add $RC4/24 dev rd
		route add default via $S4 dev rs table 101
		route add default via $S4 dev rs table 102
		rule add pref 50 iif rs fwmark 101 lookup 101
		rule add pref 50 iif rs fwmark 102 lookup 102
	END
	ip -n "$NS_D" addr add $C4/24 dev d0
	ip -n "$NS_D" route add default via $RC4
	sysctl_r net/ipv4/conf/all/rp_filter 0
	sysctl_r net/ipv4/conf/rs/rp_filter 0
	field_rules "rc, rd, rs" "" "" "
		chain raw {
			type filter hook prerouting priority raw;
			iifname { rc, va } ct original zone set 1 meta mark set 101
			iifname { rd, vb } ct original zone set 2 meta mark set 102
		}
		chain pre {
			type filter hook prerouting priority mangle;
			iifname != rs ct state new ct mark set meta mark
			iifname rs meta mark set ct mark
		}
		$(masquerade rs)"
	probe_start p
	peer_run q "$NFO_TOOLS/nfo_peer" -n "$NS_D" exec "$NFO_TOOLS/nfo_probe" udp $C4 "$PORT" $S4 5000 200 600
	peer_answer q || fail "probe: $ANSWER"
	peer_answer q 60 || fail "probe: $ANSWER"
	figure "the other customer: ${ANSWER#ok }"
	want "the other one's are all echoed" grep -q " lost=0 " <<<"$ANSWER"
	probe_end p
	probe_say
	want_all
	classic || want "at most 1 % of both slow" at_most "${P[slow]}" 24
}
field_case same-customers "two customers with the same addresses, VRFs and zones: all echoed, slow at most 1 %" same_customers

# Two routers in a row, as a home router behind that of the provider: both have a flowtable and NAT.
router_row() {
	field_up
	ns_add m
	NS_M=$NS
	no_dad "$NS_M"
	forwarding_on "$NS_M"
	link_pair "$NS_R" rs2 "$NS_M" w0
	link_pair "$NS_M" w1 "$NS_S" s1
	ip -n "$NS_R" addr add 10.50.0.1/24 dev rs2
	ip -n "$NS_M" addr add 10.50.0.2/24 dev w0
	ip -n "$NS_M" addr add 203.0.113.1/24 dev w1
	ip -n "$NS_S" addr add 203.0.113.2/24 dev s1
	routes "$NS_R" "add 203.0.113.2 via 10.50.0.2"
	field_rules "rc, rs2" "" "" "$(masquerade rs2)"
	in_ns "$NS_M" nft -f - <<-END
		table inet t {
			counter slow { }
			$(flowtable "w0, w1")
			chain forward { type filter hook forward priority 0; counter name slow; $(flow_add); }
			$(masquerade w1)
		}
	END
	probe_and_stream 203.0.113.2
	counter slow "$NS_M" inet t
	figure "slow in the second router $PACKETS"
	classic || want "fast in the second router" at_most "$PACKETS" 72
}
field_case router-row "two routers in a row, NAT in both: slow at most 1 %" router_row

# Calico: a pod whose gateway is in no network of its own, and IPIP without a remote address: the route names
# the other node.
calico() {
	local pod=10.244.1.2 other=10.244.2.1

	module ipip
	field_up
	ip -n "$NS_R" addr flush dev rc
	ip -n "$NS_C" addr flush dev c0
	sysctl_r net/ipv4/conf/rc/proxy_arp 1
	sysctl_r net/ipv4/neigh/rc/proxy_delay 0
	ip -n "$NS_C" -batch - <<-END
		addr add $pod/32 dev c0
		route add 169.254.1.1 dev c0 scope link
		route replace default via 169.254.1.1 dev c0
	END
	ip -n "$NS_R" -batch - <<-END || skip "no tunl0"
		link set tunl0 up mtu 1480
		addr add 10.244.1.1/32 dev tunl0
		route add default via $S4
		route add $pod dev rc scope link
		route add 10.244.2.0/26 via $S4 dev tunl0 onlink
	END
	ip -n "$NS_S" -batch - <<-END
		link set tunl0 up mtu 1480
		addr add $other/32 dev tunl0
		addr add 198.51.100.77/24 dev s0
		route add 10.244.1.0/26 via $RS4 dev tunl0 onlink src $other
	END
	echo_in "$NS_S" $other
	field_rules "$1"
	probe_start p "$NS_C" $pod $other
	probe_end p
	probe_say
	want_all
	want_fast
	stream t 2000000 $other $pod
	live_start p "$NS_C" $pod $other
	ip -n "$NS_R" route replace 10.244.2.0/26 via 198.51.100.77 dev tunl0 onlink
	probe_mark p
	fast_again p
	probe_say_mark 1 "the node has another address"
	want_lost 1 3
}
field_case calico "Calico's routes and IPIP, the tunnel listed: slow at most 1 %, the other node's address changes: at most 3 lost, fast again" calico "rc, tunl0"

# Flannel: a daemon writes neighbours and stations of a VXLAN device, which learns nothing itself.
flannel() {
	local mac_r=02:00:00:00:f0:01 mac_s=02:00:00:00:f0:02

	module vxlan
	field_up
	ip -n "$NS_R" link add flannel.1 address $mac_r type vxlan id 1 dev rs local $RS4 dstport 8472 nolearning || skip "no vxlan"
	ip -n "$NS_S" link add flannel.1 address $mac_s type vxlan id 1 dev s0 local $S4 dstport 8472 nolearning
	ip -n "$NS_R" -batch - <<-END
		link set flannel.1 mtu 1450 up
		addr add 10.244.1.0/32 dev flannel.1
		neigh add 10.244.2.0 lladdr $mac_s dev flannel.1 nud permanent
		route add 10.244.2.0/24 via 10.244.2.0 dev flannel.1 onlink
	END
	in_r bridge fdb add $mac_s dev flannel.1 dst $S4 self permanent
	ip -n "$NS_S" -batch - <<-END
		link set flannel.1 mtu 1450 up
		addr add 10.244.2.0/32 dev flannel.1
		addr add 198.51.100.77/24 dev s0
		neigh add 10.244.1.0 lladdr $mac_r dev flannel.1 nud permanent
		route add 192.0.2.0/24 via 10.244.1.0 dev flannel.1 onlink src 10.244.2.0
	END
	in_s bridge fdb add $mac_r dev flannel.1 dst $RS4 self permanent
	echo_in "$NS_S" 10.244.2.0
	field_rules "$1" "" "" "chain nat {
		type nat hook postrouting priority srcnat;
		ip saddr 192.0.2.0/24 ip daddr 10.244.0.0/16 return
		oifname { rs, flannel.1 } masquerade fully-random
	}"
	probe_and_stream 10.244.2.0
	live_start p "$NS_C" $C4 10.244.2.0
	in_r bridge fdb replace $mac_s dev flannel.1 dst 198.51.100.77 self permanent
	probe_mark p
	fast_again p
	probe_say_mark 1 "the node has another address"
	want_lost 1 3
}
field_case flannel "Flannel's VXLAN, the tunnel listed: slow at most 1 %, the other node's address changes: at most 3 lost, fast again" flannel "rc, flannel.1"

# WireGuard in and WireGuard out, as on a concentrator.
wg_concentrator() {
	local key_r key_c

	field_up
	behind_tunnel wireguard
	key_r=$(wg genkey) key_c=$(wg genkey)
	ip -n "$NS_R" link add wg1 type wireguard
	ip -n "$NS_C" link add wg1 type wireguard
	in_r wg set wg1 listen-port 51821 private-key <(echo "$key_r") peer "$(wg pubkey <<<"$key_c")" allowed-ips 10.60.0.2/32
	in_c wg set wg1 listen-port 51821 private-key <(echo "$key_c") peer "$(wg pubkey <<<"$key_r")" \
		endpoint $RC4:51821 allowed-ips 0.0.0.0/0
	ip -n "$NS_R" addr add 10.60.0.1/24 dev wg1
	ip -n "$NS_R" link set wg1 up
	ip -n "$NS_C" addr add 10.60.0.2/24 dev wg1
	ip -n "$NS_C" link set wg1 up
	routes "$NS_C" "add $V4S dev wg1"
	# The first packets wait for the two handshakes.
	wait_for 10 in_c ping -c 1 -W 1 10.60.0.1 >/dev/null || fail "no tunnel to the client"
	wait_for 10 in_r ping -c 1 -W 1 "$V4S" >/dev/null || fail "no tunnel to the server"
	field_rules "wg1, tun0" "" "" "$(masquerade tun0)"
	probe_start p "$NS_C" 10.60.0.2 "$V4S"
	probe_end p
	probe_say
	want_all
	want_fast
	stream t 2000000 "$V4S" 10.60.0.2
}
field_case wg-concentrator "WireGuard to WireGuard, masquerade, both listed: slow at most 1 %" wg_concentrator

# The ends of a GRE tunnel are addresses of their own, which another uplink reaches from now on; each
# direction moves for itself.
# underlay DEVICES
underlay() {
	module ip_gre
	field_up
	second_uplink
	tunnel_names
	ip -n "$NS_R" addr add 10.77.0.1/32 dev lo
	ip -n "$NS_S" addr add 10.77.0.2/32 dev lo
	routes "$NS_R" "add 10.77.0.2 via $S4"
	routes "$NS_S" "add 10.77.0.1 via $RS4"
	ip -n "$NS_R" link add tun0 type gre local 10.77.0.1 remote 10.77.0.2 || skip "no gre"
	ip -n "$NS_S" link add tun0 type gre local 10.77.0.2 remote 10.77.0.1
	tunnel_ends
	field_rules "$1"
	live_start p "$NS_C" $C4 "$V4S"
	routes "$NS_R" "replace 10.77.0.2 via 203.0.113.2"
	probe_mark p
	probe_pass p 200
	routes "$NS_S" "replace 10.77.0.1 via 203.0.113.1"
	probe_mark p
	fast_again p
	lost_apart 2
	probe_say_mark 1 "what goes"
	probe_say_mark 2 "what comes"
	want_lost 1 1
	want_lost 2 1
}
field_case underlay "GRE, its packets move to another uplink, ports below listed: at most one lost each time, fast again" underlay "rc, rs, rs2"

# A bond that shares its load, at both ends; one of its ports goes down.
# bond_shares DEVICES MODE OPTION...
bond_shares() {
	local ns i slaves ports=()

	field_up
	module bonding
	link_pair "$NS_R" rs2 "$NS_S" s1
	for ns in "$NS_R" "$NS_S"; do
		slaves="rs rs2"
		[ "$ns" = "$NS_R" ] || slaves="s0 s1"
		for i in $slaves; do
			ip -n "$ns" addr flush dev "$i"
			ip -n "$ns" link set "$i" down
		done
		ip -n "$ns" link add bond0 type bond miimon 100 mode "${@:2}"
		for i in $slaves; do ip -n "$ns" link set "$i" master bond0; done
		ip -n "$ns" link set bond0 up
	done
	ip -n "$NS_R" addr add $RS4/24 dev bond0
	ip -n "$NS_S" addr add $S4/24 dev bond0
	ip -n "$NS_S" route replace default via $RS4
	wait_for 10 in_r ping -c 1 -W 1 $S4 >/dev/null || fail "the bond does not reach the server"
	field_rules "$1"
	for i in 1 2 3; do live_start p$i; done
	rx_packets "$NS_S" s0
	ports[0]=$RX
	rx_packets "$NS_S" s1
	ports[1]=$RX
	must p1 pass 200
	rx_packets "$NS_S" s0
	figure "by the first port $((RX - ports[0]))"
	rx_packets "$NS_S" s1
	figure "by the second port $((RX - ports[1]))"
	for i in 1 2 3; do probe_mark p$i; done
	ip -n "$NS_R" link set rs down
	for i in 1 2 3; do
		fast_again p$i
		probe_say_mark 1 "flow $i"
		# 30 datagrams are 150 ms.
		want_lost 1 30
	done
}
field_case bond-xor-ports "a bond shares by addresses and ports, its ports listed, one goes down: at most 30 lost, fast again" bond_shares "rc, rs, rs2" balance-xor xmit_hash_policy layer3+4
field_case bond-lacp "a bond with LACP, the bond listed, one port goes down: at most 30 lost, fast again" bond_shares "rc, bond0" 802.3ad xmit_hash_policy layer3+4 lacp_rate fast

# A narrow link beyond the server's router, behind NAT: its errors find the client.
narrow_beyond() {
	local mtu

	field_up
	ns_add f
	NS_F=$NS
	no_dad "$NS_F"
	link_pair "$NS_S" s1 "$NS_F" f0
	ip -n "$NS_S" addr add 10.80.0.1/24 dev s1
	ip -n "$NS_F" addr add 10.80.0.2/24 dev f0
	ip -n "$NS_F" route add default via 10.80.0.1
	sysctl_in "$NS_S" net/ipv4/ip_forward 1
	routes "$NS_R" "add 10.80.0.0/24 via $S4"
	peer_start fu "$NS_F" server tcp :: 5000 || fail "tcp echo: $ANSWER"
	field_rules "rc, rs" "" "" "$(masquerade rs)"
	peer_start t "$NS_C" client tcp $C4 9999 10.80.0.2 5000 || fail "tcp: $ANSWER"
	for mtu in 1200 1000; do
		must t bulk 500000
		ip -n "$NS_S" link set s1 mtu $mtu
		ip -n "$NS_F" link set f0 mtu $mtu
		want "tcp goes on ($ANSWER)" ask t bulk 500000
		must t mtu
		figure "the client's path MTU ${ANSWER#ok mtu }"
		want "the path MTU is learned" [ "$ANSWER" = "ok mtu $mtu" ]
	done
	bulk_fast t
}
field_case narrow-beyond "a link beyond becomes narrow twice, masquerade: tcp goes on, the client learns it, fast again" narrow_beyond

# A bridge forgets stations after two seconds: those whose packets the fast path carries stay known.
# station_kept DEVICES
station_kept() {
	local mac

	field_up
	lan_bridge ageing_time 200
	field_rules "$1"
	mac=$(mac_of "$NS_C" c0)
	live_start
	probe_pass p 1000
	want "the bridge knows the client" grep -q "$mac.*master br0" <<<"$(in_r bridge fdb show br br0)"
	probe_mark p
	probe_more p
	probe_say
	want_all
	want_fast 2
}
field_case station-kept "a bridge forgets after two seconds, port listed: it knows the client for as long as it sends, slow at most 2 %" station_kept "rc, rs"
