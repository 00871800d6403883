#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# tags: hw
# What a driver that is slow, failing or gone does to the flows: they go on in software,
# and the troubles of one device stay its own.
# shellcheck source=../lib.sh disable=SC2119
. "$(dirname "$0")/../lib.sh"
need jq
# shellcheck source=../lib-hwsim.sh
. "$(dirname "$0")/../lib-hwsim.sh"
# shellcheck source=../lib-hwcache.sh
. "$(dirname "$0")/../lib-hwcache.sh"
ours_alone

# --- a driver that says ENODEV -------------------------------------------

software_goes_on() {
	must "$1" ping 4
	flow_is "$2" .state software
}

# early KIND - it says so when it is asked to take a rule: firmware that comes later, an output port
# whose own part of the chip is away. What is in stays, and the driver is asked again by itself.
early() {
	local in calls

	fresh "$1"
	table
	hw_up a udp
	in=$PORT
	set_chip fail "19 100 firmware is not there yet"
	client b udp
	promote b udp "$PORT"
	wait_for 10 lost_by b "$1 hw-busy 19 firmware is not there yet" || fail "hwp0: $SAYS"
	flow_is "$in" .state hardware || fail "state $IS of what was in"
	# At a distance that grows: some packets ask, most do not.
	calls
	calls=$CALLS
	for _ in 1 2 3 4 5 6 7 8; do must b ping 4; done
	calls
	[ $((CALLS - calls)) -le 8 ] || fail "asked $((CALLS - calls)) times by 32 packets"
	set_chip fail 0
	wait_for 30 asks b udp "$PORT" || fail "not asked again: $SAYS"
	by_hw 10 b ping 5
	by_hw 10 a ping 5
}
lost_by() { must "$1" ping 4; dev_is hwp0 "$2"; }
by_feature() {
	in_r ethtool -K "${1:-hwp0}" hw-tc-offload off
	in_r ethtool -K "${1:-hwp0}" hw-tc-offload on
}
by_link() {
	local host=c0 ns=$NS_C addr=$RC6

	[ "$1" = hwp0 ] || { host=s0 ns=$NS_S addr=$RS6; }
	ip -n "$NS_R" link set "$1" down
	ip -n "$NS_R" -batch - <<-END
		link set $1 up
		addr replace $addr/64 dev $1 nodad
	END
	links_ready "$ns" $host "$NS_R" "$1"
	wait_for 10 ask a ping 1 || fail "no answer: $ANSWER"
	must a drain
}

# lost KIND COMMAND - it says so when it is asked for counters: the device's hardware is gone.
lost() {
	local in age calls

	fresh "$1"
	table
	hw_up a udp
	in=$PORT
	tool list -j -P "$in"
	age=$(value '.flows[0].ct_id')
	set_chip fail_stats "19 100 gone"
	wait_for 5 dev_is hwp0 "none hw-driver 19 *" || fail "hwp0: $SAYS"
	# what it had is out, and goes on as the flow it was
	wait_for 10 used 0 || fail "rules are left: $(cat $CHIP/rules)"
	wait_for 5 software_goes_on a "$in" || fail "state $IS"
	flow_is "$in" .ct_id "$age" || fail "another flow"
	by_host a ping 10
	fast a ping 10
	ct_has udp "$in" hw=0 || fail "$CT"
	# not asked again while nothing has happened
	calls
	calls=$CALLS
	for _ in 1 2 3; do must a ping 4; nap 0.6; done
	calls
	equal "$CALLS" "$calls" "calls of a driver that is gone"
	set_chip fail_stats 0
	"$2" hwp0
	"$2" hwp1
	wait_for 10 dev_is hwp0 "$1 none 0 *" || fail "hwp0: $SAYS"
	in_hw a udp "$in"
	by_hw 10 a ping 5
}

# --- what was learned is forgotten ---------------------------------------

forgets() {
	local calls

	fresh
	set_chip features/ipv6 0
	table
	client c udp6
	wait_for 10 refused_after c "95 " || fail "the driver was not asked: $(cat $CHIP/calls)"
	set_chip features/ipv6 1
	calls
	calls=$CALLS
	ask_twice c
	calls
	equal "$CALLS" "$calls" "calls for a shape that was refused"
	by_feature
	in_hw c udp6 "$PORT"
	by_hw 10 c ping 5
}

# --- each device by itself -----------------------------------------------

# A third port with a server of its own behind it, in NS_V.
V4=203.0.113.2
third_up() {
	ns_add v
	NS_V=$NS
	no_dad "$NS_V"
	ip -batch - <<-END
		link set hwp2 netns $NS_R
		link set wire2 netns $NS_V name v0
	END
	ip -n "$NS_R" -batch - <<-END
		link set hwp2 up
		addr add 203.0.113.1/24 dev hwp2
	END
	ip -n "$NS_V" -batch - <<-END
		link set v0 up
		addr add $V4/24 dev v0
		route add default via 203.0.113.1
	END
	links_ready "$NS_V" v0 "$NS_R" hwp2
	peer_start sv "$NS_V" server udp :: 5000 || fail "$ANSWER"
}

# Back into the namespace the chip is in: the next case finds it there.
third_down() {
	rules_flush
	peer_stop sv
	set_chip ports "del 2"
	set_chip ports "add 2"
}

# A device takes a second for each command; flows between the others don't wait.
slow_neighbour() {
	fresh
	third_up
	set_chip features/one_chip 0
	table "" "hwp0, hwp1, hwp2"
	set_chip port_delay_us/1 1000000
	swarm many 40
	must many ping 0 40 10
	nap 0.6
	must many ping 0 40 1
	client v udp 5000 $V4
	promote v udp "$PORT"
	now
	local start=$NOW
	wait_for 5 asks v udp "$PORT" || fail "held up: $(cat $CHIP/calls)"
	now
	[ $((NOW - start)) -lt 5000000 ] || fail "it took $((NOW - start)) us"
	by_v 20 v ping 10
	# the others are still waiting
	tool list -j -s queued
	[ "$(value '.flows | length')" -gt 20 ] || fail "the slow device was not slow"
	# and don't hold up who deletes them, but for the one in the driver's hands
	set_chip port_delay_us/1 200000
	now
	start=$NOW
	rules_flush
	used 0 || fail "rules are left: $(cat $CHIP/rules)"
	now
	[ $((NOW - start)) -lt 15000000 ] || fail "the flush took $((NOW - start)) us"
	third_down
}
# as by_hw, between the ports 0 and 2
by_v() {
	local before after

	before=$(awk '/^[02] /{ sub(/.*hw_in=/, ""); n += $1 } END { print n }' $CHIP/ports)
	must "${@:2}"
	after=$(awk '/^[02] /{ sub(/.*hw_in=/, ""); n += $1 } END { print n }' $CHIP/ports)
	equal $((after - before)) "$1" "packets by hardware"
}

# --- drivers in trouble, under traffic -----------------------------------

# Drivers that fail now and then in all they do, and take their time: every byte of a
# stream arrives as it was sent, and no datagram is lost.
trouble() {
	local before

	fresh
	setting hw_after 1
	table
	set_chip rule_delay_us 2000
	set_chip fail_add "11 5 now and then"
	set_chip fail_del "16 20"
	set_chip fail_stats "5 50"
	client t tcp
	client u udp
	swarm many 60
	tell many mix 30 5000
	tell u run 5000
	for _ in 1 2 3; do
		must t bulk 300000
		must t ping 10
		in_r ethtool -K hwp1 hw-tc-offload off
		must t bulk 100000
		in_r ethtool -K hwp1 hw-tc-offload on
	done
	peer_answer u || fail "$ANSWER"
	[[ $ANSWER == *" 0" ]] || fail "packets lost: $ANSWER"
	peer_answer many || fail "$ANSWER"
	[[ $ANSWER == *" 0" ]] || fail "packets lost: $ANSWER"
	# Deletions are insisted on. Whether one has failed by now is left to chance, so those of
	# one more connection fail for certain, until the driver has recovered.
	set_chip fail_add 0
	hw_up v udp
	set_chip fail_del 16
	refused_calls del
	before=$REFUSED
	tool flush
	wait_for 4 refused_deletes $((before + 1)) || fail "no deletion failed"
	set_chip fail_del "16 20"
	rules_flush
	used 0 || fail "rules are left: $(cat $CHIP/rules)"
}

# A chip that lost its table: packets come to the host, and rules come anew.
amnesia() {
	fresh
	table
	hw_up c udp
	tell c run 4000
	nap 0.3
	set_chip reset 1
	used 0 || fail "$(cat $CHIP/rules)"
	wait_for 4 used 2 || fail "the rules are not back: $(cat $CHIP/rules)"
	peer_answer c || fail "$ANSWER"
	[[ $ANSWER == *" 0" ]] || fail "packets lost: $ANSWER"
	by_hw 10 c ping 5
}

# The driver goes while it works; what does not cross it does not notice.
vanishing() {
	local a b

	fresh "$1"
	ns_add a b
	b=$NS a=${NS/nfo-b/nfo-a}
	no_dad "$a"
	no_dad "$b"
	ip -batch - <<-END
		link add a0 netns $a type veth peer name ra netns $NS_R
		link add b0 netns $b type veth peer name rb netns $NS_R
	END
	ip -n "$NS_R" -batch - <<-END
		addr add 203.0.113.1/25 dev ra
		addr add 203.0.113.129/25 dev rb
		link set ra up
		link set rb up
	END
	ip -n "$a" -batch - <<-END
		addr add 203.0.113.2/25 dev a0
		link set a0 up
		route add default via 203.0.113.1
	END
	ip -n "$b" -batch - <<-END
		addr add 203.0.113.130/25 dev b0
		link set b0 up
		route add default via 203.0.113.129
	END
	links_ready "$a" a0 "$NS_R" ra "$b" b0 "$NS_R" rb
	table "" "hwp0, hwp1, ra, rb"
	peer_start sb "$b" server udp :: 5000 || fail "$ANSWER"
	next_port
	peer_start v "$a" client udp 203.0.113.2 "$PORT" 203.0.113.130 5000 || fail "$ANSWER"
	promote v udp "$PORT"
	hw_up c udp
	swarm many 200
	must many ping 0 200 10
	nap 0.6
	set_chip rule_delay_us 2000
	tell v run 4000
	tell many ping 0 200 2
	must c timeout 200
	tell c run 1500
	nap 0.3
	# two hundred are on their way in
	rmmod nfo_hwsim
	peer_answer c || true
	peer_answer v || fail "$ANSWER"
	[[ $ANSWER == *" 0" ]] || fail "packets between veths lost: $ANSWER"
	tool list -j
	equal "$(value '.flows | length')" 1 "flows"
	# the addresses that went with the ports were a change of routing: each direction learns once more
	settle v
	fast v ping 10
	peer_stop c
	peer_stop many
	rules_flush
	ip -n "$NS_R" link del ra
	ip -n "$NS_R" link del rb
	chip_up "$1"
	table
	hw_up n udp
}

topo_chip
sysctl_r net/netfilter/nf_conntrack_acct 1
run_case "ENODEV for a rule, flow table callback" early ft
run_case "ENODEV for a rule, block" early block
run_case "ENODEV with the counters, flow table callback, hw-tc-offload" lost ft by_feature
run_case "ENODEV with the counters, block, the link comes back" lost block by_link
run_case "what was refused is forgotten with a rebinding" forgets
run_case "a slow device is nobody else's trouble" slow_neighbour
run_case "a driver that fails now and then" trouble
run_case "a chip that forgot its rules" amnesia
run_case "rmmod with two hundred on their way in" vanishing ft
run_case "rmmod with two hundred on their way in, indirect block" vanishing indirect
rmmod nfo_hwsim
all_done
