#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# tags: hw
# The table of drivers: who is asked, in which form, and what no driver is asked for. The
# simulated chip says that it is another driver, and judges as that one does.
# shellcheck source=../lib.sh disable=SC2119
. "$(dirname "$0")/../lib.sh"
need jq
# shellcheck source=../lib-hwsim.sh
. "$(dirname "$0")/../lib-hwsim.sh"
# shellcheck source=../lib-hwcache.sh
. "$(dirname "$0")/../lib-hwcache.sh"
ours_alone
TRY=/sys/module/nf_flow_offload/parameters/try_block

# as DRIVER HOW [MODE...] - an empty chip of this driver.
as() {
	local mode

	fresh "$2"
	mtus 1500
	set_chip driver "$1"
	for mode in "${@:3}"; do set_chip "modes/$mode" 1; done
}

mtus() { ip -n "$NS_R" link set hwp1 mtu "$1"; }

# asked - requests for a block in BLOCKS, rule commands of blocks without RTNL in UNLOCKED.
asked() { read -r BLOCKS UNLOCKED <"$CHIP/asked"; }

stays_soft() {
	for _ in 1 2 3; do must "$1" ping 6; nap 0.6; done
	state_is "$PORT" software || fail "$(cat "$OUT" $CHIP/rules)"
	used 0 || fail "$(cat $CHIP/rules)"
	fast "$1" ping 10
	by_host "$1" ping 10
}

# because REASON - the flow says why it is in software.
because() { flow_is "$PORT" .reason "$1" || fail "the flow says $IS"; }

declined() {
	local before

	as "$1" block liar
	asked
	before=$BLOCKS
	table
	client c udp
	promote c udp "$PORT"
	dev_is hwp0 "none hw-declined 95 $2" || fail "hwp0: $SAYS"
	stays_soft c
	because hw-declined
	asked
	equal "$BLOCKS" "$before" "requests for a block"
	in_r "$NFO_TOOLS/nft-offload" check -j hwp0 >"$OUT" || true
	[[ $(value '[.checks[].text] | join(" ")') == *"driver $1 "*"$3"* ]] || fail "$(cat "$OUT")"
}

# Who insists sees why: the liar says yes, and the port is deaf.
explorer() {
	as st_gmac block liar
	echo Y >$TRY
	table
	echo N >$TRY
	dev_is hwp0 "block none 0 *" || fail "hwp0: $SAYS"
	client c udp
	must c timeout 300
	wait_for 10 deaf c || fail "the port still hears"
	rules_flush
	set_chip reset 1
	must c timeout 3000
	wait_for 10 ask c ping 1 || fail "still deaf: $ANSWER"
	must c drain
}
deaf() { ! ask "$1" ping 4; }

other_chip() {
	local before

	fresh block
	set_chip features/one_chip 0
	table
	client c udp
	promote c udp "$PORT"
	dev_is hwp0 "block none 0 *" || fail "hwp0: $SAYS"
	calls
	before=$CALLS
	stays_soft c
	because hw-shape
	calls
	equal "$CALLS" "$before" "calls of the driver"
}

# --- forms ---------------------------------------------------------------

netronome() {
	as nfp block no_add
	table
	hw_up c udp
	has_rule "ttl=64/ff" || fail "no exact TTL: $(cat $CHIP/rules)"
	has_rule "csum=ip+l4" || fail "the layer 4 checksum is not named: $(cat $CHIP/rules)"
	! grep -q "ttl-1" $CHIP/rules || fail "an addition: $(cat $CHIP/rules)"
	by_hw 20 c ping 10
}

representor() {
	as mlx5e_rep ft keep_ttl ttl_ends
	table
	hw_up c udp
	has_rule "ttl=64/40" || fail "a TTL of 1 would leave: $(cat $CHIP/rules)"
	has_rule "ttl-1" || fail "the TTL stays: $(cat $CHIP/rules)"
	has_rule "frag=0/1" || fail "fragments match: $(cat $CHIP/rules)"
	by_hw 20 c ping 10
}

# The second form is tried when the first is refused, and first the next time.
in_order() {
	local calls

	as nfo_hwsim block no_add
	table
	calls
	calls=$CALLS
	hw_up a udp
	calls
	equal $((CALLS - calls)) 4 "calls for the first flow"
	calls=$CALLS
	hw_up b udp
	calls
	equal $((CALLS - calls)) 2 "calls for the second flow"
	by_hw 20 a ping 10
}

block_match() {
	local before

	fresh block
	asked
	before=$UNLOCKED
	table
	hw_up c tcp
	has_rule "dmac=$RC_MAC/ff:ff:ff:ff:ff:ff" || fail "any frame matches: $(cat $CHIP/rules)"
	has_rule "frag=0/1" || fail "fragments match: $(cat $CHIP/rules)"
	rules_flush
	used 0 || fail "rules are left: $(cat $CHIP/rules)"
	asked
	equal "$UNLOCKED" "$before" "calls without RTNL"
}

# --- what no driver is asked for -----------------------------------------

oversize() {
	as mlx5e_rep ft keep_ttl no_mtu
	mtus 1400
	table
	client c udp
	promote c udp "$PORT"
	reason hw-mtu
	stays_soft c
	because hw-mtu
	reason hw-mtu
	[ "$COUNT" -ge 1 ] || fail "not counted"
	setting hw_oversize 1
	in_hw c udp "$PORT"
	by_hw 20 c ping 10
	mtus 1500
}

# A chip that looks at the MTU itself needs no such care.
oversize_seen() {
	fresh ft
	mtus 1400
	table
	hw_up c udp
	by_hw 20 c ping 10
	mtus 1500
}

# It looks at the MTU of its ports, and that of the route is smaller.
oversize_unseen() {
	fresh ft
	mtus 1500
	ip -n "$NS_R" route replace "$S4/32" dev hwp1 mtu 1400
	table
	client c udp
	promote c udp "$PORT"
	stays_soft c
	because hw-mtu
	ip -n "$NS_R" route del "$S4/32" dev hwp1
	in_hw c udp "$PORT"
	by_hw 20 c ping 10
}

rewritten() {
	fresh ft
	table "chain post { type filter hook postrouting priority 0; oifname hwp1 ip dscp set cs3; }"
	client c udp
	promote c udp "$PORT"
	stays_soft c
	because hw-fields
	reason hw-fields
	[ "$COUNT" -ge 1 ] || fail "not counted"
}

# A rule sets what the first packets have already. Later ones of the connection have another DSCP.
bleached() {
	local before

	fresh block
	in_s nft -f - <<-END
		table inet w {
			counter marked { }
			chain input { type filter hook input priority 0; ip dscp ef counter name marked; }
		}
	END
	table "chain post { type filter hook postrouting priority 0; oifname hwp1 ip dscp set cs0; }"
	hw_up c udp
	by_hw 20 c ping 10
	must c set tos 184
	must c ping 20
	counter marked "$NS_S" inet w
	equal "$PACKETS" 0 "packets with the DSCP that the ruleset takes away"
	# what was seen is known: no rule can set it
	wait_for 5 used 0 || fail "$(cat $CHIP/rules)"
	stays_soft c
	because hw-fields
	counter marked "$NS_S" inet w
	equal "$PACKETS" 0 "packets with the DSCP that the ruleset takes away"
	in_s nft delete table inet w
}

# Without such a rule packets with any DSCP are hardware's, as soon as that is known.
any_dscp() {
	fresh block
	table
	hw_up c udp
	has_rule "tos=00/fc" || fail "any DSCP matches: $(cat $CHIP/rules)"
	must c set tos 184
	wait_for 20 stays_without_dscp c || fail "the DSCP is still matched: $(cat $CHIP/rules)"
	by_hw 10 c ping 5
	must c set tos 0
	by_hw 10 c ping 5
}
# The rule of the other direction may be made anew a reading later.
stays_without_dscp() { no_dscp "$1" && nap 1.2 && no_dscp "$1"; }
no_dscp() { must "$1" ping 4; used 2 && ! grep -q " in=0 .* tos=" $CHIP/rules; }

# A chip whose driver has no TC offload: its switch is off and cannot be switched on, so nobody is
# told to.
no_switch() {
	rmmod nfo_hwsim
	insmod "$KO" ports=3 hw_tc=0
	set_chip driver "$1"
	port_up 0
	port_up 1
	! in_r ethtool -K hwp0 hw-tc-offload on || fail "switched on"
	table
	dev_is hwp0 "none hw-declined 95 $2" || fail "hwp0: $SAYS"
	client c udp
	promote c udp "$PORT"
	stays_soft c
}

topo_chip
sysctl_r net/netfilter/nf_conntrack_acct 1
run_case "stmmac is declined with words, and not asked" declined st_gmac "it takes a rule, forwards nothing*" deaf
run_case "bnxt is declined" declined bnxt_en "it takes a rule and leaves parts*" "closing segments"
run_case "a driver that nobody knows is declined" declined some_nic "its driver is not known*" "not known"
run_case "try_block asks all the same, and the harm is done" explorer
run_case "a block between two chips" other_chip
run_case "form of nfp: TTL matched and set, all checksums named" netronome
run_case "form of mlx5's representors: TTL by addition, never from 1" representor
run_case "forms are tried in order and remembered" in_order
run_case "a block's rule names the router's address; RTNL is held" block_match
run_case "larger packets than the egress takes" oversize
run_case "a chip that looks at the MTU" oversize_seen
run_case "a route whose MTU no chip knows" oversize_unseen
run_case "a rewritten DSCP is software's" rewritten
run_case "a DSCP that a rule takes from later packets" bleached
run_case "a DSCP that no rule touches" any_dscp
run_case "a driver without the switch" no_switch igb "its filters choose queues*"
rmmod nfo_hwsim
all_done
