# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2086,SC2153,SC2154 # names and addresses hold no white space
# What networks of access providers ask of a router: modems without a link header, IPv4 as a service over
# IPv6, prefixes that are not one's own for long; and a LAN whose hosts move about.

masquerade() { echo "chain nat { type nat hook postrouting priority srcnat; oifname $1 masquerade; }"; }

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
	field_rules "$1" "" "oifname tun0 tcp flags syn tcp option maxseg size set rt mtu
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
	figure "down: lost $((P[lost1] - P[lost2]))"
	P[lost2]=$((P[lost2] - P[lost3]))
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
	field_rules "$1" "" "oifname tun0 tcp flags syn tcp option maxseg size set rt mtu"
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
	field_rules "$1" "" "oifname tun0 tcp flags syn tcp option maxseg size set rt mtu" "
		chain nat {
			type nat hook postrouting priority srcnat;
			meta l4proto { tcp, udp, icmp } oifname tun0 numgen inc mod 3 vmap { 0 : goto a, 1 : goto b, 2 : goto c }
		}
		chain a { meta l4proto { tcp, udp, icmp } snat ip to 203.0.113.66:1232-1235; }
		chain b { meta l4proto { tcp, udp, icmp } snat ip to 203.0.113.66:5328-5331; }
		chain c { meta l4proto { tcp, udp, icmp } snat ip to 203.0.113.66:9424-9427; }"
	count_at "$NS_S" "right ip saddr 203.0.113.66 udp sport { 1232-1235, 5328-5331, 9424-9427 }" \
		"wrong iifname tun0 udp sport != { 1232-1235, 5328-5331, 9424-9427 }" \
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

# host_moves DEVICES - a host's route moves between two LAN devices, as mesh and roaming daemons do it;
# the host sends by the new one as well.
host_moves() {
	local i dev next lost moved slows=()

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
	for i in 1 2 3 4; do
		next=$((i + 1))
		lost=${P[lost$i]}
		# Each mark's losses but those of the next one's.
		[ $i = 4 ] || lost=$((lost - ${P[lost$next]}))
		moved=$((slows[next] - slows[i]))
		figure "move $i: back after ${P[back$i]} ms, lost $lost, slow $moved of 600"
		want "back again" at_least "${P[back$i]}" 0
		want "at most 3 lost after move $i" at_most $lost 3
		classic || want "slow at most 30 packets after move $i" at_most $moved 30
	done
}
field_case host-moves "the route of a host moves between two LAN devices: at most 3 lost, slow at most 30 packets each time" host_moves "rc, rc2, rs"
