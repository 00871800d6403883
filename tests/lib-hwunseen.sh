# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034 # its callers use what it sets
# What the tests of filters and shapers on the way of flows in hardware share; sourced after
# lib-hwcache.sh.

tc_r() { tc -n "$NS_R" "$@"; }
flow_why() { flow_is "$1" '"\(.state) \(.reason)"' "$2"; }
root_of() { tc_r qdisc replace dev "$1" root "${@:2}"; }
no_root() { tc_r qdisc del dev "${1:-hwp1}" root; }
tbf_of() { root_of "$1" tbf rate 900mbit burst 100k latency 50ms; }
cake_of() { root_of "$1" cake bandwidth 900mbit dual-srchost nat; }
# police DEVICE - what comes in by it.
police() {
	tc_r qdisc add dev "$1" handle ffff: ingress
	tc_r filter add dev "$1" parent ffff: matchall action police rate 900mbit burst 100k conform-exceed drop
}
no_ingress() { tc_r qdisc del dev "$1" ingress; }

# sqm_in DEVICE - what comes in by it goes through cake at ifb4, as sqm-scripts has it.
sqm_in() {
	ip -n "$NS_R" link add ifb4 type ifb
	ip -n "$NS_R" link set ifb4 up
	root_of ifb4 cake bandwidth 900mbit ingress dual-dsthost nat
	tc_r qdisc add dev "$1" handle ffff: ingress
	tc_r filter add dev "$1" parent ffff: protocol all prio 10 u32 match u32 0 0 flowid 1:1 \
		action mirred egress redirect dev ifb4
}
no_sqm_in() {
	no_ingress "$1"
	ip -n "$NS_R" link del ifb4
}

# sent DEVICE - packets that its root qdisc has sent, in SENT.
sent() { SENT=$(tc_r -s qdisc show dev "$1" root | awk '$1 == "Sent" { print $4; exit }'); }

# bare - no device of the router has a qdisc or filter that somebody made.
bare() {
	tc_r qdisc show | awk '$3 != "0:" && ($2 == "clsact" || $2 == "ingress") { print "qdisc del dev", $5, $2 }
		$3 != "0:" && $6 == "root" { print "qdisc del dev", $5, "root" }' | tc_r -batch -
	ip -n "$NS_R" link del ifb4 2>/dev/null || true
}

# begin [ADDR] - a flow in hardware that stays there; its port is FLOW. RULES is how many rules of tc
# the chip has.
begin() {
	RULES=0 TO=${1:-}
	table
	tool set hw_after 4
	tool set hw_sync_ms 200
	client c udp 5000 "$TO"
	FLOW=$PORT
	in_hw c udp "$FLOW"
	wait_for 10 settled || fail "the flow does not stay in hardware"
}

# settled - the flow stays in hardware for longer than a period: after a commit, and after a change
# of what the devices look at, each flow leaves once to show a packet.
settled() {
	local adds

	calls
	adds=$CALLS
	nap 0.45
	asks c udp "$FLOW" || return 1
	calls
	[ "$CALLS" = "$adds" ]
}

# refused PEER PORT REASON - it has asked for a place, and is in software for this reason.
refused() { ask "$1" ping 4 && flow_why "$2" "software $3"; }

# gone REASON - the flow has left the chip for it.
gone() {
	wait_for 3 used "$RULES" || fail "$WHAT: rules are left: $(cat "$CHIP/rules")"
	wait_for 5 refused c "$FLOW" "$1" || fail "$WHAT: the flow says '$IS', expected $1"
	by_host c ping 5
}

# away REASON - and another flow, which begins now, does not enter.
away() {
	gone "$1"
	client d udp 5000 "$TO"
	wait_for 5 refused d "$PORT" "$1" || fail "$WHAT: the new flow says '$IS', expected $1"
	used "$RULES" || fail "$WHAT: a rule: $(cat "$CHIP/rules")"
	peer_stop d
}

# stays_flat - it is settled, and the host sees no packet of it.
stays_flat() {
	settled || return 1
	by_whom c ping 5
	[ "$SAW" = 0 ] && [ "$MOVED" -ge 10 ]
}

back() {
	in_hw c udp "$FLOW"
	wait_for 20 stays_flat || fail "$WHAT: the flow does not stay in hardware"
}

# leaves HOW COME GO - COME and GO are commands; HOW is `gone REASON` or `away REASON`.
leaves() {
	WHAT=$2
	$2
	$1
	$3
	WHAT="after $2"
	back
}

# unasked - the flow has left the chip; a direction of it has no way in software either, so that it
# does not ask again.
unasked() {
	wait_for 3 used "$RULES" || fail "$WHAT: rules are left: $(cat "$CHIP/rules")"
	by_host c ping 5
	nap 0.6
	by_host c ping 5
	used "$RULES" || fail "$WHAT: a rule: $(cat "$CHIP/rules")"
}

holds_rules() { stays_flat && used $((RULES + 2)); }

# stays COME [GO] - nothing is taken from the flow's packets, once it has shown one of each
# direction. A busy machine is late to notice the change, so the flow may leave after it seemed
# settled.
stays() {
	WHAT=$1
	$1
	wait_for 20 holds_rules || fail "$WHAT: the flow does not stay in hardware"
	${2:-true}
}
