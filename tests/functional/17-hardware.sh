#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Flows in hardware, on a simulated switch chip (tests/hwsim): packets go from wire to
# wire and the host sees none of them; what the chip refuses runs in software.
# shellcheck source=../lib.sh disable=SC2119
. "$(dirname "$0")/../lib.sh"
need jq
# shellcheck source=../lib-hwsim.sh
. "$(dirname "$0")/../lib-hwsim.sh"
ours_alone

no_flowtable() {
	in_r nft -f - <<-END
		flush chain inet t forward
		delete flowtable inet t f
	END
}

# --- binding -------------------------------------------------------------

nat_lines() {
	local ip=ip to=$S4

	case $1 in
	*6) ip=ip6 to="[$S6]" ;;
	esac
	case $2 in
	masquerade) echo "chain post { type nat hook postrouting priority 100; oifname hwp1 meta l4proto ${1%6} masquerade; }" ;;
	dnat) echo "chain pre { type nat hook prerouting priority -100;
		meta l4proto ${1%6} th dport 7000 dnat $ip to $to:5000; }" ;;
	esac
}

# carried HOW PROTO NAT
carried() {
	local proto=$2 nat=$3 to='' port=5000

	clean "$1"
	table "$(nat_lines "$proto" "$nat")"
	if [ "$nat" = dnat ]; then
		port=7000 to=$RC4
		[ "$proto" = "${proto%6}" ] || to=$RC6
	fi
	hw_up c "$proto" "$port" $to
	if [ "${proto%6}" = tcp ]; then
		flat 60 c bulk 50000
	fi
	used 2 || fail "not two rules: $(cat $CHIP/rules)"
	has_rule "sport=$PORT/ffff dport=$port/ffff" || fail "$(cat $CHIP/rules)"
	state_is "$PORT" hardware || fail "$(cat "$OUT")"
	has_rule "ttl-1" || [ "$1" != block ] || fail "no TTL: $(cat $CHIP/rules)"
	dev_is hwp0 "$1 none 0 " || fail "hwp0: $SAYS"
	no_flowtable
	used 0 || fail "rules are left: $(cat $CHIP/rules)"
	by_host c ping 5
}

no_driver() {
	clean none
	table
	client c udp
	promote c udp "$PORT"
	fast c ping 20
	by_host c ping 20
	state_is "$PORT" software || fail "$(cat "$OUT")"
	dev_is hwp0 "none hw-driver 95 *" || fail "hwp0: $SAYS"
	dev_is hwp1 "none hw-driver 95 *" || fail "hwp1: $SAYS"
	used 0 || fail "rules"
}

# A table of two ports and a veth: what crosses the border is software's.
mixed() {
	local ns

	clean
	ns_add v
	ns=$NS
	no_dad "$ns"
	ip link add v0 netns "$ns" type veth peer name rv netns "$NS_R"
	ip -n "$NS_R" -batch - <<-END
		addr add 203.0.113.1/24 dev rv
		link set rv up
	END
	ip -n "$ns" -batch - <<-END
		addr add 203.0.113.2/24 dev v0
		link set v0 up
		route add default via 203.0.113.1
	END
	wait_for 10 link_ready "$ns" v0
	table "" "hwp0, hwp1, rv"
	peer_start sv "$ns" server udp :: 5000 || fail "$ANSWER"
	client v udp 5000 203.0.113.2
	promote v udp "$PORT"
	wait_for 3 no_asking v "$PORT" || true
	state_is "$PORT" software || fail "$(cat "$OUT")"
	fast v ping 10
	by_host v ping 10
	used 0 || fail "$(cat $CHIP/rules)"
	hw_up c udp
	used 2 || fail "$(cat $CHIP/rules)"
	dev_is rv "none hw-driver 95 *" || fail "rv: $SAYS"
	ip -n "$NS_R" link del rv
	by_hw 20 c ping 10
}
no_asking() { must "$1" ping 4; state_is "$2" hardware; }

# Who wants mainline's way gets it: no ruleset for a device that can't.
strict() {
	local knob=/sys/module/nf_flow_offload/parameters/strict_offload

	clean none
	echo Y >"$knob"
	if table 2>/dev/null; then
		echo N >"$knob"
		fail "accepted without a driver"
	fi
	set_chip bind ft
	if ! table; then
		echo N >"$knob"
		fail "refused with a driver"
	fi
	echo N >"$knob"
	hw_up c udp
}

# Ports that join and leave a flowtable which is at work.
joins() {
	clean
	table "" hwp0
	client c udp
	must c ping 20
	used 0 || fail "$(cat $CHIP/rules)"
	in_r nft "add flowtable inet t f { flags offload; devices = { hwp1 }; }"
	in_hw c udp "$PORT"
	by_hw 20 c ping 10
	in_r nft "delete flowtable inet t f { devices = { hwp1 }; }"
	used 0 || fail "rules are left: $(cat $CHIP/rules)"
	by_host c ping 10
}

# --- who is refused ------------------------------------------------------

# The second direction's rule fails: the first is taken back.
one_direction() {
	clean
	set_chip table_size 1
	table
	client c udp
	promote c udp "$PORT"
	wait_for 10 refused_after c "28 " || fail "the driver was not asked: $(cat $CHIP/calls)"
	wait_for 5 used 0 || fail "half a flow: $(cat $CHIP/rules)"
	by_host c ping 10
	fast c ping 10
	ct_has udp "$PORT" hw=0 || fail "$CT"
	dev_is hwp1 "ft hw-full 28 *table is full*" || fail "hwp1: $SAYS"
}
refused_after() {
	must "$1" ping 4
	[[ $(<$CHIP/last_refusal) == "$2"* ]]
}

# shape FEATURE PROTO NAT OTHER-PROTO FLOWS
# A shape the chip does not know is tried once per device, whoever has it.
shape() {
	local i calls proto=$2 flows=$5

	clean
	set_chip "features/$1" 0
	table "$(nat_lines "$proto" "$3")"
	client c1 "$proto"
	calls
	calls=$CALLS
	wait_for 10 refused_after c1 "95 " || fail "the driver was not asked: $(cat $CHIP/calls)"
	for ((i = 2; i <= flows; i++)); do client "c$i" "$proto"; done
	for _ in 1 2 3; do
		for ((i = 1; i <= flows; i++)); do must "c$i" ping 6; done
		nap 0.6
	done
	by_host c1 ping 5
	by_host "c$flows" ping 5
	fast "c$flows" ping 5
	calls
	[ $((CALLS - calls)) -le 2 ] || fail "$((CALLS - calls)) calls for $flows flows"
	used 0 || fail "$(cat $CHIP/rules)"
	dev_is hwp0 "ft hw-shape 95 nfo_hwsim: * switched off" || fail "hwp0: $SAYS"
	# another shape is none the worse for it
	hw_up other "$4"
}

# failing ERRNO SECONDS - a driver that fails in passing is asked less and less often.
failing() {
	local calls errno=$1 secs=$2

	clean
	set_chip fail "$errno 100 not now"
	table
	client c udp
	promote c udp "$PORT"
	calls
	calls=$CALLS
	must c run $((secs * 1000))
	[[ $ANSWER == *" 0" ]] || fail "packets lost: $ANSWER"
	calls
	[ $((CALLS - calls)) -ge 1 ] || fail "the driver was not asked"
	[ $((CALLS - calls)) -le 4 ] || fail "$((CALLS - calls)) calls in $secs s"
	used 0 || fail "$(cat $CHIP/rules)"
	dev_is hwp0 "ft hw-busy $errno not now" || fail "hwp0: $SAYS"
	set_chip fail 0
	in_hw c udp "$PORT"
	by_hw 10 c ping 5
	dev_is hwp0 "ft none 0 " || fail "hwp0: $SAYS"
}

# --- a table that is full ------------------------------------------------

heavy_in() {
	local i

	for i in {1..12}; do must "l$i" ping 1; done
	has_rule "src=$C4/255.255.255.255 dst=$S4/255.255.255.255 proto=17 sport=$1/" &&
		has_rule "src=$C4/255.255.255.255 dst=$S4/255.255.255.255 proto=17 sport=$2/"
}

full() {
	local i h1 h2 calls

	clean
	set_chip table_size 8
	table
	for i in {1..12}; do client "l$i" udp; done
	for _ in 1 2 3 4 5 6 7 8; do
		for i in {1..12}; do must "l$i" ping 5; done
		! used 8 || break
		nap 0.3
	done
	used 8 || fail "the table is not full: $(cat $CHIP/used $CHIP/calls)"
	# equals don't chase each other
	calls
	calls=$CALLS
	for _ in 1 2 3 4 5 6; do
		for i in {1..12}; do must "l$i" ping 3; done
		nap 0.3
	done
	calls
	[ $((CALLS - calls)) -le 8 ] || fail "$((CALLS - calls)) calls among equals"
	client h1 udp
	h1=$PORT
	client h2 udp
	h2=$PORT
	tell h1 run 8000
	tell h2 run 8000
	wait_for 8 heavy_in "$h1" "$h2" || fail "a heavy flow is not in: $(cat $CHIP/rules)"
	used 8 || fail "the table is not full: $(cat $CHIP/used)"
	peer_answer h1 || fail "$ANSWER"
	[[ $ANSWER == *" 0" ]] || fail "packets lost: $ANSWER"
	peer_answer h2 || fail "$ANSWER"
	[[ $ANSWER == *" 0" ]] || fail "packets lost: $ANSWER"
	for i in {1..12}; do must "l$i" ping 2; done
	used 8 || fail "the table is not full: $(cat $CHIP/used)"
}

# hw_after packets make a flow ask, hw_budget is what a device may hold.
settings() {
	local first calls

	clean
	tool set hw_after 60
	tool set hw_budget 1
	table
	client a udp
	first=$PORT
	calls
	calls=$CALLS
	for _ in 1 2 3 4; do
		must a ping 5
		nap 0.6
	done
	calls
	equal "$CALLS" "$calls" "calls of the driver after 40 of 60 packets"
	in_hw a udp "$first"
	client b udp
	for _ in 1 2 3 4; do
		must b ping 20
		must a ping 100
		nap 0.6
	done
	used 2 || fail "not one flow: $(cat $CHIP/rules)"
	ct_has udp "$first" hw=1 || fail "the busier one is out: $CT"
	by_host b ping 5
	calls
	equal $((CALLS - calls)) 2 "calls of the driver"
	tool set hw_after 8
	tool set hw_budget 0
}

# --- what comes back -----------------------------------------------------

acct() {
	ct_get "$1" "$2"
	ct_field acct
}
acct_is() { acct "$1" "$2"; [ "$FIELD" = "$3" ]; }

flow_sums() {
	tool list -j -P "$1"
	SUMS=$(value '.flows[0] | "\(.original.packets),\(.original.bytes),\(.reply.packets),\(.reply.bytes)"')
}

# Bytes are those of IP packets, whoever carried them: what the server got, with its
# headers, over moves from software into hardware, back, and in again.
counted() {
	local head=28 b m bytes messages before ib im was back is again

	[[ $1 != *6 ]] || head=48
	clean
	table
	ask su count
	read -r _ _ b m <<<"$ANSWER"
	hw_up c "$1"
	by_hw 80 c ping 40 500
	by_hw 2 c ping 1 1400
	in_r ethtool -K hwp1 hw-tc-offload off
	wait_for 5 state_is "$PORT" software || fail "$STATE"
	exact "$1" || fail "in software: conntrack $FIELD, expected $messages,$bytes"
	flow_sums "$PORT"
	before=$SUMS
	ask su count
	read -r _ _ ib im <<<"$ANSWER"
	by_host c ping 20 333
	in_r ethtool -K hwp1 hw-tc-offload on
	in_hw c "$1" "$PORT"
	by_hw 40 c ping 20 100
	wait_for 5 exact "$1" || fail "in hardware: conntrack $FIELD, expected $messages,$bytes"
	# the flow has counted the same since
	IFS=, read -r _ was _ back <<<"$before"
	flow_sums "$PORT"
	IFS=, read -r _ is _ again <<<"$SUMS"
	ask su count
	read -r _ _ bytes messages <<<"$ANSWER"
	bytes=$((bytes - ib + (messages - im) * head))
	equal "$((is - was)),$((again - back))" "$bytes,$bytes" "the flow's bytes"
	must c ping 10 500
	rules_flush
	wait_for 5 exact "$1" || fail "after the flush: conntrack $FIELD, expected $messages,$bytes"
}
exact() {
	ask su count
	read -r _ _ bytes messages <<<"$ANSWER"
	messages=$((messages - m)) bytes=$((bytes - b + messages * head))
	acct_is "$1" "$PORT" "$messages,$bytes,$messages,$bytes"
}
ageing() {
	local busy idle

	clean
	sysctl_r net/netfilter/nf_flowtable_udp_timeout 2
	sysctl_r net/netfilter/nf_conntrack_udp_timeout 3
	sysctl_r net/netfilter/nf_conntrack_udp_timeout_stream 3
	table
	client busy udp
	busy=$PORT
	client idle udp
	idle=$PORT
	in_hw busy udp "$busy"
	in_hw idle udp "$idle"
	by_hw 10 idle ping 5
	for _ in {1..7}; do
		by_hw 2 busy ping 1
		nap 0.8
	done
	wait_for 5 used 2 || fail "the idle flow stays: $(cat $CHIP/rules)"
	by_hw 10 busy ping 5
	ct_has udp "$busy" hw=1 || fail "busy: $CT"
	! ct_has udp "$idle" hw=1 || fail "idle: $CT"
	sysctl_r net/netfilter/nf_flowtable_udp_timeout 30
	sysctl_r net/netfilter/nf_conntrack_udp_timeout 30
	sysctl_r net/netfilter/nf_conntrack_udp_timeout_stream 120
}

# --- the end of a connection ---------------------------------------------

ended() {
	local proto=$1 how=$2

	clean
	table "counter bad { }
		chain inv {
			type filter hook forward priority 1;
			ct state invalid counter name bad
		}"
	hw_up c "$proto"
	ports
	local host=$HOST
	must c "$how"
	ports
	wait_for 5 host_beyond "$host" || fail "the host saw no $how"
	wait_for 5 used 0 || fail "rules are left after $how: $(cat $CHIP/rules)"
	if [ "$how" = fin ]; then
		wait_for 10 ct_state "$proto" "$PORT" "fin_wait close_wait last_ack time_wait close none" ||
			fail "conntrack: $CT"
	else
		wait_for 10 ct_state "$proto" "$PORT" "close none" || fail "conntrack: $CT"
	fi
	counter bad
	equal "$PACKETS" 0 "invalid packets"
}
host_beyond() { ports; [ "$HOST" -gt "$1" ]; }
ct_state() {
	ct_get "$1" "$2"
	[ "$CT" != none ] || FIELD=none
	[ "$CT" = none ] || ct_field state
	[[ " $3 " == *" $FIELD "* ]] && [[ $CT != *hw=1* ]]
}

# --- changes -------------------------------------------------------------

neighbour() {
	local new

	clean
	table
	hw_up c udp
	new=$(mac 34)
	# the server is another machine from now on
	ip -n "$NS_S" -batch - <<-END
		link set s0 down
		link set s0 address $new
		link set s0 up
		route replace default via $RS4
		addr replace $S6/64 dev s0 nodad
		route replace ::/0 via $RS6
	END
	ip -n "$NS_R" neigh replace $S4 lladdr "$new" dev hwp1 nud reachable
	wait_for 5 no_old_mac || fail "the old address is in the chip: $(cat $CHIP/rules)"
	in_hw c udp "$PORT"
	has_rule "eth=${new//:/}" || fail "not the new address: $(cat $CHIP/rules)"
	by_hw 10 c ping 5
	ip -n "$NS_S" -batch - <<-END
		link set s0 down
		link set s0 address $S_MAC
		link set s0 up
		route replace default via $RS4
		addr replace $S6/64 dev s0 nodad
		route replace ::/0 via $RS6
	END
	ip -n "$NS_R" neigh flush dev hwp1
	must c ping 1
	in_hw c udp "$PORT"
	by_hw 10 c ping 5
}
no_old_mac() { ! has_rule "eth=${S_MAC//:/}"; }

route_away() {
	clean
	table
	hw_up c udp
	must c timeout 300
	ip -n "$NS_R" route add prohibit "$S4/32"
	wait_for 3 used 0 || fail "rules are left: $(cat $CHIP/rules)"
	! ask c ping 1 || fail "answered over a route that is prohibited"
	ip -n "$NS_R" route del prohibit "$S4/32"
	must c timeout 3000
	must c drain
	in_hw c udp "$PORT"
	by_hw 10 c ping 5
}

ct_deleted() {
	clean
	table
	hw_up c "$1"
	ct_delete "$1" "$PORT" || fail "$ANSWER"
	wait_for 3 used 0 || fail "rules are left: $(cat $CHIP/rules)"
	in_hw c "$1" "$PORT"
	flat 10 c ping 5
}

flowtable_deleted() {
	clean
	table
	hw_up c tcp
	no_flowtable
	used 0 || fail "rules are left: $(cat $CHIP/rules)"
	ct_has tcp "$PORT" hw=0 || fail "$CT"
	by_host c ping 10
}

device_down() {
	clean
	table
	hw_up c udp
	must c timeout 300
	ip -n "$NS_R" link set hwp1 down
	wait_for 3 used 0 || fail "rules are left: $(cat $CHIP/rules)"
	! ask c ping 1 || fail "answered through a device that is down"
	ip -n "$NS_R" -batch - <<-END
		link set hwp1 up
		addr replace $RS6/64 dev hwp1 nodad
	END
	must c timeout 3000
	wait_for 10 answers c || fail "no answer: $ANSWER"
	must c drain
	in_hw c udp "$PORT"
	by_hw 10 c ping 5
}
answers() { ask "$1" ping 1; }

tc_feature() {
	clean
	table
	hw_up c udp
	in_r ethtool -K hwp0 hw-tc-offload off
	wait_for 3 used 0 || fail "rules are left: $(cat $CHIP/rules)"
	dev_is hwp0 "none hw-feature *" || fail "hwp0: $SAYS"
	by_host c ping 10
	in_r ethtool -K hwp0 hw-tc-offload on
	in_hw c udp "$PORT"
	by_hw 10 c ping 5
	dev_is hwp0 "ft none 0 " || fail "hwp0: $SAYS"
}

# --- slow drivers, drivers that go ---------------------------------------

slow_driver() {
	local start

	clean
	set_chip rule_delay_us 100000
	table
	client a udp
	client b tcp
	for _ in 1 2 3; do
		must a ping 5
		must b ping 5
		nap 0.3
	done
	# whatever the driver is at
	now
	start=$NOW
	rules_flush
	used 0 || fail "the flush came back before the chip was empty: $(cat $CHIP/rules)"
	now
	[ $((NOW - start)) -lt 5000000 ] || fail "the flush took $((NOW - start)) us"
	by_host a ping 5
	by_host b ping 5
}

rmmod_busy() {
	clean "$1"
	table
	hw_up c udp
	client t tcp
	in_hw t tcp "$PORT"
	must c timeout 200
	tell c run 1500
	rmmod nfo_hwsim
	peer_answer c || true
	[ ! -e "/sys/module/nfo_hwsim" ] || fail "the module is left"
	tool list -j
	equal "$(value '.flows | length')" 0 "flows without a device"
	peer_stop c
	peer_stop t
	rules_flush
	chip_up "$1"
	# the next one is as good as the first
	table
	hw_up n udp
}

# The port itself disappears.
port_goes() {
	clean "$1"
	table
	hw_up c udp
	must c timeout 200
	tell c run 1000
	set_chip ports "del 1"
	peer_answer c || true
	used 0 || fail "rules are left: $(cat $CHIP/rules)"
	tool list -j
	equal "$(value '.flows | length')" 0 "flows without a device"
	peer_stop c
	rules_flush
	rmmod nfo_hwsim
	chip_up "$1"
	table
	hw_up n udp
}

# The table is full of somebody else's rules: nobody storms the driver.
foreign() {
	local i calls

	clean
	set_chip table_size 1
	table
	for i in {1..5}; do client "l$i" udp; done
	calls
	calls=$CALLS
	for _ in {1..12}; do
		for i in {1..5}; do must "l$i" ping 5; done
		nap 0.3
	done
	calls
	[ $((CALLS - calls)) -ge 1 ] || fail "the driver was not asked"
	[ $((CALLS - calls)) -le 10 ] || fail "$((CALLS - calls)) calls"
	used 0 || fail "$(cat $CHIP/rules)"
}

# What was learned of a full table is tried again; SECONDS as long as the module takes.
grows() {
	local i

	clean
	set_chip table_size 4
	table
	for i in 1 2 3; do client "l$i" udp; done
	for _ in {1..7}; do
		for i in 1 2 3; do must "l$i" ping 5; done
		nap 0.3
	done
	used 4 || fail "not two flows: $(cat $CHIP/used $CHIP/calls)"
	set_chip table_size 1000
	wait_for "$1" all_in || fail "not three flows: $(cat $CHIP/used $CHIP/calls)"
}
all_in() {
	local i

	for i in 1 2 3; do must "l$i" ping 5; done
	used 6
}

# As everybody reloads a ruleset: the new flowtable is there before the old one goes, and
# the driver serves one of them at a time.
reloaded() {
	local new

	clean "$1"
	table
	hw_up c udp
	new=$(in_r nft list ruleset)
	rules_load <<<"flush ruleset"$'\n'"$new"
	dev_is hwp0 "* none *" || fail "hwp0: $SAYS"
	in_hw c udp "$PORT"
	flat 20 c ping 10
	used 2 || fail "$(cat $CHIP/rules)"
}

topo_chip
sysctl_r net/netfilter/nf_conntrack_acct 1
run_case "flow table callback, UDP" carried ft udp none
run_case "flow table callback, TCP, masquerade" carried ft tcp masquerade
run_case "flow table callback, TCP over IPv6, dnat" carried ft tcp6 dnat
run_case "block, TCP, masquerade" carried block tcp masquerade
run_case "block, UDP, dnat" carried block udp dnat
run_case "block, UDP over IPv6, masquerade" carried block udp6 masquerade
run_case "indirect block, UDP over IPv6, dnat" carried indirect udp6 dnat
run_case "indirect block, TCP" carried indirect tcp none
run_case "no driver" no_driver
run_case "two ports and a veth" mixed
run_case "strict_offload" strict
run_case "a port joins and leaves" joins
run_case "both directions or none" one_direction
run_case "refused shape: IPv6" shape ipv6 udp6 none udp 20
run_case "refused shape: NAT" shape nat udp masquerade tcp 5
run_case "EAGAIN" failing 11 5
run_case "EBUSY" failing 16 3
run_case "ENOMEM" failing 12 3
run_case "a full table" full
run_case "settings" settings
run_case "counters, UDP" counted udp
run_case "counters, UDP over IPv6" counted udp6
run_case "ageing" ageing
run_case "FIN" ended tcp fin
run_case "RST" ended tcp reset
run_case "RST over IPv6" ended tcp6 reset
run_case "another neighbour" neighbour
run_case "another route" route_away
run_case "conntrack -D, UDP" ct_deleted udp
run_case "conntrack -D, TCP" ct_deleted tcp
run_case "the flowtable is deleted" flowtable_deleted
run_case "the ruleset is loaded anew, at once" reloaded ft
run_case "the ruleset is loaded anew, at once, block" reloaded block
run_case "the ruleset is loaded anew, at once, indirect block" reloaded indirect
run_case "a port goes down" device_down
run_case "hw-tc-offload off and on" tc_feature
run_case "a slow driver" slow_driver
run_case "a port goes under traffic" port_goes ft
run_case "a port goes under traffic, indirect block" port_goes indirect
run_case "rmmod under traffic" rmmod_busy ft
run_case "rmmod under traffic, block" rmmod_busy block
run_case "full of somebody else's rules: no storm" foreign
run_case "a learned size is doubted after a while" grows 45
run_case "rmmod under traffic, indirect block" rmmod_busy indirect
rmmod nfo_hwsim
all_done
