# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2086,SC2153,SC2154 # names and addresses hold no white space
# F7 to F10 and multi-WAN: routes that marks, connection marks and hashes decide.

# The rules that give each packet from the LAN mark 1.
MARK_LAN="chain pre { type filter hook prerouting priority mangle; iifname rc meta mark set 1; }"

# followed_since N - the probe of a connection that moves to the second uplink has ended; the first
# one had carried N of its packets when the change was made, and carried no more than two since.
followed_since() {
	counted "$NS_S" first
	figure "by the old uplink after the change $((PACKETS - $1)) of ${P[sent1]}"
	want "follows within 2 packets" at_most $((PACKETS - $1)) 2
}

# f7 - what comes from the LAN is routed by table 100, which has a default route only.
# f7 lan: `flow add` sees packets from the LAN alone, as where its rule names the devices.
f7() {
	field_up
	second_uplink
	ip -n "$NS_R" rule add fwmark 1 table 100
	routes "$NS_R" "add default via $S4 table 100"
	field_rules "rc, rs, rs2" "" "${1:+iifname != rc accept}" "$MARK_LAN"
	probe_and_stream
}
field_case F7 "marked LAN, its table has only a default route: all 600 echoed, slow at most 1 %" f7
field_case F7-lan "the same, flow add in a rule for packets from the LAN: all 600 echoed, slow at most 1 %" f7 lan

f8() {
	local old

	field_up
	second_uplink
	ip -n "$NS_R" rule add fwmark 1 table 100
	routes "$NS_R" "add default via $S4 table 100" "add $C4 dev rc table 100"
	field_rules "rc, rs, rs2" "" "" "$MARK_LAN"
	count_at "$NS_S" "first iifname s0 udp dport 5000" "second iifname s1 udp dport 5000"
	live_start
	routes "$NS_R" "replace default via 203.0.113.2 table 100"
	probe_mark p
	counted "$NS_S" first
	old=$PACKETS
	probe_more p
	probe_say
	followed_since "$old"
	want_all
	want_fast
}
field_case F8 "route in the marked table moves to the second uplink: followed within 2 packets" f8

# multiwan - new connections from the LAN get mark 1 or, from even source ports, mark 2;
# from an uplink its own; every packet gets its connection's mark.
MULTIWAN="chain pre {
	type filter hook prerouting priority mangle;
	ct mark != 0 meta mark set ct mark accept
	iifname rs ct mark set 1
	iifname rs2 ct mark set 2
	iifname rc ct mark set 1
	iifname rc udp sport & 1 == 0 ct mark set 2
	meta mark set ct mark
}"
multiwan() {
	second_uplink
	ip -n "$NS_R" rule add fwmark 1 table 101
	ip -n "$NS_R" rule add fwmark 2 table 102
	routes "$NS_R" "add default via $S4 table 101" "add 192.0.2.0/24 dev rc table 101" \
		"add default via 203.0.113.2 table 102" "add 192.0.2.0/24 dev rc table 102" \
		"add default via $S4"
	field_rules "rc, rs, rs2" "" "" "$MULTIWAN"$'\n'"${1:-}"
	echo_in "$NS_S" $FAR4
}

# unrelated_routes NAME - six of them come while the probe NAME runs.
unrelated_routes() {
	local i

	for i in 1 2 3 4 5 6; do
		probe_pass "$1" 60
		routes "$NS_R" "add 10.9.$i.0/24 via $S4"
	done
}

# even_port - the next connection of the LAN is one of the second uplink.
even_port() {
	next_port
	[ $(((PORT + 1) % 2)) = 0 ] || next_port
}

# The connection is one of the second uplink, the router's own default route is the first.
f9() {
	field_up
	multiwan
	even_port
	live_start p "$NS_C" $C4 $FAR4
	unrelated_routes p
	probe_more p 40
	probe_say
	want_all
	want_fast
}
field_case F9 "connection marks, six unrelated routes added: slow at most 1 %" f9

# mw_out PARITY DEVICE - a connection of the LAN leaves by its own uplink.
mw_out() {
	field_up
	multiwan
	count_at "$NS_S" "here iifname $2 udp dport 5000"
	even_port
	[ "$1" = 0 ] || next_port
	probe_start p "$NS_C" $C4 $FAR4
	probe_end p
	probe_say
	counted "$NS_S" here
	figure "$PACKETS by $2"
	want "all by $2" [ "$PACKETS" = "${P[sent]}" ]
	want_all
	want_fast
}
field_case multiwan-first "connection mark 1 leaves by the first uplink, all packets, slow at most 1 %" mw_out 1 s0
field_case multiwan-second "connection mark 2 leaves by the second uplink, all packets, slow at most 1 %" mw_out 0 s1

# A port forwarded from the second uplink: the client's answers go back the same way
# although the router's own default route is the first one.
mw_in() {
	field_up
	multiwan "chain portfwd { type nat hook prerouting priority dstnat; iifname rs2 udp dport 7000 dnat ip to $C4:5000; }"
	echo_in "$NS_C" $C4
	count_at "$NS_S" "first iifname s0 udp sport 7000" "second iifname s1 udp sport 7000"
	probe_start p "$NS_S" $FAR4 203.0.113.1 7000
	probe_end p
	probe_say
	counted "$NS_S" first
	figure "answers by the wrong uplink $PACKETS"
	want "no answer by the wrong uplink" [ "$PACKETS" = 0 ]
	want_all
	want_fast
}
field_case multiwan-in "forwarded from the second uplink: answers leave by it, all echoed, slow at most 1 %" mw_in

# --- equal-cost routes ---------------------------------------------------

LEG_FLOWS=8
declare -A LEG_OF=([s0]=rs [s1]=rs2)	# the router's end of each link

# ecmp POLICY - FAR4 by both uplinks; eight connections, in S a set of (link, port).
ecmp() {
	field_up
	second_uplink
	sysctl_r net/ipv4/fib_multipath_hash_policy "$1"
	routes "$NS_R" "add $FAR4 nexthop via $S4 dev rs nexthop via 203.0.113.2 dev rs2"
	echo_in "$NS_S" $FAR4
	field_rules "rc, rs, rs2"
	in_s nft -f - <<-END
		table inet legs {
			set legs { typeof iifname . udp sport; size 1024; flags dynamic; }
			chain c {
				type filter hook prerouting priority -300;
				udp dport 5000 update @legs { iifname . udp sport }
			}
		}
	END
	FIRST_PORT=
	for ((i = 0; i < LEG_FLOWS; i++)); do
		probe_start "p$i" "$NS_C" $C4 $FAR4 5000 $MANY $((FIELD_RATE / 4))
		FIRST_PORT=${FIRST_PORT:-$PORT}
	done
	# Each connection's first packets are the slow path's.
	for ((i = 0; i < LEG_FLOWS; i++)); do probe_pass "p$i" 30; done
}
# legs - the pairs of link and port seen so far, one a line.
legs() { in_s nft list set inet legs legs | grep -oE '"?s[01]"? \. [0-9]+' | tr -d '"'; }

# ecmp_end - the end of all of them, summed up in P.
ecmp_end() {
	local i key dead=''
	local -A sum=([sent]=0 [echoed]=0 [lost]=0 [gap]=0 [bad]=0 [lost1]=0 [sent1]=0 [back1]=0)

	for ((i = 0; i < LEG_FLOWS; i++)); do must "p$i" more 30; done
	for ((i = 0; i < LEG_FLOWS; i++)); do
		probe_end "p$i"
		for key in sent echoed lost bad lost1 sent1; do sum[$key]=$((sum[$key] + ${P[$key]:-0})); done
		for key in gap back1; do
			[ "${P[$key]:-0}" -le "${sum[$key]}" ] || sum[$key]=${P[$key]}
		done
		[ "${P[back1]:-0}" -ge 0 ] || dead=1
	done
	[ -z "$dead" ] || sum[back1]=-1
	for key in "${!sum[@]}"; do P["$key"]=${sum["$key"]}; done
	slow_count
	P[packets]=$((P[sent] + P[echoed]))
}

f10() {
	local before i

	ecmp "$1"
	for ((i = 0; i < LEG_FLOWS; i++)); do probe_mark "p$i"; done
	slow_count
	before=$SLOW
	for i in 1 2 3 4 5 6; do
		routes "$NS_R" "add 10.9.$i.0/24 via $S4"
		probe_pass p0 15
	done
	ecmp_end
	P[slow]=$((SLOW - before)) P[packets]=$((2 * P[sent1]))
	probe_say "eight flows"
	before=$(legs | wc -l)
	figure "pairs of flow and leg $before"
	want "each flow keeps its leg" [ "$before" = $LEG_FLOWS ]
	want_all
	want_fast
}
field_case F10-policy0 "two equal-cost next hops, hash policy 0, six unrelated routes: slow at most 1 %, each flow keeps its leg" f10 0
field_case F10-policy1 "the same, hash policy 1: slow at most 1 %, each flow keeps its leg" f10 1

# leg_dies POLICY - the leg that the first flow uses loses its carrier.
leg_dies() {
	local link i

	ecmp "$1"
	sysctl_in "$NS_S" net/ipv4/conf/all/ignore_routes_with_linkdown 1
	sysctl_r net/ipv4/conf/all/ignore_routes_with_linkdown 1
	# The way back is not the subject: by the link that stays.
	link=$(legs | awk -v p="$FIRST_PORT" '$3 == p { print $1 }')
	case $link in
	s0) routes "$NS_S" "replace default via 203.0.113.1" ;;
	s1) ;;
	*) fail "the first flow has no leg: $(legs)" ;;
	esac
	probe_pass p0 10
	ip -n "$NS_R" link set "${LEG_OF[$link]}" down
	for ((i = 0; i < LEG_FLOWS; i++)); do probe_mark "p$i"; done
	ecmp_end
	P[slow]=$((SLOW - SLOW0))
	figure "eight flows: lost ${P[lost1]} of ${P[sent1]}, the last one back after ${P[back1]} ms"
	want "all flows are back" at_least "${P[back1]}" 0
	want "at most two lost of each flow" at_most "${P[lost1]}" $((2 * LEG_FLOWS))
}
field_case leg-dies-policy0 "the leg in use dies, hash policy 0: all flows are back, at most two packets lost of each" leg_dies 0
field_case leg-dies-policy1 "the leg in use dies, hash policy 1: all flows are back, at most two packets lost of each" leg_dies 1

# The table of a mark loses its route, so the next table decides; the router's own default
# route is the second uplink.
mark_route_gone() {
	local old

	field_up
	multiwan
	routes "$NS_R" "replace default via 203.0.113.2"
	count_at "$NS_S" "first iifname s0 udp dport 5000"
	even_port
	next_port
	live_start p "$NS_C" $C4 $FAR4
	routes "$NS_R" "del default table 101"
	probe_mark p
	counted "$NS_S" first
	old=$PACKETS
	want "by the first uplink before ($old)" at_least "$old" 150
	fast_again p
	followed_since "$old"
	want_lost 1 1
}
field_case mark-route-gone "the marked table loses its route, the next one has another: followed within 2 packets, fast again" mark_route_gone
