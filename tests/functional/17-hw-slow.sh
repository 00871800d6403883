#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# tags: hw
# A driver that needs long for each call, and much to do for it: eight seconds to delete all rules.
# What must not wait for them is done while most of them are there. `tests/bench/run slow-driver`
# measures times.
# shellcheck source=../lib.sh disable=SC2119
. "$(dirname "$0")/../lib.sh"
need jq
# shellcheck source=../lib-hwsim.sh
. "$(dirname "$0")/../lib-hwsim.sh"
# shellcheck source=../lib-hwcache.sh
. "$(dirname "$0")/../lib-hwcache.sh"
ours_alone

# The server's other address, with an echo and a neighbour entry of its own.
FEW4=${S4%.*}.44
OLD=$(mac 64) NEW=$(mac 65)
neighbour_is() { ip -n "$NS_R" neigh replace "$FEW4" lladdr "$1" dev hwp1 nud permanent; }
MANY=$((MANY * 2 / 5))

send_until() { lossless "$1" ping 0 "$2" 2; used "$3"; }
# all_in SWARM COUNT RULES - they send until so many rules are in the chip.
all_in() {
	wait_for 30 send_until "$@" || fail "$1: not all are in hardware: $(cat $CHIP/used $CHIP/calls)"
}

# full HOW - many connections and a few to another neighbour are in the chip, and its driver is slow
# from now on: it is called twice to delete a rule.
full() {
	fresh "$1"
	set_chip table_size $((4 * MANY))
	setting hw_after 1
	neighbour_is "$OLD"
	table
	swarm many "$MANY"
	all_in many "$MANY" $((2 * MANY))
	next_port
	peer_start few "$NS_C" exec "$NFO_TOOLS/nfo_swarm" "$C4" "$PORT" 3 "$FEW4" 5001 || fail "swarm: $ANSWER"
	all_in few 3 $((2 * MANY + 6))
	set_chip rule_delay_us $((2000000 / MANY))
}

# moved - all rules of the few send to the new address.
moved() {
	local rules old _

	lossless few ping 0 3 1
	read -r rules _ <$CHIP/watch/0
	read -r old _ <$CHIP/watch/1
	[ "$rules $old" = "3 0" ]
}

# busy - most of the rules are still to be deleted.
busy() {
	local now

	read -r now _ <"$CHIP/used"
	[ "$now" -ge "$MANY" ] || fail "$1: $now rules are left"
}

neighbour() {
	full "$1"
	tool flush --addr "$S4"
	set_chip watch/0 "$NEW"
	set_chip watch/1 "$OLD"
	neighbour_is "$NEW"
	wait_for 20 moved || fail "to the new address, to the old one: $(cat $CHIP/watch/0 $CHIP/watch/1)"
	busy "the change was done last"
}

# The command is back long before the driver has deleted all rules, and the switch says so.
switched_off() {
	full "$1"
	mode off_is_deaf
	in_r ethtool -K hwp0 hw-tc-offload off
	busy "the command waited"
	[[ $(in_r ethtool -k hwp0) == *"hw-tc-offload: off"* ]] || fail "the switch is on again"
	tool status -j
	equal "$(value '.devices[] | select(.dev == "hwp0") | .reason')" hw-feature "reason"
	set_chip rule_delay_us 100
	wait_for 20 used 0 || fail "rules are left: $(cat $CHIP/used $CHIP/calls)"
	wait_for 10 dev_is hwp0 "none hw-feature *" || fail "hwp0: $SAYS"
	refused_calls del
	equal "$REFUSED" 0 "refused deletions"
	[[ $(in_r ethtool -k hwp0) == *"hw-tc-offload: off"* ]] || fail "the switch is on again"
	set_chip rule_delay_us 0
	in_r ethtool -K hwp0 hw-tc-offload on
	all_in few 3 6
}

# On again before all rules are gone: they go, and flows come back.
switched_on_again() {
	full ft
	mode off_is_deaf
	in_r ethtool -K hwp0 hw-tc-offload off
	in_r ethtool -K hwp0 hw-tc-offload on
	set_chip rule_delay_us 0
	all_in many "$MANY" $((2 * MANY))
	wait_for 10 dev_is hwp0 "ft none 0 *" || fail "hwp0: $SAYS"
}

# The ruleset goes while the driver is at the deletions.
switched_off_and_gone() {
	full "$1"
	mode off_is_deaf
	in_r ethtool -K hwp0 hw-tc-offload off
	set_chip rule_delay_us 100
	rules_flush
	used 0 || fail "rules are left: $(cat $CHIP/used)"
	[[ $(in_r ethtool -k hwp0) == *"hw-tc-offload: off"* ]] || fail "the switch is on again"
}

# While the driver is at the deletions of the ruleset that goes, so does a port.
port_goes_too() {
	full "$1"
	rules_flush &
	wait_for 10 fewer || fail "no rule goes: $(cat $CHIP/used)"
	busy "the ruleset is gone already"
	set_chip rule_delay_us 100
	set_chip ports "del 1"
	used 0 || fail "rules of a port that is gone: $(cat $CHIP/used)"
	wait $!
	equal "$(in_r nft list tables)" "" "tables"
}
fewer() { local now; read -r now _ <"$CHIP/used"; [ "$now" -lt $((2 * MANY + 6)) ]; }

topo_chip
ip -n "$NS_S" addr add "$FEW4/32" dev lo
for i in "$OLD" "$NEW"; do
	ip -n "$NS_S" link add "m${i##*:}" link s0 address "$i" type macvlan mode bridge
	ip -n "$NS_S" link set "m${i##*:}" up
done
neighbour_is "$OLD"
peer_start sf "$NS_S" server udp "$FEW4" 5001 || die "echo: $ANSWER"
LIB_SERVERS+="sf "
run_case "a neighbour changes while rules wait for their deletion" neighbour ft
run_case "likewise with a block" neighbour block
run_case "hw-tc-offload off does not wait for all rules" switched_off ft
run_case "likewise with a block" switched_off block
run_case "hw-tc-offload off and on" switched_on_again
run_case "hw-tc-offload off, and the ruleset goes" switched_off_and_gone ft
run_case "likewise with a block" switched_off_and_gone block
run_case "a port goes while the ruleset goes" port_goes_too ft
rmmod nfo_hwsim
all_done
