#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# tags: life debug
# Packets that are routed between ports of a DSA switch, also through VLAN devices and a session above
# the port wan; what the driver of the device below is told; and its driver unloaded and loaded.
# shellcheck source=../lib.sh disable=SC2119
. "$(dirname "$0")/../lib.sh"
need ethtool
# shellcheck source=../lib-dsa.sh
. "$(dirname "$0")/../lib-dsa.sh"

# --- routed between two ports ---------------------------------------------

MASQUERADE='chain post { type nat hook postrouting priority 100; oifname wan meta nfproto ipv4 masquerade; }'

routed() {
	rules_listing "lan1, wan" 'meta l4proto { tcp, udp } flow add @f' "$MASQUERADE"
	intact "$1"
}

# eth0 sees frames whose IP header nobody can read: a flowtable that lists it in place of the ports
# carries nothing, and breaks nothing.
conduit_listed() {
	rules_listing "eth0"
	client c udp
	slow 20 c ping 20
	reason_count dev-not-in-table
	[ "$REASON" -gt 0 ] || fail "the reason is not counted"
}

# Both listed: the frames are not touched at eth0.
all_listed() {
	rules_listing "eth0, lan1, wan"
	intact "$1"
}

# counts DEVICE... - "DEVICE rx-packets rx-bytes tx-packets tx-bytes" of each, in COUNTS.
counts() {
	COUNTS=$(ip -n "$NS_R" -s -j link | jq -r --arg devs " $* " '.[] | .ifname as $n |
		select($devs | contains(" \($n) ")) | .stats64 |
		"\($n) \(.rx.packets) \(.rx.bytes) \(.tx.packets) \(.tx.bytes)"')
}

# amounts DEVICE... - what 300 echoes add to each, in AMOUNTS.
amounts() {
	local before

	must c ping 3 400
	counts "$@"
	before=$COUNTS
	must c ping 300 400
	counts "$@"
	AMOUNTS=$(paste -d ' ' <(echo "$before") <(echo "$COUNTS") |
		awk '{ print $1, $7 - $2, $8 - $3, $9 - $4, $10 - $5 }')
}

counted() {
	local classic device a b i
	local -a one other

	client c udp
	amounts "$@"
	classic=$AMOUNTS
	rules_listing "lan1, lan2, wan"
	promote c udp "$PORT"
	fast c ping 5
	amounts "$@"
	[ "$(wc -l <<<"$AMOUNTS")" = $# ] || fail "counters: $AMOUNTS"
	while read -r -u 3 device a && read -r -u 4 device b; do
		read -ra one <<<"$a"
		read -ra other <<<"$b"
		for i in 0 1 2 3; do
			[ "${one[i]}" -ge 300 ] || fail "the classic path counts $classic"
			[ $(((one[i] - other[i]) * 100)) -le "${one[i]}" ] &&
				[ $(((other[i] - one[i]) * 100)) -le "${one[i]}" ] ||
				fail "$device: $b, classic $a"
		done
	done 3<<<"$classic" 4<<<"$AMOUNTS"
}

# --- above the wan port ---------------------------------------------------

# above PROTO HOW ARGUMENT... - the server is behind VLAN devices or a session above wan.
above() {
	local proto=$1

	shift
	"$@"
	rules_listing "lan1, wan"
	address_of "$proto"
	intact "$proto" "$TO"
	stack_gone
}

# --- the switch goes and comes --------------------------------------------

# Its driver is unloaded under traffic of three connections.
unloaded() {
	local c port

	rules_listing "lan1, wan" 'meta l4proto { tcp, udp } flow add @f' ''
	flow_up ct tcp
	port=$PORT
	flow_up cu udp
	flow_up c6 udp6
	for c in ct cu c6; do
		must $c timeout 20000
		tell $c run 2000
	done
	nap 0.2
	rmmod nfo_dsasim || fail "the switch does not go"
	no_offload_flag tcp "$port" || fail "the flow is there without its devices: $CT"
	switch_up
	for c in ct cu c6; do
		peer_answer $c 60 || true
		wait_for 20 ask $c ping 1 || fail "$c: $ANSWER"
	done
	promote ct tcp "$port"
	for c in ct cu c6; do
		settle $c
		fast $c ping 10
	done
}

# --- hardware -------------------------------------------------------------

OUT=$LIB_TMP/out
tool() { in_r "$NFO_TOOLS/nft-offload" "$@" >"$OUT" || fail "nft-offload $*: $(cat "$OUT")"; }

# The Ethernet device below takes no rules: the ruleset loads, software carries, the reason is told.
no_rules() {
	local says

	driver 0
	rules_offloading "lan1, wan"
	intact "$1"
	tool status -j
	says=$(jq -r '.devices[] | select(.dev == "wan") | "\(.hw) \(.reason) \(.message)"' "$OUT")
	[[ $says == *"Ethernet device below, which takes none"* ]] || fail "it says: $says"
	equal "$(jq -r '[.flows[].state] | unique | join(",")' < <(tool list -j && cat "$OUT"))" software "states"
	rules_flush
	equal "$(sed 's/ blocks.*//' "$SIM/calls")" "binds=0 unbinds=0" "calls of the driver"
}

no_rules_left() { [ ! -s "$SIM/rules" ]; }

# The switch hw-tc-offload of the device below: the rules leave, and come back.
switched_off() {
	driver 1
	rules_offloading "lan1, wan"
	client c udp
	wait_for 15 asks c udp "$PORT" || fail "not in hardware: $(cat $SIM/calls)"
	in_r ethtool -K eth0 hw-tc-offload off
	wait_for 10 no_rules_left || fail "rules are left: $(cat $SIM/rules)"
	fast c ping 10
	in_r ethtool -K eth0 hw-tc-offload on
	wait_for 15 asks c udp "$PORT" || fail "not back in hardware: $(cat $SIM/calls)"
	rules_flush
	driver 0
}

# The driver is unloaded while it has rules.
unloaded_hw() {
	driver 1
	rules_offloading "lan1, wan"
	client c udp
	wait_for 15 asks c udp "$PORT" || fail "not in hardware: $(cat $SIM/calls)"
	rmmod nfo_dsasim || fail "the switch does not go"
	switch_up
	must c timeout 20000
	wait_for 20 ask c ping 1 || fail "$ANSWER"
	promote c udp "$PORT"
	fast c ping 10
	rules_flush
}

switch_up
echo_up
for proto in udp tcp udp6 tcp6; do
	run_case "between two ports, $proto" routed $proto
done
run_case "only the device below is listed" conduit_listed
run_case "the device below is listed too, tcp" all_listed tcp
run_case "lan1, wan and eth0 count as on the classic path" counted lan1 wan eth0
run_case "VLAN on wan, tcp" above tcp behind_vlans 802.1q:7
run_case "VLAN on wan, udp6" above udp6 behind_vlans 802.1q:7
run_case "PPPoE in a VLAN on wan, tcp" above tcp behind_pppoe 7
run_case "PPPoE in a VLAN on wan, tcp6" above tcp6 behind_pppoe 7
run_case "the driver is unloaded and loaded" unloaded
run_case "flags offload, the device below takes no rules, tcp" no_rules tcp
run_case "rules name the ports, udp" rules_name udp "lan1, wan" "$BOTH"
run_case "rules name the ports, tcp6" rules_name tcp6 "lan1, wan" "$BOTH"
run_case "rules name the ports below a VLAN, udp" rules_name udp "lan1, wan" "$BOTH" behind_vlans 802.1q:7
run_case "rules name the ports below PPPoE, tcp" rules_name tcp "lan1, wan" "$BOTH" behind_pppoe 7
run_case "hw-tc-offload of the device below" switched_off
run_case "the driver is unloaded while it has rules" unloaded_hw


rules_flush
rmmod nfo_dsasim
all_done
