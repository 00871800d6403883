#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# tags: hw
# A hardware table that is full, or that settings keep small: the busiest flows are in,
# equals do not chase each other, and the driver is not stormed.
# shellcheck source=../lib.sh disable=SC2119
. "$(dirname "$0")/../lib.sh"
need jq
# shellcheck source=../lib-hwsim.sh
. "$(dirname "$0")/../lib-hwsim.sh"
ours_alone

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

topo_chip
sysctl_r net/netfilter/nf_conntrack_acct 1
run_case "a full table" full
run_case "settings" settings
run_case "full of somebody else's rules: no storm" foreign
run_case "a learned size is doubted after a while" grows 45
rmmod nfo_hwsim
all_done
