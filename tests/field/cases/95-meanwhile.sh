# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2086,SC2153,SC2154 # names and addresses hold no white space
# What administrators and daemons do to a router while connections run: rules, marks and tables, devices
# and their flags, addresses and leases.

# stopped_and_back TEXT - between marks 1 and 2 of the probe p nothing had to pass; from now on all.
stopped_and_back() {
	local passed

	probe_mark p
	fast_again p
	lost_apart 3
	passed=$((P[sent1] - P[sent2] - P[lost1]))
	figure "$1: passed $passed of $((P[sent1] - P[sent2]))"
	probe_say_mark 3 "afterwards"
	want "at most one passes" at_most $passed 1
	want_lost 3 3
}

# VLAN 10 is carried by rs and pushed there; the tag's priority is a map's, which changes.
# vlan_priority DEVICES
vlan_priority() {
	local before

	field_up
	behind_vlans 802.1q:10
	in_s nft -f - <<-END || skip "no ingress chain"
		table netdev q {
			counter old { }
			chain i { type filter hook ingress device s0 priority 0; vlan id 10 vlan pcp != 5 counter name old; }
		}
	END
	field_rules "$1"
	live_start p "$NS_C" $C4 "$V4S"
	ip -n "$NS_R" link set rs.10 type vlan egress 0:5
	counter old "$NS_S" netdev q
	before=$PACKETS
	probe_mark p
	fast_again p
	counter old "$NS_S" netdev q
	figure "with the old priority $((PACKETS - before))"
	want "at most two with the old priority" at_most $((PACKETS - before)) 2
	want_lost 1 0
}
field_case vlan-priority "a VLAN device's map of priorities changes: followed within 2 packets, fast again" vlan_priority "rc, rs"

# The router's own addresses change at both sides, and it says so.
own_mac() {
	local before

	field_up
	field_rules "rc, rs"
	count_at "$NS_S" "old ether saddr $(mac_of "$NS_R" rs) udp dport 5000"
	sysctl_r net/ipv4/conf/rs/arp_notify 1
	sysctl_r net/ipv4/conf/rc/arp_notify 1
	live_start
	ip -n "$NS_R" link set rs address 02:00:00:00:88:01
	counted "$NS_S" old
	before=$PACKETS
	probe_mark p
	probe_pass p 100
	ip -n "$NS_R" link set rc address 02:00:00:00:88:02
	probe_mark p
	fast_again p
	lost_apart 2
	probe_say_mark 1 "uplink"
	probe_say_mark 2 "LAN"
	followed_in "$before" old "from the old address"
	want_lost 1 3
	want_lost 2 3
}
field_case own-mac "the router's MAC addresses change: at most 3 lost each time, fast again" own_mac

# A rule names the group of a device, and the device joins the group: no commit tells of it.
# group_rule MATCH DEVICE
group_rule() {
	field_up
	field_rules "rc, rs" "" "$1 77 drop"
	live_start
	ip -n "$NS_R" link set "$2" group 77
	probe_mark p
	probe_pass p 100
	probe_mark p
	ip -n "$NS_R" link set "$2" group 0
	stopped_and_back "in the group"
}
field_case group-out "the uplink joins a group that a rule drops, and leaves it: at most one passes, then fast again" group_rule oifgroup rs
field_case group-in "the same, the LAN's device and a rule for what comes in" group_rule iifgroup rc

# Rules that take the connection out of conntrack come and go.
notrack_comes() {
	local before

	field_up
	field_rules "rc, rs" "" "" "chain raw { type filter hook prerouting priority raw; }"
	live_start
	in_r nft "add rule inet t raw udp dport 5000 notrack; add rule inet t raw udp sport 5000 notrack"
	probe_mark p
	probe_pass p 20
	slow_count
	before=$SLOW
	probe_pass p 100
	slow_count
	figure "untracked: slow $((SLOW - before)) of 200"
	want "the forward chain sees what is untracked" at_least $((SLOW - before)) 190
	in_r nft flush chain inet t raw
	probe_mark p
	fast_again p
	lost_apart 2
	probe_say_mark 1 "untracked"
	probe_say_mark 2 "tracked"
	want_lost 1 0
	want_lost 2 0
}
field_case notrack-comes "notrack rules come and go: the forward chain sees what is untracked, nothing lost, fast again" notrack_comes

# A table takes the place of another one in one commit; its chain accepts what is established, then nothing.
table_replaced() {
	field_up
	field_rules "rc, rs"
	live_start
	in_r nft -f - <<-END
		delete table inet t
		table inet u {
			$(flowtable "rc, rs")
			chain forward { type filter hook forward priority 0; policy drop; ct state established,related accept; }
		}
	END
	in_r nft flush chain inet u forward
	probe_mark p
	probe_pass p 100
	probe_mark p
	in_r nft -f - <<-END
		delete table inet u
		table inet t {
			counter slow { }
			$(flowtable "rc, rs")
			chain forward { type filter hook forward priority 0; policy drop; counter name slow; $(flow_add); accept; }
		}
	END
	stopped_and_back "only the policy, drop"
}
field_case table-replaced "another table and flowtable of the same name, a policy of drop, then anew: at most one passes, then fast again" table_replaced

# Rules of the bridge family, which frames for the router pass.
# bridge_rule DEVICES HOOK PORT
bridge_rule() {
	field_up
	lan_bridge
	field_rules "$1"
	in_r nft "add table bridge b; add chain bridge b c { type filter hook $2 priority 0; }" || skip "no bridge chains"
	live_start
	in_r nft "add rule bridge b c udp $3 5000 drop"
	probe_mark p
	probe_pass p 100
	probe_mark p
	in_r nft flush chain bridge b c
	stopped_and_back "the bridge drops"
}
field_case bridge-rule-in "a rule of the bridge family drops what comes, bridge listed: at most one passes, then fast again" bridge_rule "br0, rs" input dport
field_case bridge-rule-out "a rule of the bridge family drops what goes, port listed: the same" bridge_rule "rc, rs" output sport

# Flags of the client's bridge port, of which none stops what is routed; without a station the bridge floods.
port_flags() {
	local flag

	field_up
	lan_bridge
	field_rules "$1"
	live_start
	probe_mark p
	in_r bridge link set dev rc learning off
	in_r bridge fdb del "$(mac_of "$NS_C" c0)" dev rc master
	probe_pass p 100
	in_r bridge link set dev rc learning on
	for flag in "isolated on" "hairpin on" "mcast_flood off" "neigh_suppress on" "flood off" "isolated off" "flood on"; do
		in_r bridge link set dev rc $flag
		probe_pass p 10
	done
	fast_again p
	probe_say_mark 1 "flags"
	want_lost 1 0
	want "none comes twice" [ "${P[dup]}" = 0 ]
}
field_case port-flags "flags of the client's bridge port change, port listed: nothing lost, fast again" port_flags "rc, rs"

# The bridge begins to look at VLANs; the client's port leaves its VLAN and comes back.
# filtering_on DEVICES
filtering_on() {
	field_up
	lan_bridge
	field_rules "$1"
	live_start
	ip -n "$NS_R" link set br0 type bridge vlan_filtering 1
	in_r bridge vlan del dev rc vid 1
	probe_mark p
	probe_pass p 100
	probe_mark p
	in_r bridge vlan add dev rc vid 1 pvid untagged
	stopped_and_back "without the VLAN"
}
field_case filtering-on-port "a bridge begins to look at VLANs, the client's port leaves its VLAN, port listed: at most one passes, then fast again" filtering_on "rc, rs"
field_case filtering-on-bridge "the same, the bridge listed" filtering_on "br0, rs"

# disable_ipv6 of the LAN's device.
ipv6_off() {
	field_up
	field_rules "rc, rs"
	live_start p "$NS_C" $C6 $S6
	sysctl_r net/ipv6/conf/rc/disable_ipv6 1
	probe_mark p
	probe_pass p 100
	probe_mark p
	sysctl_r net/ipv6/conf/rc/disable_ipv6 0
	ip -n "$NS_R" addr replace $RC6/64 dev rc nodad
	# Its route is there once more, but a neighbour that does not answer at once is asked again a second later.
	probe_pass p 300
	stopped_and_back "without IPv6"
}
field_case ipv6-off "IPv6 is disabled at the LAN's device and enabled: at most one passes, then fast again" ipv6_off

# An IPv6 MTU without an event, as router advertisements set it: it counts within half a second.
mtu6() {
	field_up
	field_rules "rc, rs"
	peer_start t "$NS_C" client tcp $C6 9999 $S6 5000 || fail "tcp: $ANSWER"
	must t bulk 1000000
	sysctl_r net/ipv6/conf/rs/mtu 1280
	must t run 700
	want "tcp goes on ($ANSWER)" ask t bulk 1000000
	must t mtu
	figure "the client's path MTU ${ANSWER#ok mtu }"
	want "the path MTU is learned" [ "$ANSWER" = "ok mtu 1280" ]
	bulk_fast t
}
field_case mtu6 "the uplink's IPv6 MTU becomes 1280: tcp goes on, the client learns it, fast again" mtu6

# What ethtool -K switches.
features() {
	local feature

	command -v ethtool >/dev/null || skip "no ethtool"
	field_up
	field_rules "rc, rs" "" "" "$(masquerade rs)"
	peer_start t "$NS_C" client tcp $C4 9999 $S4 5000 || fail "tcp: $ANSWER"
	live_start
	probe_mark p
	for feature in "gro on" "rx-gro-list on" "rx-udp-gro-forwarding on" "gro off" "tso off" "gso off" "tx off" \
		"sg off" "rx off" "rx on" "tx on" "sg on" "gso on" "tso on" "gro on"; do
		in_r ethtool -K rc $feature >/dev/null 2>&1 || true
		in_r ethtool -K rs $feature >/dev/null 2>&1 || true
		want "tcp with $feature ($ANSWER)" ask t bulk 200000
	done
	bulk_fast t
	fast_again p
	probe_say_mark 1 "features"
	want_lost 1 0
}
field_case features "features of both devices are switched off and on: nothing lost, tcp equal, fast again" features

# A DHCP client flushes its device and adds the address that it had; later it gets a longer lease.
lease_renewed() {
	field_up
	field_rules "rc, rs" "" "" "$(masquerade rs)"
	peer_start t "$NS_C" client tcp $C4 9999 $S4 5000 || fail "tcp: $ANSWER"
	must t bulk 1000000
	live_start
	ip -n "$NS_R" -batch - <<-END
		addr flush dev rs
		addr add $RS4/24 dev rs
	END
	probe_mark p
	probe_pass p 100
	ip -n "$NS_R" addr change $RS4/24 dev rs valid_lft 3600 preferred_lft 3600
	probe_mark p
	fast_again p
	lost_apart 2
	probe_say_mark 1 "flushed"
	probe_say_mark 2 "another lease"
	want_lost 1 3
	want_lost 2 0
	bulk_fast t
}
field_case lease-renewed "masquerade, the uplink's address is flushed and comes back, its lifetime changes: at most 3 lost, tcp goes on, fast again" lease_renewed

ct_flushed() {
	field_up
	field_rules "rc, rs" "" "" "$(masquerade rs)"
	peer_start t "$NS_C" client tcp $C4 9999 $S4 5000 || fail "tcp: $ANSWER"
	must t bulk 1000000
	live_start
	in_r conntrack -F 2>/dev/null
	probe_mark p
	fast_again p
	probe_say_mark 1 "flushed"
	want_lost 1 1
	bulk_fast t
}
field_case conntrack-F "masquerade, conntrack -F: at most one lost, tcp goes on, fast again" ct_flushed

# Next hop objects are replaced, and one becomes a blackhole.
nexthops() {
	local old

	field_up
	second_uplink
	ip -n "$NS_R" -batch - <<-END || skip "no next hop objects"
		nexthop add id 1 via $S4 dev rs
		nexthop add id 2 via 203.0.113.2 dev rs2
		nexthop add id 10 group 1
		route add $FAR4/32 nhid 10
	END
	echo_in "$NS_S" $FAR4
	field_rules "rc, rs, rs2"
	count_at "$NS_S" "first iifname s0 udp dport 5000"
	live_start p "$NS_C" $C4 $FAR4
	ip -n "$NS_R" nexthop replace id 10 group 2
	counted "$NS_S" first
	old=$PACKETS
	probe_pass p 100
	followed_in "$old" first "by the old next hop"
	ip -n "$NS_R" nexthop replace id 2 blackhole
	probe_mark p
	probe_pass p 100
	probe_mark p
	ip -n "$NS_R" nexthop replace id 2 via 203.0.113.2 dev rs2
	stopped_and_back "blackhole"
}
field_case nexthops "a group gets another next hop object, which becomes a blackhole: followed within 2 packets, at most one passes, then fast again" nexthops

# In a VRF: the rule of routing for VRFs moves, and a route of its table drops.
l3mdev_rule() {
	field_up
	both_in_vrf
	field_rules "rc, rs"
	live_start
	ip -n "$NS_R" rule add pref 500 l3mdev
	ip -n "$NS_R" rule del pref 1000
	ip -n "$NS_R" route add unreachable $S4/32 table 100
	probe_mark p
	probe_pass p 100
	probe_mark p
	ip -n "$NS_R" route del unreachable $S4/32 table 100
	stopped_and_back "unreachable"
}
field_case l3mdev-rule "VRF: its rule moves, a route of its table drops: at most one passes, then fast again" l3mdev_rule
