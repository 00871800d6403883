# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2086,SC2153,SC2154 # names and addresses hold no white space
# Events that concern nobody: what they cost the connections that run.

# timed NAME BYTES - a transfer, in TIME (ms).
timed() {
	now
	local start=$NOW

	must "$1" bulk "$2"
	now
	TIME=$(((NOW - start) / 1000))
}

# route_storm EVENTS - a route that concerns nobody comes and goes, an event every 10 ms.
route_storm() {
	local i to

	exec {to}> >(exec ip -n "$NS_R" -force -batch -)
	for ((i = 0; i < $1; i++)); do
		if [ $((i % 2)) = 0 ]; then
			echo "route add 10.8.0.0/24 via $S4" >&"$to"
		else
			echo "route del 10.8.0.0/24" >&"$to"
		fi
		nap 0.01
	done
	exec {to}>&-
}

route_events() {
	local quiet

	field_up
	field_rules "rc, rs"
	peer_start t "$NS_C" client tcp $C4 9999 $S4 5000 || fail "tcp: $ANSWER"
	must t bulk 1000000
	timed t 20000000
	quiet=$TIME
	live_start
	slow_count
	SLOW1=$SLOW
	route_storm 300
	slow_count
	SLOW1=$((SLOW - SLOW1))
	probe_more p 20
	probe_say
	figure "slow during 300 events $SLOW1"
	tell t bulk 20000000
	now
	local start=$NOW
	while ! peer_ready t; do
		route_storm 10
	done
	peer_answer t || fail "tcp: $ANSWER"
	now
	figure "20 MB in $quiet ms without, $(((NOW - start) / 1000)) ms with events"
	want_all
	want_fast
}
field_case route-events "a route that concerns nobody comes or goes every 10 ms: all echoed, slow at most 1 %" route_events

# reload_routes ADD-OR-DEL - 10,000 of them in one batch.
reload_routes() {
	awk -v op="$1" -v via="$S4" 'BEGIN {
		for (i = 0; i < 10000; i++)
			printf "route %s 10.%d.%d.0/24 via %s\n", op, 100 + int(i / 250), i % 250, via
	}' | ip -n "$NS_R" -batch -
}
many_routes() {
	field_up
	field_rules "rc, rs"
	live_start
	now
	local start=$NOW
	reload_routes add
	reload_routes del
	reload_routes add
	now
	figure "10,000 routes made, deleted, made in $(((NOW - start) / 1000)) ms"
	probe_more p 100
	probe_say
	want_all
	want_fast
}
field_case many-routes "10,000 unrelated routes are reloaded under traffic: all echoed, slow at most 1 %" many_routes

# A device that has nothing to do with the flow, as containers make them.
other_devices() {
	local i

	field_up
	field_rules "rc, rs"
	live_start
	for i in 1 2 3 4 5; do
		ip -n "$NS_R" link add v$i type veth peer name w$i
		ip -n "$NS_R" addr add 10.7.$i.1/24 dev v$i
		ip -n "$NS_R" link set v$i up
		ip -n "$NS_R" link set w$i up
		ip -n "$NS_R" link del v$i
	done
	probe_more p 100
	probe_say
	want_all
	want_fast
}
field_case other-devices "five veth pairs come and go: all echoed, slow at most 1 %" other_devices

# undisturbed COMMAND... - what the command does concerns nobody: the slow path sees two packets at most
# meanwhile, and the probe is whole and fast.
undisturbed() {
	local before

	slow_count
	before=$SLOW
	"$@"
	slow_count
	figure "slow meanwhile $((SLOW - before))"
	classic || want "at most 2 slow meanwhile ($((SLOW - before)))" at_most $((SLOW - before)) 2
	probe_more p 100
	probe_say
	want_all
	want_fast
}

# Devices above a listed one, as containers, customers and virtual machines have them.
uppers_come_and_go() {
	local i

	for i in 1 2 3 4 5; do
		ip -n "$NS_R" -batch - <<-END
			link add link rs name rs.2$i type vlan id 2$i
			link set rs.2$i up
			link add link rs name mv$i type macvlan mode bridge
			link set mv$i up
		END
		probe_pass p 40
		ip -n "$NS_R" link del mv$i
		ip -n "$NS_R" link del rs.2$i
		probe_pass p 40
	done
}

other_uppers() {
	module 8021q macvlan
	field_up
	field_rules "rc, rs"
	live_start
	undisturbed uppers_come_and_go
}
field_case other-uppers "VLAN and macvlan devices come and go above a listed device: all echoed, at most 2 packets slow" other_uppers

other_vlans() {
	module 8021q macvlan
	field_up
	behind_vlans 802.1q:10
	field_rules "rc, rs"
	live_start p "$NS_C" $C4 "$V4S"
	undisturbed uppers_come_and_go
}
field_case other-vlans "the same, the connection has a VLAN of its own: the same" other_vlans

# Containers and stations with devices of their own join the LAN's bridge.
ports_come_and_go() {
	local i

	for i in 1 2 3 4 5; do
		ip -n "$NS_R" -batch - <<-END
			link add v$i type veth peer name w$i
			link set v$i master br0
			link set v$i up
			link set w$i up
		END
		probe_pass p 40
		ip -n "$NS_R" link del v$i
		probe_pass p 40
	done
}

other_ports() {
	field_up
	lan_bridge
	# a bridge takes the least address of its ports, unless it has got one
	ip -n "$NS_R" link set br0 address 02:00:00:00:00:01
	field_rules "$1"
	live_start
	undisturbed ports_come_and_go
}
field_case other-ports-bridge "ports join the LAN's bridge and leave it, the bridge listed: all echoed, at most 2 packets slow" other_ports "br0, rs"
field_case other-ports-port "the same, one port listed" other_ports "rc, rs"

# Each device that comes up has an IPv6 route to its link, which the default route includes. Half a
# second later a connection has looked at its own route.
links_come_and_go() {
	local i

	for i in 1 2 3 4 5; do
		ip -n "$NS_R" -batch - <<-END
			link add v$i type veth peer name w$i
			link set v$i up
			link set w$i up
		END
		[ "$i" -gt 3 ] || ip -n "$NS_R" -6 route add 2001:db8:5$i::/64 dev v$i
		probe_pass p 130
		ip -n "$NS_R" link del v$i
	done
}

# other_devices6 NEXT-HOP - the route's.
other_devices6() {
	local far=2001:db8:99::1

	field_up
	ip -n "$NS_S" addr add $far/128 dev lo nodad
	echo_in "$NS_S" $far
	ip -n "$NS_R" -6 nexthop add id 7 via $S6 dev rs || skip "no nexthop objects"
	ip -n "$NS_R" -6 route add default $1
	field_rules "rc, rs"
	live_start p "$NS_C" $C6 $far
	undisturbed links_come_and_go
}
field_case other-devices6 "IPv6 by the default route, five veth pairs and routes come and go: all echoed, at most 2 packets slow" other_devices6 "via $S6"
field_case other-devices6-nexthop "the same, the default route has a nexthop object" other_devices6 "nhid 7"

# The link of the preferred uplink goes and returns, and IPv6 routing passes by routes without a link. Nothing
# announces that, and the other device has nothing to do with the connection meanwhile.
# link_returns6 PREFERRED OTHER - the routes' prefixes and metrics.
link_returns6() {
	local near=2001:db8:7 far=2001:db8:99::1

	field_up
	second_uplink6 $near $far
	sysctl_r net/ipv6/conf/all/ignore_routes_with_linkdown 1
	ip -n "$NS_R" -6 -batch - <<-END
		route add $1 via $S6
		route add $2 via $near::2
	END
	ip -n "$NS_S" -6 route add 2001:db8:1::/64 via $near::1
	field_rules "rc, rs, rs2"
	count_at "$NS_S" "second iifname s1 udp dport 5000"
	live_start p "$NS_C" $C6 $far
	probe_mark p
	ip -n "$NS_S" link set s0 down
	probe_pass p 300
	counted "$NS_S" second
	figure "without the link $PACKETS by the second uplink"
	want "the second uplink takes over" at_least "$PACKETS" 50
	ip -n "$NS_S" link set s0 up
	ip -n "$NS_S" addr replace $S6/64 dev s0 nodad
	wait_for 10 link_up "$NS_R" rs || fail "the link does not come up"
	# The first question for the neighbour may come before the address, and the next one a second later.
	wait_for 10 in_r ping -c 1 -W 1 $S6 >/dev/null || fail "no answer by the link"
	counted "$NS_S" second
	probe_pass p 100
	followed_in "$PACKETS" second "by the second uplink afterwards"
	fast_again p
	probe_say
}
field_case link-returns6 "IPv6: the link of the preferred uplink goes, another takes over; it returns: followed within 2 packets, fast again" link_returns6 "default metric 10" "default metric 20"
field_case link-returns6-prefix "the same, the preferred uplink has a longer prefix: the same" link_returns6 2001:db8:99::/64 default
