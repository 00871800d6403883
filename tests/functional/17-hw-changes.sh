#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# tags: hw
# Flows in hardware follow what changes around them: neighbours, routes, devices, and
# drivers that are slow or go.
# shellcheck source=../lib.sh disable=SC2119
. "$(dirname "$0")/../lib.sh"
need jq
# shellcheck source=../lib-hwsim.sh
. "$(dirname "$0")/../lib-hwsim.sh"
ours_alone

# A link that came up is told of up to a second later, and takes the flow out once more.
stays_in_hw() { asks "$@" && nap 1.2 && asks "$@"; }
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
	wait_for 20 stays_in_hw c udp "$PORT" || fail "not in hardware: $(cat $CHIP/rules)"
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
	wait_for 20 stays_in_hw c udp "$PORT" || fail "not in hardware: $(cat $CHIP/rules)"
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

# No commit tells that an element of a set has timed out, and no packet passes the ruleset.
element_times_out() {
	clean
	tool set recheck_ms 500
	tool set hw_sync_ms 200
	table "set s { type ipv4_addr; flags timeout; elements = { $C4 }; }
		chain portal { type filter hook forward priority -10; ip saddr $C4 ip saddr != @s drop; }"
	hw_up c udp
	in_r nft -f - <<-END
		delete element inet t s { $C4 }
		add element inet t s { $C4 timeout 4s }
	END
	must c ping 1
	wait_for 20 asks c udp "$PORT" || fail "not in hardware: $(cat $CHIP/rules)"
	must c timeout 200
	wait_for 15 unanswered || fail "the chip forwards on: $(cat $CHIP/rules)"
	wait_for 5 used 0 || fail "rules are left: $(cat $CHIP/rules)"
	tool set recheck_ms 5000
	tool set hw_sync_ms 1000
}
unanswered() { ! ask c ping 1; }

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
	wait_for 3 dev_is hwp0 "none hw-feature *" || fail "hwp0: $SAYS"
	by_host c ping 10
	in_r ethtool -K hwp0 hw-tc-offload on
	in_hw c udp "$PORT"
	by_hw 10 c ping 5
	wait_for 3 dev_is hwp0 "ft none 0 " || fail "hwp0: $SAYS"
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

topo_chip
sysctl_r net/netfilter/nf_conntrack_acct 1
run_case "another neighbour" neighbour
run_case "another route" route_away
run_case "an element of a set times out" element_times_out
run_case "a port goes down" device_down
run_case "hw-tc-offload off and on" tc_feature
run_case "a slow driver" slow_driver
run_case "a port goes under traffic" port_goes ft
run_case "a port goes under traffic, indirect block" port_goes indirect
run_case "rmmod under traffic" rmmod_busy ft
run_case "rmmod under traffic, block" rmmod_busy block
run_case "rmmod under traffic, indirect block" rmmod_busy indirect
rmmod nfo_hwsim
all_done
