#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# tags: hw
# VLAN and PPPoE connections in hardware, on the simulated switch chip: the chip takes
# tags off and puts them on, the host sees no packet.
# shellcheck source=../lib.sh disable=SC2119
. "$(dirname "$0")/../lib.sh"
need jq
# shellcheck source=../lib-hwsim.sh
. "$(dirname "$0")/../lib-hwsim.sh"
ours_alone
STACK_R=hwp1
# shellcheck source=../lib-stacks.sh
. "$(dirname "$0")/../lib-stacks.sh"

# carried PROTO - to the server behind the stack, from wire to wire.
carried() {
	address_of "$1"
	client c "$1" 5000 "$TO"
	in_hw c "$1" "$PORT"
	flat 20 c ping 10
	flat 6 c ping 3 1200
	[ "${1%6}" != tcp ] || flat 60 c bulk 50000
	used 2 || fail "not two rules: $(cat $CHIP/rules)"
	state_is "$PORT" hardware || fail "$(cat "$OUT")"
}

underlay_mtu() {
	ip -n "$NS_R" link set hwp1 mtu "$1"
	ip -n "$NS_S" link set s0 mtu "$1"
}

stack_end() {
	rules_flush
	wait_for 10 used 0 || fail "rules are left: $(cat $CHIP/rules)"
	peers_stop
	stack_gone
	underlay_mtu 1500
}

# vlans HOW PROTO "TAG..." [LINES]
vlans() {
	local tag

	clean "$1"
	# shellcheck disable=SC2086 # a list
	behind_vlans $3
	# The cable takes a frame with one tag more than its MTU; two need a longer one.
	# What is above keeps its own.
	underlay_mtu 1504
	table "${4:-}"
	carried "$2"
	for tag in $3; do
		has_rule "push=${tag#*:}:" || fail "tag $tag is not pushed: $(cat $CHIP/rules)"
	done
	stack_end
}

# A PPPoE header is pushed; the one that comes in is seen through by the routing engine.
pppoe() {
	clean ft
	behind_pppoe "${2:-}"
	table
	carried "$1"
	has_rule "pppoe=77 " || fail "no PPPoE header: $(cat $CHIP/rules)"
	stack_end
}

# The session is that of the VLAN device, which has an address of its own; the peer knows no other.
pppoe_of_vlan() {
	clean ft
	VLAN_MAC=$(mac 99)
	behind_pppoe 10
	VLAN_MAC=''
	table
	carried "$1"
	has_rule "eth=${S_MAC//:/}$(mac 99 | tr -d :) " || fail "another address: $(cat $CHIP/rules)"
	stack_end
}

# Tags get a priority from the VLAN device, which rules cannot give them.
tag_priority() {
	clean ft
	behind_vlans 802.1q:10
	table
	carried "$1"
	egress_map 0:5
	wait_for 5 used 0 || fail "tags without a priority: $(cat $CHIP/rules)"
	for _ in 1 2 3; do must c ping 6; nap 0.6; done
	by_host c ping 10
	flow_why "$PORT" "software dev-stack" || fail "$(cat "$OUT")"
	egress_map 0:0
	in_hw c "$1" "$PORT"
	stack_end
}
egress_map() { ip -n "$NS_R" link set hwp1.10 type vlan egress-qos-map "$1"; }
flow_why() {
	tool list -j -P "$1"
	[ "$(value '.flows[0] | "\(.state) \(.reason)"')" = "$2" ]
}

NAT="chain post { type nat hook postrouting priority 100; iifname hwp0 masquerade; }"

# What the chip cannot stays in software, and is as fast as software is.
refused_tag() {
	clean ft
	set_chip features/vlan 0
	behind_vlans 802.1q:10
	table
	address_of udp
	client c udp 5000 "$TO"
	wait_for 15 refused_by_chip || fail "the chip was not asked: $(cat $CHIP/last_refusal)"
	by_host c ping 20
	flow_why "$PORT" "software hw-shape" || fail "$(cat "$OUT")"
	# Its shape alone is refused.
	ip -n "$NS_S" route del 192.0.2.0/24
	client d udp
	in_hw d udp "$PORT"
	stack_end
}
refused_by_chip() {
	must c ping 4
	[[ $(<$CHIP/last_refusal) == *VLAN* ]]
}

# One kind of tag is refused, and another one by the same port is not.
refused_kind() {
	clean ft
	behind_vlans 802.1ad:10
	table
	address_of udp
	client c udp 5000 "$TO"
	wait_for 15 refused_after c "95 nfo_hwsim: This VLAN tag" || fail "the chip was not asked: $(cat $CHIP/last_refusal)"
	by_host c ping 20
	behind_vlans 802.1q:20
	client d udp 5000 "$TO"
	in_hw d udp "$PORT"
	flat 20 d ping 10
	stack_end
}

# The end of a session, of a VLAN device: its rules leave the chip.
upper_gone() {
	clean ft
	behind_vlans 802.1q:10
	table
	carried udp
	ip -n "$NS_R" link del hwp1.10
	wait_for 10 used 0 || fail "rules outlive the device: $(cat $CHIP/rules)"
	stack_end
}

topo_chip
run_case "VLAN, udp" vlans ft udp 802.1q:10
run_case "VLAN, tcp6" vlans ft tcp6 802.1q:10
run_case "VLAN, masquerade, tcp" vlans ft tcp 802.1q:10 "$NAT"
run_case "VLAN, block driver, tcp" vlans block tcp 802.1q:10
run_case "802.1ad, block driver, udp" vlans block udp 802.1ad:10
run_case "two tags, udp6" vlans ft udp6 "802.1q:10 802.1q:20"
run_case "two tags, tcp" vlans ft tcp "802.1q:10 802.1q:20"
run_case "two tags, block driver, masquerade, tcp" vlans block tcp "802.1ad:10 802.1q:20" "$NAT"
run_case "PPPoE, udp" pppoe udp
run_case "PPPoE, tcp6" pppoe tcp6
run_case "PPPoE in a VLAN, tcp" pppoe tcp 10
run_case "PPPoE in a VLAN with an address of its own, udp" pppoe_of_vlan udp
run_case "PPPoE in a VLAN with an address of its own, tcp6" pppoe_of_vlan tcp6
run_case "a VLAN device that gives tags a priority" tag_priority udp
run_case "a chip without VLAN" refused_tag
run_case "a chip without 802.1ad" refused_kind
run_case "the VLAN device goes" upper_gone
rmmod nfo_hwsim
all_done
