#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# tags: hw
# Chips and drivers that are not kind: deaf to a deletion, late, without counters, with full
# buckets, with errnos of their own, and registered after the flowtable.
# shellcheck source=../lib.sh disable=SC2119
. "$(dirname "$0")/../lib.sh"
need jq
# shellcheck source=../lib-hwsim.sh
. "$(dirname "$0")/../lib-hwsim.sh"
# shellcheck source=../lib-hwcache.sh
. "$(dirname "$0")/../lib-hwcache.sh"
ours_alone
TIMEOUT=net/netfilter/nf_flowtable_udp_timeout

# Its driver asks hw-tc-offload before it hears of a deletion, and the event comes after.
feature_off() {
	fresh "$1"
	mode off_is_deaf
	table
	hw_up c udp
	in_r ethtool -K hwp0 hw-tc-offload off
	wait_for 5 used 0 || fail "rules are left: $(cat $CHIP/rules)"
	[[ $(in_r ethtool -k hwp0) == *"hw-tc-offload: off"* ]] || fail "the switch is on again"
	by_host c ping 10
	wait_for 5 dev_is hwp0 "none hw-feature *" || fail "hwp0: $SAYS"
	must c run 1000
	flow_is "$PORT" .reason hw-feature || fail "the flow says $IS"
	in_r ethtool -K hwp0 hw-tc-offload on
	in_hw c udp "$PORT"
	flow_is "$PORT" .reason none || fail "the flow says $IS"
	by_hw 10 c ping 5
}

# --- a device below the ports, as DSA has one ----------------------------

# on_conduit - a chip with such a device, whose driver is that of the ports' rules.
on_conduit() {
	rules_flush
	rmmod nfo_hwsim
	CHIP_OPTIONS="conduit=1"
	chip_up ft
	ip link set hwc0 netns "$NS_R" up
	CHIP_OPTIONS=''
}

# slow_with_rules - eight rules in a chip whose driver is slow, and hears of nothing while
# hw-tc-offload of the port or of the device below is off. The port of the client a in FIRST.
slow_with_rules() {
	local p

	on_conduit
	mode off_is_deaf
	table
	FIRST=''
	for p in a b c d; do
		hw_up $p udp
		FIRST=${FIRST:-$PORT}
	done
	set_chip rule_delay_us 200000
}
tc_switch() { in_r ethtool -K "$1" hw-tc-offload "$2"; }
tc_is() { [[ $(in_r ethtool -k "$1") == *"hw-tc-offload: $2"* ]]; }

# rules_go - all of them, and flows of hwp0 stay in software.
rules_go() {
	wait_for 30 used 0 || fail "rules are left: $(cat $CHIP/rules)"
	set_chip rule_delay_us 0
	wait_for 10 dev_is hwp0 "none hw-feature *" || fail "hwp0: $SAYS"
	by_host a ping 5
}

# switched_off ONE OTHER - somebody switches both off before the driver is through with the rules.
switched_off() {
	slow_with_rules
	tc_switch "$1" off
	tc_switch "$2" off
	! used 0 || fail "no rule was left when $2 was switched off"
	rules_go
	tc_is "$1" off || fail "$1 is switched on again"
	tc_is "$2" off || fail "$2 is switched on again"
	tc_switch "$1" on
	tc_switch "$2" on
	in_hw a udp "$FIRST"
	by_hw 10 a ping 5
}

# The device below is switched on again meanwhile, and stays on; the port stays off.
switched_on_below() {
	slow_with_rules
	tc_switch hwp0 off
	tc_switch hwc0 off
	tc_switch hwc0 on
	! used 0 || fail "no rule was left when hwc0 was switched on"
	rules_go
	tc_is hwc0 on || fail "hwc0 is switched off again"
	tc_is hwp0 off || fail "hwp0 is switched on again"
	tc_switch hwp0 on
	in_hw a udp "$FIRST"
	by_hw 10 a ping 5
}

# --- deletions -----------------------------------------------------------

# A rule that is not deleted is not forgotten, and status says what the driver is asked for in vain.
deaf_to_delete() {
	fresh
	table
	hw_up c udp
	set_chip fail_del "$1 100 not now"
	tool flush
	wait_for 5 refused_deletes 2 || fail "not told: $(cat $CHIP/calls)"
	wait_for 5 dev_is hwp0 "ft hw-busy $1 not now" || fail "hwp0: $SAYS"
	set_chip fail_del 0
	wait_for 5 used 0 || fail "rules are left: $(cat $CHIP/rules)"
	wait_for 3 dev_is hwp0 "ft none 0 " || fail "hwp0: $SAYS"
	in_hw c udp "$PORT"
	by_hw 10 c ping 5
}

# Nobody waits for ever for a driver that never deletes.
never_deletes() {
	local start

	fresh
	table
	hw_up c udp
	set_chip fail_del "95 100 never"
	now
	start=$NOW
	rules_flush
	now
	[ $((NOW - start)) -lt 20000000 ] || fail "the flush took $((NOW - start)) us"
	set_chip fail_del 0
	set_chip reset 1
}

# What a rule rests on that its driver never deletes is free: another device goes.
another_goes() {
	local told going

	fresh
	table
	hw_up c udp
	refused_calls del
	told=$REFUSED
	set_chip fail_port 0
	set_chip fail_del "95 100 never"
	tool flush
	wait_for 5 refused_deletes $((told + 2)) || fail "not told: $(cat $CHIP/calls)"
	set_chip ports "del 1" &
	going=$!
	wait_for 10 ended_already $going || { set_chip fail_del 0; fail "the other port waits for the rule"; }
	used 1 || fail "$(cat $CHIP/rules)"
	set_chip fail_del 0
	wait_for 5 used 0 || fail "rules are left: $(cat $CHIP/rules)"
	rules_flush
	rmmod nfo_hwsim
	chip_up ft
}
ended_already() { ! kill -0 "$1" 2>/dev/null; }

unknown_cookie() {
	fresh
	mode inval
	table
	hw_up c udp
	set_chip reset 1
	wait_for 5 used 0 || fail "$(cat $CHIP/rules)"
	# the flow is not taken for one in hardware any more
	wait_for 15 asked_again c || fail "not in hardware again: $(cat $CHIP/calls)"
	by_hw 10 c ping 5
}

asked_again() { must "$1" ping 4; used 2; }

# --- counters ------------------------------------------------------------

uncounted() {
	fresh
	mode uncounted
	sysctl_r $TIMEOUT 3
	table
	hw_up c udp
	must c run 7000
	[[ $ANSWER == *" 0" ]] || fail "packets lost: $ANSWER"
	state_is "$PORT" hardware || fail "state $STATE"
	by_hw 10 c ping 5
	sysctl_r $TIMEOUT 30
}

# A chip that says nothing: software has a look, and the flow goes on.
silent() {
	local id before

	fresh
	mode silent
	table
	hw_up c udp
	tool list -j -P "$PORT"
	id=$(value '.flows[0].ct_id')
	ports
	before=$HOST
	tell c run 18000
	wait_for 17 looked_at "$before" || fail "never looked at: $(cat "$CHIP/ports")"
	peer_answer c || fail "$ANSWER"
	[[ $ANSWER == *" 0" ]] || fail "packets lost: $ANSWER"
	tool list -j -P "$PORT"
	equal "$(value '.flows[0].ct_id')" "$id" "another flow"
}
# Packets came to the host: on an idle machine their rules are back with the first of them.
looked_at() { ports; [ "$HOST" -gt "$1" ]; }

# Readings that come late are no idleness.
late_readings() {
	fresh
	sysctl_r $TIMEOUT 2
	table
	hw_up c udp
	set_chip hold 1
	must c run 6000
	state_is "$PORT" hardware || fail "state $STATE"
	set_chip hold 0
	by_hw 10 c ping 5
	sysctl_r $TIMEOUT 30
}

late_rules() {
	fresh
	mode late
	table
	client c udp
	must c run 3000
	[[ $ANSWER == *" 0" ]] || fail "packets lost: $ANSWER"
	in_hw c udp "$PORT"
	wait_for 5 works_now c || fail "$(cat $CHIP/rules)"
}
works_now() { ports; local host=$HOST; must "$1" ping 5; ports; [ "$HOST" = "$host" ]; }

# --- a full bucket is no full table --------------------------------------

# 48 rules, 16 buckets of four: a few do not fit. In whatever order the flows come, 42 or 44
# rules find room, unless flows that find none keep others from asking.
buckets() {
	fresh
	set_chip table_size 64
	mode buckets
	table
	swarm many 24
	wait_for 20 filling many 42 || fail "$(cat $CHIP/used $CHIP/calls)"
	peer_stop many
}
filling() { lossless "$1" ping 0 24 4; used_at_least "$2"; }
used_at_least() {
	local now

	read -r now _ <"$CHIP/used"
	[ "$now" -ge "$1" ]
}

errno_of_nfp() {
	fresh block
	set_chip driver nfp
	mode no_add
	table
	hw_up a udp
	set_chip fail "2 100 Out of ids"
	client b udp
	promote b udp "$PORT"
	wait_for 10 full_by b || fail "hwp0: $SAYS"
	set_chip fail 0
	in_hw b udp "$PORT"
}
full_by() { must "$1" ping 4; dev_is hwp0 "block hw-full 2 *" || dev_is hwp1 "block hw-full 2 *"; }

# --- indirect blocks -----------------------------------------------------

blocks() { equal "$(<$CHIP/blocks)" "$1" "blocks bound"; }

# A driver that comes when the flowtable has gone finds nothing of it.
after_us() {
	fresh indirect
	set_chip indirect 0
	table
	dev_is hwp0 "none hw-driver 95 *" || fail "hwp0: $SAYS"
	rules_flush
	set_chip indirect 1
	blocks 0
}

# One that comes while the flowtable is there is used from the next link on.
comes_late() {
	fresh indirect
	set_chip indirect 0
	table
	client c udp
	promote c udp "$PORT"
	set_chip indirect 1
	blocks 2
	ip -n "$NS_R" link set lo down
	ip -n "$NS_R" link set lo up
	in_hw c udp "$PORT"
	by_hw 10 c ping 5
	# and one that goes
	set_chip indirect 0
	used 0 || fail "rules are left: $(cat $CHIP/rules)"
	by_host c ping 10
	rules_flush
	set_chip indirect 1
	blocks 0
}

# One goes, and the flowtable has gone by the time that it hears of it. Until then the module stays.
both_go() {
	local driver

	fresh indirect
	table
	hw_up c udp
	set_chip hold_indirect 1
	set_chip indirect 0 &
	driver=$!
	wait_for 5 held || fail "the driver does not go: $(cat $CHIP/hold_indirect)"
	rules_flush
	used 0 || fail "rules are left: $(cat $CHIP/rules)"
	! rmmod nf_flow_offload 2>/dev/null || fail "the module has gone under the driver's call"
	set_chip hold_indirect 0
	wait $driver || fail "the driver did not go"
	by_host c ping 10
	set_chip indirect 1
	blocks 0
	table
	hw_up n udp
}
held() { [ "$(<$CHIP/hold_indirect)" = 2 ]; }

topo_chip
sysctl_r net/netfilter/nf_conntrack_acct 1
run_case "hw-tc-offload off, a driver that hears nothing then" feature_off ft
run_case "the same, block" feature_off block
run_case "a deletion that is refused is repeated" deaf_to_delete 95
run_case "likewise with EBUSY" deaf_to_delete 16
run_case "a driver that never deletes" never_deletes
run_case "a driver that never deletes, and another device goes" another_goes
run_case "an unknown cookie is EINVAL" unknown_cookie
run_case "no counters, the time of the last packet alone" uncounted
run_case "no word of its use" silent
run_case "late readings are no idleness" late_readings
run_case "rules that work late" late_rules
run_case "full buckets" buckets
run_case "nfp's errno for a full table" errno_of_nfp
run_case "a driver of indirect blocks after the flowtable" after_us
run_case "a driver of indirect blocks that comes late and goes" comes_late
run_case "a driver of indirect blocks goes, and the flowtable" both_go
run_case "hw-tc-offload off, below the port and then of the port" switched_off hwc0 hwp0
run_case "hw-tc-offload off, of the port and then below it" switched_off hwp0 hwc0
run_case "hw-tc-offload off, and on again below" switched_on_below
rmmod nfo_hwsim
all_done
