#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# tags: hw
# A change of the ruleset and flows in hardware: what the forward hooks drop leaves at once,
# all else stays but for a small part at a time, which learns from packets of its own.
# shellcheck source=../lib.sh disable=SC2119
. "$(dirname "$0")/../lib.sh"
need jq
# shellcheck source=../lib-hwsim.sh
. "$(dirname "$0")/../lib-hwsim.sh"
# shellcheck source=../lib-hwcache.sh
. "$(dirname "$0")/../lib-hwcache.sh"
ours_alone

FLOWS=$((MANY / 2))
RULES=$((2 * FLOWS))
# Sixteen flows may leave in a period, and their packets are slow to come.
SOME=$((RULES - 4 * 16 * 2))

# full_table - all of the connections are in hardware.
full_table() {
	fresh
	set_chip table_size $((4 * RULES))
	table "counter owed { }
		chain accounts { type filter hook postrouting priority 300; oifname { hwp0, hwp1 } counter name owed; }"
	swarm many "$FLOWS"
	lossless many ping 0 "$FLOWS" 10
	wait_for 30 swarm_in || fail "not all are in: $(cat $CHIP/used $CHIP/calls)"
}
swarm_in() { lossless many ping 0 "$FLOWS" 1; used $RULES; }

most_in() { local held; lossless many ping 0 "$FLOWS" 2; read -r held _ <"$CHIP/used"; [ "$held" -ge $((RULES - 64)) ]; }

# least SECONDS - the smallest number of rules that the chip has in that time, in LEAST.
least() {
	local end held

	now
	end=$((NOW + $1 * 1000000))
	LEAST=$RULES
	while now && [ "$NOW" -lt "$end" ]; do
		read -r held _ <"$CHIP/used"
		[ "$held" -ge "$LEAST" ] || LEAST=$held
		nap 0.02
	done
}

# commit N - a change of the ruleset that says nothing about these connections.
commit() { in_r nft add rule inet t forward ip daddr "203.0.113.$1" drop; }

stays_full() {
	local held i

	full_table
	for i in 1 2 3; do
		commit "$i"
		least 1
		[ "$LEAST" -ge $SOME ] || fail "after a commit $LEAST of $RULES rules are left"
		# those that left come back before the next one, and others leave
		wait_for 20 most_in || fail "not all came back: $(cat $CHIP/used $CHIP/calls)"
	done
	read -r held _ <"$CHIP/used"
	echo "the least was $LEAST, now $held of $RULES"
}
# Every connection shows a packet of each direction to the new ruleset, whole.
owed_all() { lossless many ping 0 "$FLOWS" 1; [ "$(owed)" -ge $((OWED + RULES)) ]; }
owed() { counter owed && echo "$PACKETS"; }
everybody_learns() {
	full_table
	setting hw_sync_ms 100
	OWED=$(owed)
	commit 9
	wait_for 60 owed_all || fail "$(($(owed) - OWED)) packets of $RULES passed the ruleset"
	wait_for 30 swarm_in || fail "not all came back: $(cat $CHIP/used $CHIP/calls)"
}
# A rule against one connection ends it; nobody else leaves.
no_rule_of() { ! has_rule "src=$C4/255.255.255.255 dst=$S4/255.255.255.255 proto=17 sport=$1/"; }
one_dropped() {
	local victim verdict=$1 begun took

	full_table
	victim=$((PORT + 5))
	! no_rule_of $victim || fail "no rule: $(head -n 3 $CHIP/rules)"
	in_r nft insert rule inet t forward ip protocol udp udp sport $victim "$verdict"
	now
	begun=$NOW
	wait_for 3 no_rule_of $victim || fail "the rule is left"
	now
	took=$(((NOW - begun) / 1000))
	least 1
	[ "$LEAST" -ge $SOME ] || fail "$LEAST of $RULES rules are left"
	must many ping 5 1 1
	equal "$ANSWER" "ok ping 1 1" "a packet of the dropped one: sent, lost"
	echo "gone after $took ms, the least was $LEAST of $RULES"
	slow_now
	[ $took -le $((150 * SLOW_NOW)) ] || fail "it took $took ms"
}
# Rules about fields of the packets count as rules about addresses do.
field_dropped() {
	fresh
	table
	client c udp
	must c set tos 184
	must c set ttl 40
	in_hw c udp "$PORT"
	setting hw_sync_ms 30000
	# the period that has begun is still a short one
	nap 1.5
	in_hw c udp "$PORT"
	in_r nft insert rule inet t forward iifname hwp0 "$@" drop
	wait_for 3 used 0 || fail "the rules are left: $(cat $CHIP/rules)"
	! ask c ping 1 || fail "not dropped"
}
# What the forward hooks do not say: a rule elsewhere takes effect within some periods.
before_forward() {
	local victim

	full_table
	setting hw_sync_ms 100
	victim=$((PORT + 7))
	in_r nft "add chain inet t early { type filter hook prerouting priority -150; }; add rule inet t early ip protocol udp udp sport $victim drop"
	wait_for 60 no_rule_of_pinged $victim || fail "the rule is left"
	must many ping 7 1 1
	equal "$ANSWER" "ok ping 1 1" "a packet of the dropped one: sent, lost"
}
no_rule_of_pinged() { lossless many ping 8 $((FLOWS - 8)) 1; no_rule_of "$1"; }
# A flow that leaves for another reason pays what it owes.
leaves_owing() {
	full_table
	setting hw_sync_ms 30000
	commit 11
	nap 0.3
	OWED=$(owed)
	in_r ethtool -K hwp0 hw-tc-offload off
	wait_for 10 used 0 || fail "rules are left: $(cat $CHIP/used)"
	lossless many ping 0 "$FLOWS" 1
	[ "$(owed)" -ge $((OWED + RULES)) ] || fail "$(($(owed) - OWED)) packets of $RULES passed the ruleset"
}
topo_chip
run_case "a commit leaves a full table in hardware" stays_full
run_case "each flow shows packets to the new ruleset, in turn" everybody_learns
run_case "what a new rule drops leaves hardware at once" one_dropped drop
run_case "what a new rule rejects leaves hardware at once" one_dropped reject
run_case "a new rule about the DSCP of packets" field_dropped ip dscp ef
run_case "a new rule about their TTL" field_dropped ip ttl 39
run_case "a rule before forwarding counts within some periods" before_forward
run_case "flows that leave for another reason show packets as well" leaves_owing
rmmod nfo_hwsim
all_done
