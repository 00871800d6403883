#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# tags: hw
# hw_oneway: one direction of a flow alone is in hardware, because the device of the other
# one cannot; it gives way to a hotter one, and the other half follows when it can.
# shellcheck source=../lib.sh disable=SC2119
. "$(dirname "$0")/../lib.sh"
need jq
# shellcheck source=../lib-hwsim.sh
. "$(dirname "$0")/../lib-hwsim.sh"
# shellcheck source=../lib-hwcache.sh
. "$(dirname "$0")/../lib-hwcache.sh"
ours_alone

half_in() { must "$1" ping 4; flow_is "$2" '"\(.state) \(.original.hw) \(.reply.hw)"' "half $3"; }

# half HOW - the server's device cannot: no driver any more, or it refuses.
half() {
	local port hw host

	fresh
	setting hw_oneway 0
	if [ "$1" = driver ]; then
		table
		in_r ethtool -K hwp1 hw-tc-offload off
	else
		set_chip fail_port 1
		set_chip fail "95 100 not that way"
		table
	fi
	client c udp
	port=$PORT
	promote c udp "$port"
	ask_twice c
	used 0 || fail "half a flow without being asked: $(cat $CHIP/rules)"
	setting hw_oneway 1
	wait_for 10 half_in c "$port" "true false" || fail "flow: $IS"
	flow_is "$port" .reason "$2" || fail "the flow says $IS"
	used 1 || fail "$(cat $CHIP/rules)"
	has_rule "in=0" || fail "$(cat $CHIP/rules)"
	ct_has udp "$port" hw=0 || fail "conntrack: $CT"
	ct_has udp "$port" offload=1 || fail "conntrack: $CT"
	ports
	hw=$HW host=$HOST
	lossless c run 1000
	ports
	equal $((HW - hw)) $((HOST - host)) "packets of the two directions"
	fast c ping 20
	# what the hardware counts and what software counts come together; the two directions
	# were not learned from the same packet
	wait_for 5 flow_is "$port" '(.original.packets - .reply.packets) | . >= -2 and . <= 2' true ||
		fail "counters differ"
	# it gives way to one that is hotter
	set_chip table_size 1
	in_r ethtool -K hwp0 hw-tc-offload off
	in_r ethtool -K hwp0 hw-tc-offload on
	wait_for 10 half_in c "$port" "true false" || fail "flow: $IS"
	client h udp
	tell h run 4000
	wait_for 8 half_now "$PORT" || fail "the hot one is not in: $(cat $CHIP/rules)"
	peer_answer h || fail "$ANSWER"
	[[ $ANSWER == *" 0" ]] || fail "packets lost: $ANSWER"
	flow_is "$port" .original.hw false || fail "both are in: $(cat $CHIP/rules)"
	set_chip table_size 1000
	# the other half follows when its device can
	if [ "$1" = driver ]; then
		in_r ethtool -K hwp1 hw-tc-offload on
	else
		set_chip fail 0
		in_r ethtool -K hwp1 hw-tc-offload off
		in_r ethtool -K hwp1 hw-tc-offload on
	fi
	in_hw h udp "$PORT"
	flow_is "$PORT" '"\(.state) \(.original.hw) \(.reply.hw)"' "hardware true true" || fail "$IS"
	by_hw 10 h ping 5
	rules_flush
	used 0 || fail "rules are left: $(cat $CHIP/rules)"
}
half_now() { flow_is "$1" '"\(.state) \(.original.hw)"' "half true"; }

# The direction alone may as well be the reply.
half_reply() {
	fresh
	setting hw_oneway 1
	table
	in_r ethtool -K hwp0 hw-tc-offload off
	client c udp
	promote c udp "$PORT"
	wait_for 10 half_in c "$PORT" "false true" || fail "flow: $IS"
	in_r ethtool -K hwp1 hw-tc-offload off
	wait_for 5 used 0 || fail "rules are left: $(cat $CHIP/rules)"
	in_r ethtool -K hwp1 hw-tc-offload on
	wait_for 10 half_in c "$PORT" "false true" || fail "flow: $IS"
	has_rule "in=1" || fail "$(cat $CHIP/rules)"
	lossless c run 500
	ct_delete udp "$PORT" || fail "$ANSWER"
	wait_for 3 used 0 || fail "rules are left: $(cat $CHIP/rules)"
}

topo_chip
sysctl_r net/netfilter/nf_conntrack_acct 1
run_case "half a flow: no driver" half driver hw-feature
run_case "half a flow: refused" half refused hw-shape
run_case "half a flow: the reply" half_reply
rmmod nfo_hwsim
all_done
