#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# tags: hw compat stock long
# Shapers and policers of the devices above and below the port of a flow in hardware, and ports of a
# bridge that let nothing pass: the flow leaves, and comes back.
# shellcheck source=../lib.sh disable=SC2119
. "$(dirname "$0")/../lib.sh"
need jq bridge modprobe
# shellcheck source=../lib-hwsim.sh
. "$(dirname "$0")/../lib-hwsim.sh"
# shellcheck source=../lib-hwcache.sh
. "$(dirname "$0")/../lib-hwcache.sh"
# shellcheck source=../lib-hwunseen.sh
. "$(dirname "$0")/../lib-hwunseen.sh"
ours_alone
STACK_R=hwp1
# shellcheck source=../lib-stacks.sh
. "$(dirname "$0")/../lib-stacks.sh"
modprobe -q -a bridge 8021q ifb act_police cls_matchall cls_u32 sch_cake sch_fq_codel sch_tbf || true

CHIP_OPTIONS="conduit=1"
topo_chip
ip link set hwc0 netns "$NS_R" up

clean_chip() {
	bare
	clean
	ip -n "$NS_R" link del br0 2>/dev/null && ip -n "$NS_R" addr replace "$RC4/24" dev hwp0
	stack_gone
}

# Software has no way past a filter of a device above the listed one: see nfo_lower_check().
vlan() {
	clean_chip
	behind_vlans 802.1q:10
	begin "$V4S"
	leaves "away hw-qdisc" "cake_of hwp1.10" "no_root hwp1.10"
	leaves "gone hw-qdisc" "tbf_of hwp1" no_root
	leaves unasked "police hwp1.10" "no_ingress hwp1.10"
	stays "root_of hwp1.10 fq_codel" "no_root hwp1.10"
}

pppoe() {
	local before

	clean_chip
	behind_pppoe 10
	begin "$V4S"
	leaves "gone hw-qdisc" "cake_of ppp0" "no_root ppp0"
	leaves "gone hw-qdisc" "tbf_of hwp1.10" "no_root hwp1.10"
	leaves unasked "sqm_in ppp0" "no_sqm_in ppp0"
	# all of SQM
	WHAT=SQM
	cake_of ppp0
	sqm_in ppp0
	unasked
	sent ppp0
	before=$SENT
	must c ping 10
	sent ppp0
	[ $((SENT - before)) -ge 10 ] || fail "$((SENT - before)) of 10 packets pass the shaper"
	sent ifb4
	[ "$SENT" -ge 20 ] || fail "$SENT of 20 packets pass the ifb"
	no_sqm_in ppp0
	no_root ppp0
	back
}

bridged() {
	clean_chip
	port_in_bridge
	begin
	leaves "gone hw-qdisc" "tbf_of br0" "no_root br0"
	leaves "gone hw-qdisc" "cake_of hwp0" "no_root hwp0"
	leaves unasked "police br0" "no_ingress br0"
}

# Four devices above each other.
deep() {
	clean_chip
	behind_bridge_of_vlan
	begin "$V4S"
	leaves "gone hw-qdisc" "tbf_of br0" "no_root br0"
	leaves unasked "police br0" "no_ingress br0"
}

# Frames of a switch's ports come and go by the device that the switch is connected to.
conduit() {
	clean_chip
	begin
	leaves "gone hw-qdisc" "tbf_of hwc0" "no_root hwc0"
	leaves "gone hw-filter" "police hwc0" "no_ingress hwc0"
	stays "root_of hwc0 fq_codel" "no_root hwc0"
}

# The cable of the port is pulled, and plugged in again: the port listens and learns first. Software
# drops all that while, so the chip has no rule to forward by.
no_link() {
	clean_chip
	port_in_bridge
	ip -n "$NS_R" link set br0 type bridge forward_delay 200 stp_state 1
	begin
	must c timeout 100
	ip -n "$NS_C" link set c0 down
	wait_for 5 used 0 || fail "rules are left: $(cat $CHIP/rules)"
	! state_is "$FLOW" hardware || fail "the flow is said to be in hardware"
	ip -n "$NS_C" link set c0 up
	ip -n "$NS_C" route replace default via $RC4
	wait_for 5 port_is listening || fail "$(bridge -n "$NS_R" link)"
	ports
	before=$HW
	! ask c ping 1 || fail "a port that listens lets packets pass"
	wait_for 5 port_is learning || fail "$(bridge -n "$NS_R" link)"
	! ask c ping 1 || fail "a port that learns lets packets pass"
	used 0 || fail "rules for a port that learns: $(cat $CHIP/rules)"
	ports
	equal "$HW" "$before" "packets that the chip forwarded"
	must c timeout 3000
	wait_for 20 ask c ping 1 || fail "nothing passes any more"
	in_hw c udp "$FLOW"
}
port_is() { [[ $(bridge -n "$NS_R" link show dev hwp0) == *"state $1"* ]]; }

# What is below a device is told from 5.13 on.
if [[ $(uname -r) == 5.10.* ]]; then
	vlan() { skip "5.10 does not say what is below a device"; }
	pppoe() { vlan; }
	bridged() { vlan; }
	no_link() { vlan; }
	deep() { vlan; }
fi

run_case "on a VLAN device" vlan
run_case "on a PPPoE session in a VLAN" pppoe
run_case "on a bridge and its port" bridged
run_case "on a bridge between VLAN devices" deep
run_case "on the device below the ports" conduit
run_case "a bridge port without a link, and STP after it" no_link
rmmod nfo_hwsim
all_done
