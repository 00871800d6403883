# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2086,SC2153,SC2154 # names and addresses hold no white space
# The world changes under a live connection: whether it follows, and what it loses.

# roam DEVICES - the client moves between two ports of the bridge, as from one access
# point to another, and says nothing: its next data is the first frame from there. In
# the client's namespace an active-backup bond moves it.
roam() {
	local slave i=0

	field_up
	module bonding
	link_pair "$NS_R" rc2 "$NS_C" c1
	lan_bridge
	ip -n "$NS_R" link set rc2 master br0
	ip -n "$NS_C" -batch - <<-END
		addr flush dev c0
		link add bond0 type bond mode active-backup num_grat_arp 0
		link set c0 down
		link set c1 down
		link set c0 master bond0
		link set c1 master bond0
		addr add $C4/24 dev bond0
		link set bond0 up
		link set bond0 type bond active_slave c0
		route replace default via $RC4
	END
	wait_for 10 link_up "$NS_C" bond0 || fail "the bond does not come up"
	field_rules "$1"
	peer_start t "$NS_C" client tcp $C4 9999 $S4 5000 || fail "tcp: $ANSWER"
	live_start
	tell t bulk 5000000
	for slave in c1 c0; do
		i=$((i + 1))
		probe_mark p
		ip -n "$NS_C" link set bond0 type bond active_slave "$slave"
		probe_pass p 100
	done
	peer_answer t || want "tcp across the moves ($ANSWER)" false
	fast_again p
	lost_apart 2
	for i in 1 2; do
		figure "move $i: back after ${P[back$i]} ms, lost ${P[lost$i]}"
		# 10 datagrams are 50 ms.
		want_lost $i 10
	done
}
field_case roam-ports "client moves to another bridge port, ports listed: at most 10 lost (50 ms), tcp equal, fast again" roam "rc, rc2, rs"
field_case roam-master "client moves to another bridge port, bridge listed: at most 10 lost (50 ms), tcp equal, fast again" roam "br0, rs"

# The next hop has another MAC address and says so.
gateway_mac() {
	field_up
	field_rules "rc, rs"
	sysctl_in "$NS_S" net/ipv4/conf/s0/arp_notify 1
	live_start
	probe_mark p
	ip -n "$NS_S" link set s0 address 02:00:00:00:99:02
	fast_again p
	probe_say_mark 1 "new MAC"
	want_lost 1 3
}
field_case gateway-mac "the next hop changes its MAC address, gratuitous ARP: at most 3 lost, fast again" gateway_mac

# The same without a word; the router's entry is deleted.
neigh_deleted() {
	field_up
	field_rules "rc, rs"
	live_start
	ip -n "$NS_S" link set s0 address 02:00:00:00:99:03
	probe_pass p 20
	ip -n "$NS_R" neigh del $S4 dev rs
	probe_mark p
	fast_again p
	probe_say_mark 1 "neighbour deleted"
	want_lost 1 3
}
field_case neigh-deleted "the next hop's neighbour entry is deleted, its MAC is another: at most 3 lost, fast again" neigh_deleted

# Nobody says a word and nobody deletes: the router finds out by asking.
neigh_dies() {
	local setting

	field_up
	for setting in base_reachable_time_ms=500 delay_first_probe_time=1 retrans_time_ms=100 \
		ucast_solicit=1 mcast_solicit=3 locktime=0; do
		sysctl_r "net/ipv4/neigh/rs/${setting%=*}" "${setting#*=}"
	done
	field_rules "rc, rs"
	live_start
	probe_pass p 300
	probe_mark p
	ip -n "$NS_S" link set s0 address 02:00:00:00:99:04
	probe_pass p 600
	fast_again p
	figure "silent MAC change: lost ${P[lost1]}, gap ${P[gap]} ms"
	# Reachable time, delay and probes are two seconds at most; one more is for the flow.
	want_lost 1 600
}
field_case neigh-dies "the next hop is gone silently, the router has to find out: back one second after that (at most 600 lost)" neigh_dies

# preferred_uplink - the server is FAR4, by the first uplink, and by the second one without it.
preferred_uplink() {
	second_uplink
	sysctl_in "$NS_S" net/ipv4/conf/all/ignore_routes_with_linkdown 1
	routes "$NS_R" "add $FAR4 via $S4 metric 10" "add $FAR4 via 203.0.113.2 metric 20"
	echo_in "$NS_S" $FAR4
}

# The first uplink goes down under a connection.
uplink_fails() {
	live_start p "$NS_C" $C4 $FAR4
	probe_mark p
	ip -n "$NS_R" link set rs down
	fast_again p
	probe_say_mark 1 "uplink down"
	want_lost 1 3
}

failover() {
	field_up
	preferred_uplink
	sysctl_in "$NS_S" net/ipv4/conf/s0/ignore_routes_with_linkdown 1
	routes "$NS_S" "add default via 203.0.113.1 metric 20"
	field_rules "rc, rs, rs2"
	uplink_fails
}
field_case failover "the uplink goes down, the second one takes over: at most 3 lost, fast again" failover

# A route to a small path: who sends more hears of it, and the transfer goes on.
path_mtu() {
	field_up
	second_uplink
	routes "$NS_R" "add $FAR4 via $S4"
	field_rules "rc, rs"
	peer_start t "$NS_C" client tcp $C4 9999 $FAR4 5000 || fail "tcp: $ANSWER"
	must t bulk 1000000
	routes "$NS_R" "replace $FAR4 via $S4 mtu 1200"
	want "tcp goes on ($ANSWER)" ask t bulk 1000000
	must t mtu
	figure "the client's path MTU ${ANSWER#ok mtu }"
	want "the path MTU is learned" [ "$ANSWER" = "ok mtu 1200" ]
	bulk_fast t
}
field_case path-mtu "the route's MTU becomes 1200: tcp goes on, the client learns it, fast again" path_mtu

neighbour_found() { [[ $(ip -n "$NS_R" neigh show "$1" dev "$2") == *lladdr* ]]; }

vlan_moved() {
	field_up
	behind_vlans 802.1q:10
	field_rules "rc, rs"
	live_start p "$NS_C" $C4 "$V4S"
	behind_vlans 802.1q:20
	# Until then the new devices' questions for their neighbours are lost, and they ask again a second
	# later. For so long the kernel keeps as many packets as it has room for.
	links_ready "$NS_R" rs.20 "$NS_S" s0.20
	wait_for 10 neighbour_found "$V4S" rs.20 || fail "no answer from VLAN 20"
	probe_mark p
	probe_pass p 250
	fast_again p
	probe_say_mark 1 "moved"
	want_lost 1 3
}
field_case vlan-moved "the network moves from VLAN 10 to VLAN 20: at most 3 lost after that, fast again" vlan_moved

# forwarding_off SYSCTL
forwarding_off() {
	field_up
	field_rules "rc, rs"
	live_start
	sysctl_r "$1" 0
	probe_mark p
	probe_pass p 100
	probe_mark p
	sysctl_r "$1" 1
	probe_mark p
	fast_again p
	figure "off: passed $((P[echoed1] - P[echoed2])) of $((P[sent1] - P[sent2]))"
	probe_say_mark 3 "on again"
	want "at most one passes" at_most $((P[echoed1] - P[echoed2])) 1
	want_lost 3 1
}
field_case forwarding-off "ip_forward off and on: at most one packet passes, then fast again" forwarding_off net/ipv4/ip_forward
field_case forwarding-off-device "forwarding off and on at the client's device: at most one passes, then fast again" forwarding_off net/ipv4/conf/rc/forwarding

# Answers come by the second uplink although the route to the server is by the first.
rp_filter() {
	field_up
	second_uplink
	sysctl_r net/ipv4/conf/all/rp_filter 0
	sysctl_r net/ipv4/conf/rs2/rp_filter 0
	routes "$NS_R" "add $FAR4 via $S4"
	routes "$NS_S" "replace default via 203.0.113.1"
	echo_in "$NS_S" $FAR4
	field_rules "rc, rs, rs2"
	live_start p "$NS_C" $C4 $FAR4
	sysctl_r net/ipv4/conf/rs2/rp_filter 1
	probe_mark p
	probe_more p
	probe_say "in all:"
	figure "strict: passed ${P[echoed1]} of ${P[sent1]}"
	want "at most one passes" at_most "${P[echoed1]}" 1
	want "answered before" at_least $((P[echoed] - P[echoed1])) 190
}
field_case rp-filter "asymmetric answers, rp_filter becomes strict: at most one packet passes" rp_filter

pppoe_anew() {
	field_up
	behind_pppoe
	field_rules "rc, rs"
	live_start p "$NS_C" $C4 "$V4S"
	peer_stop pr
	wait_for 10 no_device ppp0 || fail "the session does not go"
	session pr "$NS_R" rs "$(mac_of "$NS_S" s0)"
	ip -n "$NS_R" -batch - <<-END
		link set ppp0 mtu 1492 up
		addr add $V4R peer $V4S dev ppp0
	END
	probe_mark p
	fast_again p
	probe_say_mark 1 "new session"
	want_lost 1 3
}
no_device() { ! ip -n "$NS_R" link show "$1" >/dev/null 2>&1; }
field_case pppoe-anew "the PPPoE session ends, a new one comes: at most 3 lost after that, fast again" pppoe_anew

# The router becomes the backup, as VRRP daemons do it, and the master again. The client goes on
# sending to the virtual address.
vrrp_backup() {
	field_up
	virtual_router
	ip -n "$NS_C" neigh replace 192.0.2.254 lladdr 00:00:5e:00:01:01 dev c0 nud permanent
	field_rules "rc, rs"
	live_start
	ip -n "$NS_R" link set mv0 down
	probe_mark p
	probe_pass p 100
	probe_mark p
	ip -n "$NS_R" link set mv0 up
	ip -n "$NS_R" addr replace 192.0.2.254/32 dev mv0
	probe_mark p
	fast_again p
	figure "backup: passed $((P[echoed1] - P[echoed2])) of $((P[sent1] - P[sent2]))"
	probe_say_mark 3 "master again"
	want "at most one passes as backup" at_most $((P[echoed1] - P[echoed2])) 1
	want_lost 3 3
}
field_case vrrp-backup "VRRP: backup and master again, parent listed: at most one passes as backup, then at most 3 lost, fast again" vrrp_backup

# The client's port of a VLAN-aware bridge begins to tag, which the client does not understand.
port_tags() {
	field_up
	vlan_bridge
	field_rules "rc, rs"
	live_start
	in_r bridge vlan add dev rc vid 10 pvid
	probe_mark p
	probe_pass p 100
	probe_mark p
	in_r bridge vlan add dev rc vid 10 pvid untagged
	probe_mark p
	fast_again p
	figure "tagged: echoed $((P[echoed1] - P[echoed2])) of $((P[sent1] - P[sent2]))"
	want "at most two untagged answers" at_most $((P[echoed1] - P[echoed2])) 2
	want_lost 3 2
}
field_case port-tags "the client's port begins to tag and stops, port listed: followed within 2 packets, fast again" port_tags

# The connection cannot keep its outer address, so the classic path drops it and the client's next
# packet begins another one.
masquerade_failover() {
	field_up
	preferred_uplink
	field_rules "rc, rs, rs2" "" "" "$(masquerade "{ rs, rs2 }")"
	uplink_fails
	want "the second uplink's address" grep -q "dst=203.0.113.1" <<<"$(in_r conntrack -L -p udp 2>/dev/null)"
}
field_case masquerade-failover "masquerade, the uplink goes down, the second one takes over: at most 3 lost, its address, fast again" masquerade_failover

# A route from a router advertisement is not renewed. No event tells of its end.
route_expires() {
	local near=2001:db8:7 far=2001:db8:99::1

	field_up
	second_uplink6 $near $far
	ip -n "$NS_R" -6 -batch - <<-END
		route add $far via $near::2 metric 2048
		route add $far via $S6 metric 1024 expires 3
	END
	field_rules "rc, rs, rs2"
	count_at "$NS_S" "second iifname s1 udp dport 5000"
	live_start p "$NS_C" $C6 $far
	probe_more p 700
	probe_say
	counted "$NS_S" second
	figure "by the second uplink $PACKETS"
	# 900 datagrams are four and a half seconds, of which the last one and a half are after the end.
	want "the second uplink takes over" at_least "$PACKETS" 150
	want_all
	want_fast
}
field_case route-expires "the lifetime of an IPv6 route ends, another one takes over: followed, nothing lost, slow at most 1 %" route_expires
